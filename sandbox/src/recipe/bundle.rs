//! A bundle: a provider's program in its virtual gateway

use std::os::fd::{AsFd, OwnedFd};

use limen_channel::Descriptors;
use limen_proto::control::{BUNDLE_RUN, bundle_run_name};
use limen_proto::posture::Posture;
use limen_proto::spec::BundleSpec;
use limen_proto::table::DeviceClass;

use super::report::{Identity, Init};
use super::{Given, gave_up};
use crate::fault::Fault;
use crate::step::cgroup::{Cgroup, OutOfMemory, Share};
use crate::step::exec::Command;
use crate::step::landlock::{Right, Rules};
use crate::step::limits::{self, Death};
use crate::step::root::{Root, Source, Use};
use crate::step::{descriptors, identity, namespaces, quota, seccomp, sysctls};

/// What a program finds in its environment unless its manifest says otherwise.
const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
    ("NOTIFY_SOCKET", NOTIFY),
];
const BROKER: &str = "/run/limen/broker";
const NOTIFY: &str = "/run/limen/notify";

/// What the bundle is started with and joins.
struct Taken {
    null: OwnedFd,
    log: OwnedFd,
    reaper: OwnedFd,
    users: OwnedFd,
}

pub(super) fn build(
    spec: &BundleSpec,
    devices: &[DeviceClass],
    given: Descriptors,
    init: &Init,
) -> Result<(), Fault> {
    let mut given = Given::new(given);
    let taken = Taken {
        null: given.take("/dev/null")?,
        log: given.take("the log")?,
        reaper: given.take("the reaper's pidfd")?,
        users: given.take("the user namespace")?,
    };
    Cgroup::own()?.limit(&Share {
        limits: &spec.limits,
        guarantees: &spec.guarantees,
        victim: OutOfMemory::All,
    })?;
    namespaces::join(taken.reaper.as_fd())?;
    namespaces::born(namespaces::OF_BUNDLE, || {
        let fault = payload(spec, devices, &taken, init);
        gave_up(init, &fault.unwrap_or_else(|fault| fault))
    })
}

/// What becomes the bundle. Returns only what went wrong.
fn payload(
    spec: &BundleSpec,
    devices: &[DeviceClass],
    taken: &Taken,
    init: &Init,
) -> Result<Fault, Fault> {
    namespaces::own_session()?;
    let own = Identity::own()?;
    let command = Command::new(&spec.command, &spec.environment, ENVIRONMENT)?;
    let filter = match (spec.jit, sysctls::memory_files_are_harmless()) {
        (false, _) => &seccomp::BUNDLE,
        (true, false) => &seccomp::MAKER,
        (true, true) => &seccomp::MAKER_WITH_MEMORY_FILES,
    };
    let disk_quota = quota::is_limited(spec.slot);

    limits::apply(Death::Bundle, spec.limits.descriptors)?;
    let rules = root(spec, devices)?;
    descriptors::seal()?;
    identity::enter(taken.users.as_fd())?;
    identity::become_user(spec.index.inner_id(), &identity::capabilities(0))?;
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
    };
    init.built(&own, posture, &[])?;
    Ok(command.run(&[
        (taken.null.as_fd(), 0),
        (taken.log.as_fd(), 1),
        (taken.log.as_fd(), 2),
    ]))
}

/// The bundle's root: its files, its volumes, /proc, /dev, /tmp and its two sockets.
fn root(spec: &BundleSpec, devices: &[DeviceClass]) -> Result<Rules, Fault> {
    let owner = spec.index.outer_id(spec.slot);
    let root = Root::new()?;
    let mut rules = Rules::default();
    rules.allow("/", Right::Read);
    let volumes: Vec<_> = spec.volumes.iter().map(|it| it.path.as_str()).collect();
    root.bundle(&spec.slot.to_string(), &spec.digest, &volumes, &mut rules)?;
    root.proc()?;
    root.devices(devices, owner)?;
    rules.allow("/dev", Right::Devices);
    if spec.temporary != 0 {
        root.temporary(spec.temporary, owner)?;
        rules.allow("/tmp", Right::Write);
    }
    let run = format!("{BUNDLE_RUN}/{}", bundle_run_name(spec.slot, spec.index));
    for (name, place) in [("broker", BROKER), ("notify", NOTIFY)] {
        // Connecting needs no write access to the mount.
        root.bind(&Source::open(&format!("{run}/{name}"))?, place, Use::Read)?;
    }
    for volume in &spec.volumes {
        root.volume(spec.slot, spec.index, &spec.name, volume)?;
        rules.allow(volume.path.as_str(), Right::Write);
    }
    root.enter()?;
    Ok(rules)
}
