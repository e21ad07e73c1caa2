//! The isolation that a contract insists on
//!
//! Asked when everything stands and nothing was executed: what the kernel granted is known then. Each
//! part has a step of its own, so that the fault names it.

use limen_proto::contract::Minimum;
use limen_proto::jail::Step;
use limen_proto::posture::Posture;
use rustix::io::Errno;

use crate::fault::Fault;

/// # Errors
/// The posture is below the minimum; the step says in what.
pub(super) fn reached(minimum: &Minimum, posture: &Posture) -> Result<(), Fault> {
    let parts = [
        (
            Step::MinimumLandlockAbi,
            posture.landlock_abi >= minimum.landlock_abi,
            format!(
                "Landlock ABI {}: this kernel has {}",
                minimum.landlock_abi, posture.landlock_abi
            ),
        ),
        (
            Step::MinimumMemfdExecDenied,
            posture.memfd_exec_denied || !minimum.memfd_exec_denied,
            "that programs in memory are not executed".to_owned(),
        ),
        (
            Step::MinimumDiskQuota,
            posture.disk_quota || !minimum.disk_quota,
            "a disk quota: the data disk has none".to_owned(),
        ),
        (
            Step::MinimumShaped,
            posture.shaped || !minimum.shaped,
            "a bandwidth limit in both directions: the contract has none".to_owned(),
        ),
    ];
    match parts.into_iter().find(|(_, reached, _)| !reached) {
        Some((step, _, what)) => Err(Fault::new(
            step,
            "reach the contract's minimum,",
            what,
            Errno::OPNOTSUPP,
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_that_is_missing_is_named() {
        let posture = Posture {
            landlock_abi: 2,
            ..Posture::default()
        };
        assert_eq!(reached(&Minimum::default(), &posture), Ok(()));
        let none = Minimum::default();
        let cases = [
            (
                Step::MinimumLandlockAbi,
                Minimum {
                    landlock_abi: 4,
                    ..none
                },
            ),
            (
                Step::MinimumMemfdExecDenied,
                Minimum {
                    memfd_exec_denied: true,
                    ..none
                },
            ),
            (
                Step::MinimumDiskQuota,
                Minimum {
                    disk_quota: true,
                    ..none
                },
            ),
            (
                Step::MinimumShaped,
                Minimum {
                    shaped: true,
                    ..none
                },
            ),
        ];
        for (step, minimum) in cases {
            let fault = reached(&minimum, &posture).unwrap_err();
            assert_eq!((fault.step(), fault.errno()), (step, 95));
        }
    }
}
