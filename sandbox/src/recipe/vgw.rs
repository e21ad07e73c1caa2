//! A virtual gateway: namespaces, network, quota, and the reaper that holds them
//!
//! Six namespaces of the initial user namespace first, the user namespace last. The reaper gets
//! less than any other program: an empty root, no file but its own text, a dozen system calls.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use limen_proto::contract::{Contract, LEAST_DESCRIPTORS};
use limen_proto::id::Slot;
use limen_proto::limits::REAPER_UID;
use limen_proto::posture::{Compared, Posture};
use limen_proto::spec::{BundleShare, VgwSpec};
use limen_proto::words::Words;

use super::report::{Identity, Init};
use super::{Given, minimum};
use crate::fault::Fault;
use crate::step::cgroup::{Cgroup, OutOfMemory, Share};
use crate::step::exec::Command;
use crate::step::landlock::Rules;
use crate::step::limits::{self, Death};
use crate::step::root::{Root, Source};
use crate::step::{descriptors, identity, namespaces, network, quota, seccomp, sysctls};
use crate::sys::execute::Program;

/// The reaper's executable on the box. It is executed by descriptor: its root is empty.
const REAPER: &str = "/usr/lib/limen/bin/limen-reaper";

/// What everything in a virtual gateway has together.
fn share(contract: &Contract) -> Share<'_> {
    Share {
        limits: &contract.limits,
        guarantees: &contract.guarantees,
        victim: OutOfMemory::One,
    }
}

/// What becomes the reaper; it was born as the first process of a pid namespace. Returns only what
/// went wrong.
pub(super) fn payload(
    spec: &VgwSpec,
    cgroup: BorrowedFd<'_>,
    users: BorrowedFd<'_>,
    network: Option<OwnedFd>,
    init: &Init,
    held: bool,
) -> Result<Fault, Fault> {
    let contract = &spec.contract;
    // Born in the leaf beside the bundles' leaves; the limits are their parent's.
    Cgroup::given(cgroup)?.above()?.limit(&share(contract))?;
    let disk_quota = quota::limit(spec.slot, contract)?;
    let network = network.map_or_else(network::make, Ok)?;
    network::build(network.as_fd(), spec.slot, contract, held)?;
    namespaces::leave(namespaces::OF_VGW)?;
    let own = Identity::own()?;
    let reaper = Source::open(REAPER)?;
    let name = Words::collect(["limen-reaper"]).unwrap_or_default();
    let command = Command::new(&name, &Words::new(), &[])?;

    sysctls::of_vgw(spec.slot)?;
    namespaces::set_host_name(&spec.provider)?;
    limits::apply(Death::Reaper, LEAST_DESCRIPTORS)?;
    Root::new()?.enter()?;
    descriptors::seal()?;
    identity::enter(users)?;
    identity::become_user(REAPER_UID, 0)?;
    let landlock_abi = Rules::default().enforce(Some(reaper.as_fd()))?;
    seccomp::refuse_new_code()?;
    seccomp::REAPER.install()?;

    let posture = Posture {
        landlock_abi,
        seccomp: true,
        user_namespace: true,
        memfd_exec_denied: true,
        disk_quota,
        shaped: contract.upload.is_limited() && contract.download.is_limited(),
        compared: Compared::NotYet,
    };
    minimum::reached(&contract.minimum, &posture)?;
    init.built(&own, posture, &[users, network.as_fd()])?;
    Ok(command.run_as(Program::Open(reaper.as_fd()), &[]))
}

/// Another contract for a virtual gateway that runs, and other shares of it for its bundles.
pub(super) fn adjust(
    slot: Slot,
    contract: &Contract,
    shares: &[BundleShare],
    given: &mut Given,
) -> Result<(), Fault> {
    let inside = given.take("the network namespace")?;
    Cgroup::of_vgw(slot)?.change(&share(contract))?;
    quota::limit(slot, contract)?;
    for one in shares {
        quota::limit_bundle(slot, one.index, &one.storage)?;
        // None: it ended meanwhile, and starts again with its new share.
        for leaf in Cgroup::of_bundle(slot, one.index) {
            let changed = leaf.change(&Share {
                limits: &one.limits,
                guarantees: &one.guarantees,
                victim: OutOfMemory::All,
            });
            let guaranteed = one.guarantees.memory;
            let changed =
                changed.and_then(|()| limits::reorder(&leaf, Death::Bundle { guaranteed }));
            if leaf.is_there() {
                changed?;
            }
        }
    }
    network::adjust(slot, inside.as_fd(), contract)
}
