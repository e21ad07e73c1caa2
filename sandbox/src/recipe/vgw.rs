//! A virtual gateway: namespaces, network, quota, and the reaper that holds them
//!
//! Six namespaces of the initial user namespace first, the user namespace last. The reaper gets
//! less than any other program: an empty root, no file but its own text, a dozen system calls.

use std::os::fd::{AsFd, OwnedFd};

use limen_channel::Descriptors;
use limen_proto::contract::{Contract, LEAST_DESCRIPTORS};
use limen_proto::id::Slot;
use limen_proto::limits::REAPER_UID;
use limen_proto::posture::Posture;
use limen_proto::spec::VgwSpec;
use limen_proto::words::Words;

use super::report::{Identity, Init};
use super::{Given, gave_up};
use crate::fault::Fault;
use crate::step::cgroup::{Cgroup, OutOfMemory, Share};
use crate::step::exec::Command;
use crate::step::landlock::Rules;
use crate::step::limits::{self, Death};
use crate::step::root::{Root, Source};
use crate::step::{descriptors, identity, namespaces, network, quota, seccomp, sysctls, users};
use crate::sys::execute::Program;

/// The reaper's executable on the box. It is executed by descriptor: its root is empty.
const REAPER: &str = "/usr/lib/limen/bin/limen-reaper";

/// What was made before the reaper's process.
struct Made {
    null: OwnedFd,
    log: OwnedFd,
    users: OwnedFd,
    network: OwnedFd,
    quota: bool,
}

pub(super) fn build(spec: &VgwSpec, given: Descriptors, init: &Init) -> Result<(), Fault> {
    let mut given = Given::new(given);
    let (null, log) = (given.take("/dev/null")?, given.take("the log")?);
    // The jail lives in the leaf beside the bundles' leaves; the limits are their parent's.
    Cgroup::own()?.parent()?.limit(&share(&spec.contract))?;
    let made = Made {
        null,
        log,
        quota: quota::limit(spec.slot, &spec.contract)?,
        users: users::make(spec.slot)?,
        network: network::build(spec.slot, &spec.contract)?,
    };
    let born = namespaces::born(namespaces::OF_VGW, || {
        let fault = payload(spec, &made, init);
        gave_up(init, &fault.unwrap_or_else(|fault| fault))
    });
    if born.is_err() {
        // The first fault is the one to report.
        let _ = network::destroy(spec.slot);
    }
    born
}

/// What everything in a virtual gateway has together.
fn share(contract: &Contract) -> Share<'_> {
    Share {
        limits: &contract.limits,
        guarantees: &contract.guarantees,
        victim: OutOfMemory::One,
    }
}

/// What becomes the reaper. Returns only what went wrong.
fn payload(spec: &VgwSpec, made: &Made, init: &Init) -> Result<Fault, Fault> {
    namespaces::own_session()?;
    let own = Identity::own()?;
    let reaper = Source::open(REAPER)?;
    let name = Words::collect(["limen-reaper"]).unwrap_or_default();
    let command = Command::new(&name, &Words::new(), &[])?;

    sysctls::of_vgw(spec.slot)?;
    namespaces::set_host_name(&spec.provider)?;
    limits::apply(Death::Reaper, LEAST_DESCRIPTORS)?;
    Root::new()?.enter()?;
    descriptors::seal()?;
    identity::enter(made.users.as_fd())?;
    identity::become_user(REAPER_UID, &identity::capabilities(0))?;
    let landlock_abi = Rules::default().enforce(Some(reaper.as_fd()))?;
    seccomp::refuse_new_code()?;
    seccomp::REAPER.install()?;

    let contract = &spec.contract;
    let posture = Posture {
        landlock_abi,
        seccomp: true,
        user_namespace: true,
        memfd_exec_denied: true,
        disk_quota: made.quota,
        shaped: contract.upload.is_limited() && contract.download.is_limited(),
    };
    init.built(&own, posture, &[made.users.as_fd(), made.network.as_fd()])?;
    Ok(command.run_as(
        Program::Open(reaper.as_fd()),
        &[
            (made.null.as_fd(), 0),
            (made.log.as_fd(), 1),
            (made.log.as_fd(), 2),
        ],
    ))
}

/// Another contract for a virtual gateway that runs.
pub(super) fn adjust(slot: Slot, contract: &Contract, given: Descriptors) -> Result<(), Fault> {
    let inside = Given::new(given).take("the network namespace")?;
    Cgroup::of_vgw(slot)?.change(&share(contract))?;
    quota::limit(slot, contract)?;
    network::adjust(slot, inside.as_fd(), contract)
}
