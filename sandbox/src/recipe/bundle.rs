//! A bundle: a provider's program in its virtual gateway

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use limen_proto::contract::{Guarantees, Limits};
use limen_proto::id::Slot;
use limen_proto::jail::Step;
use limen_proto::posture::{Compared, Posture};
use limen_proto::spec::{BundleShare, BundleSpec, Volume};
use limen_proto::table::DeviceClass;

use super::Given;
use super::report::{Identity, Init};
use crate::fault::{At, Fault};
use crate::step::cgroup::{Cgroup, OutOfMemory, Share};
use crate::step::exec::Command;
use crate::step::landlock::{Right, Rules};
use crate::step::limits::{self, Death};
use crate::step::root::{self, Ahead, Root, Use};
use crate::step::{descriptors, identity, namespaces, quota, seccomp, sysctls};
use crate::sys::clone::Namespaces;
use crate::sys::halt;

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
const TEMPORARY: &str = "/tmp";

/// What a bundle joins, and what init made for it.
pub(super) struct Home {
    reaper: OwnedFd,
    users: OwnedFd,
    run: OwnedFd,
    /// Its `/tmp`, where that was made ahead.
    temporary: Option<OwnedFd>,
    /// What an earlier life made of [`lasting`].
    mounts: Option<OwnedFd>,
}

impl Home {
    /// `temporary`: its `/tmp` is among them.
    pub(super) fn take(given: &mut Given, temporary: bool) -> Result<Self, Fault> {
        Ok(Self {
            reaper: given.take("the reaper's pidfd")?,
            users: given.take("the user namespace")?,
            run: given.take("the directory of its sockets")?,
            temporary: temporary.then(|| given.take("its /tmp")).transpose()?,
            mounts: given.take_more(),
        })
    }

    pub(super) fn reaper(&self) -> BorrowedFd<'_> {
        self.reaper.as_fd()
    }
}

/// Makes ready what a life needs whatever its files are: the limits of its cgroup, its `/tmp`.
pub(super) fn ready(
    cgroup: BorrowedFd<'_>,
    slot: Slot,
    share: &BundleShare,
    temporary: u64,
) -> Result<Option<OwnedFd>, Fault> {
    limit(cgroup, &share.limits, &share.guarantees)?;
    let owner = share.index.outer_id(slot);
    let made = (temporary != 0).then(|| root::temporary(temporary, owner));
    made.transpose()
}

/// Gives a bundle's cgroup its limits, which nobody has written to.
fn limit(cgroup: BorrowedFd<'_>, limits: &Limits, guarantees: &Guarantees) -> Result<(), Fault> {
    Cgroup::given(cgroup)?.limit(&Share {
        limits,
        guarantees,
        victim: OutOfMemory::All,
    })
}

/// What becomes the bundle; it was born in its pid namespace, and in a cgroup: the one given has no limits yet.
/// Returns only what went wrong.
pub(super) fn payload(
    spec: &BundleSpec,
    devices: &[DeviceClass],
    unlimited: Option<BorrowedFd<'_>>,
    home: &Home,
    init: &Init,
    held: bool,
) -> Result<Fault, Fault> {
    if let Some(cgroup) = unlimited {
        limit(cgroup, &spec.limits, &spec.guarantees)?;
    }
    namespaces::join(home.reaper())?;
    let own = Identity::own()?;
    let command = Command::new(&spec.command, &spec.environment, ENVIRONMENT)?;
    // Asked only by those for whom it makes a difference.
    let filter = match spec.jit {
        false => &seccomp::BUNDLE,
        true if sysctls::memory_files_are_harmless() => &seccomp::MAKER_WITH_MEMORY_FILES,
        true => &seccomp::MAKER,
    };
    // Before its volumes: what is not theirs yet is given to it within its quota.
    let disk_quota = quota::limit_bundle(spec.slot, spec.index, &spec.storage)?;

    let guaranteed = spec.guarantees.memory;
    limits::apply(Death::Bundle { guaranteed }, spec.limits.descriptors)?;
    let ahead = of_one_life(spec, home)?;
    let mounts = match &home.mounts {
        Some(mounts) => namespaces::enter_mounts(mounts.as_fd()).map(|()| None),
        None => lasting(spec, devices).map(Some),
    }?;
    // A copy: what this life adds, no other one sees.
    namespaces::leave(namespaces::OF_BUNDLE)?;
    let rules = complete(spec, &ahead, home)?;
    // By root of the box: whoever comes after it must take the signal.
    let halt = held.then(halt::at_execution).transpose().at(
        Step::Exec,
        "arrange",
        "the stop behind it",
    )?;
    descriptors::own_null()?;
    descriptors::seal()?;
    identity::enter(home.users.as_fd())?;
    identity::become_user(spec.index.inner_id(), 0)?;
    root::work_in(&spec.directory)?;
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
    let halt = halt.as_ref().map(AsFd::as_fd);
    let mounts = mounts.as_ref().map(AsFd::as_fd);
    let more: Vec<_> = halt.into_iter().chain(mounts).collect();
    init.built(&own, posture, &more)?;
    Ok(command.run(&[]))
}

/// Clones of what each life has of its own and the box makes: its sockets, its volumes.
fn of_one_life(spec: &BundleSpec, home: &Home) -> Result<Vec<Ahead>, Fault> {
    // Connecting needs no write access to the mount.
    let mut ahead = vec![Ahead::new(home.run.as_fd(), RUN, Use::Read)?];
    for volume in &spec.volumes {
        ahead.push(root::volume(spec.slot, spec.index, &spec.name, volume)?);
    }
    Ok(ahead)
}

/// What all lives of a bundle have in common: its files, /proc, /dev, in a read-only root, with places
/// for the rest. Made once: the next life enters it instead of leaving the box's mounts one by one.
fn lasting(spec: &BundleSpec, devices: &[DeviceClass]) -> Result<OwnedFd, Fault> {
    namespaces::leave(Namespaces::MOUNT)?;
    let root = Root::new()?;
    root.bundle(&spec.slot.to_string(), &spec.digest)?;
    if let Some(user) = &spec.user {
        root.user(user.as_str(), spec.index.inner_id())?;
    }
    root.proc()?;
    root.devices(devices, spec.index.outer_id(spec.slot))?;
    root.place(RUN)?;
    if spec.temporary != 0 {
        root.place(TEMPORARY)?;
    }
    for (number, volume) in spec.volumes.iter().enumerate() {
        let path = volume.path.as_str();
        let lies_in = |outer: &Volume| {
            path.strip_prefix(outer.path.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        };
        // A place in another volume is there when that one is.
        if !spec.volumes.iter().take(number).any(lies_in) {
            root.place(path)?;
        }
    }
    root.enter()?;
    namespaces::own_mounts()
}

/// Adds what a life has of its own, and says what may be touched.
fn complete(spec: &BundleSpec, ahead: &[Ahead], home: &Home) -> Result<Rules, Fault> {
    let root = Root::entered()?;
    let mut rules = Rules::default();
    rules.allow("/", Right::Read);
    let volumes: Vec<_> = spec.volumes.iter().map(|it| it.path.as_str()).collect();
    root.execution(&volumes, &mut rules)?;
    for port in &spec.ports {
        rules.listen(*port);
    }
    // A port of the kernel's choice is nobody's name, and the way to a free one on loopback.
    rules.listen(0);
    rules.connect();
    rules.allow("/dev", Right::Devices);
    if spec.temporary != 0 {
        match &home.temporary {
            Some(made) => root.put_temporary(made.as_fd()),
            None => {
                let owner = spec.index.outer_id(spec.slot);
                root.put_temporary(root::temporary(spec.temporary, owner)?.as_fd())
            }
        }?;
        rules.allow(TEMPORARY, Right::Write);
    }
    for one in ahead {
        root.put_ahead(one)?;
    }
    for path in volumes {
        rules.allow(path, Right::Write);
    }
    Ok(rules)
}
