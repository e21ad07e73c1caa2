//! A bundle: a provider's program in its virtual gateway

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use limen_proto::posture::{Compared, Posture};
use limen_proto::spec::BundleSpec;
use limen_proto::table::DeviceClass;
use limen_proto::user::InnerUser;

use super::Given;
use super::report::{Identity, Init};
use crate::fault::Fault;
use crate::step::cgroup::{Cgroup, OutOfMemory, Share};
use crate::step::exec::Command;
use crate::step::landlock::{Right, Rules};
use crate::step::limits::{self, Death};
use crate::step::root::{Ahead, Root};
use crate::step::{descriptors, identity, namespaces, quota, seccomp, sysctls};

/// What a program finds in its environment unless its manifest says otherwise.
const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
    ("NOTIFY_SOCKET", NOTIFY),
];
/// Where the directory with its two sockets is: `broker` and `notify`.
const RUN: &str = "/run/limen";
const NOTIFY: &str = "/run/limen/notify";

/// What a bundle joins, and what init made for it.
pub(super) struct Home {
    reaper: OwnedFd,
    users: OwnedFd,
    run: OwnedFd,
}

impl Home {
    pub(super) fn take(given: &mut Given) -> Result<Self, Fault> {
        Ok(Self {
            reaper: given.take("the reaper's pidfd")?,
            users: given.take("the user namespace")?,
            run: given.take("the directory of its sockets")?,
        })
    }

    pub(super) fn reaper(&self) -> BorrowedFd<'_> {
        self.reaper.as_fd()
    }
}

/// What becomes the bundle; it was born in its pid namespace. Returns only what went wrong.
pub(super) fn payload(
    spec: &BundleSpec,
    devices: &[DeviceClass],
    cgroup: BorrowedFd<'_>,
    home: &Home,
    init: &Init,
    held: bool,
) -> Result<Fault, Fault> {
    Cgroup::given(cgroup)?.limit(&Share {
        limits: &spec.limits,
        guarantees: &spec.guarantees,
        victim: OutOfMemory::All,
    })?;
    namespaces::join(home.reaper())?;
    let sockets = Ahead::new(home.run.as_fd(), RUN)?;
    namespaces::leave(namespaces::OF_BUNDLE)?;
    let own = Identity::own()?;
    let command = Command::new(&spec.command, &spec.environment, ENVIRONMENT)?;
    // Asked only by those for whom it makes a difference.
    let filter = match spec.jit {
        false => &seccomp::BUNDLE,
        true if sysctls::memory_files_are_harmless() => &seccomp::MAKER_WITH_MEMORY_FILES,
        true => &seccomp::MAKER,
    };
    let disk_quota = quota::is_limited(spec.slot);

    let guaranteed = spec.guarantees.memory;
    limits::apply(Death::Bundle { guaranteed }, spec.limits.descriptors)?;
    let rules = root(spec, devices, &sockets)?;
    descriptors::own_null()?;
    descriptors::seal()?;
    identity::enter(home.users.as_fd())?;
    identity::become_user(spec.index.inner_id(), 0)?;
    let landlock_abi = rules.enforce(None)?;
    if !spec.jit {
        seccomp::refuse_new_code()?;
    }
    filter.install()?;

    let posture = Posture {
        landlock_abi,
        seccomp: true,
        user_namespace: true,
        memfd_exec_denied: true,
        disk_quota,
        // Its virtual gateway's, not its own.
        shaped: false,
        compared: Compared::NotYet,
    };
    init.built(&own, posture, &[])?;
    if held {
        init.hold()?;
    }
    Ok(command.run(&[]))
}

/// The bundle's root: its files, its volumes, /proc, /dev, /tmp and its two sockets.
fn root(spec: &BundleSpec, devices: &[DeviceClass], sockets: &Ahead) -> Result<Rules, Fault> {
    let owner = spec.index.outer_id(spec.slot);
    let root = Root::new()?;
    let mut rules = Rules::default();
    rules.allow("/", Right::Read);
    let volumes: Vec<_> = spec.volumes.iter().map(|it| it.path.as_str()).collect();
    root.bundle(&spec.slot.to_string(), &spec.digest, &volumes, &mut rules)?;
    if let Some(InnerUser::Name(name)) = &spec.user {
        root.user(name, spec.index.inner_id())?;
    }
    for port in &spec.ports {
        rules.listen(*port);
    }
    // A port of the kernel's choice is nobody's name, and the way to a free one on loopback.
    rules.listen(0);
    rules.connect();
    root.proc()?;
    root.devices(devices, owner)?;
    rules.allow("/dev", Right::Devices);
    if spec.temporary != 0 {
        root.temporary(spec.temporary, owner)?;
        rules.allow("/tmp", Right::Write);
    }
    // Connecting needs no write access to the mount.
    root.put_ahead(sockets, RUN)?;
    for volume in &spec.volumes {
        root.volume(spec.slot, spec.index, &spec.name, volume)?;
        rules.allow(volume.path.as_str(), Right::Write);
    }
    root.enter()?;
    Ok(rules)
}
