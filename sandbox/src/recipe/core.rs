//! A core unit: a program of the box in a jail of its own
//!
//! No user namespace: its uid is the table's, and the few capabilities that the table grants are
//! meant for the box. Everything else is as for a bundle.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use limen_proto::control::{CONTROL_DESCRIPTOR, HAND_CHANNEL, HAND_STREAM};
use limen_proto::id::Slot;
use limen_proto::posture::Posture;
use limen_proto::table::{CoreUnit, Network};
use limen_proto::words::Words;

use super::Given;
use super::report::{Identity, Init};
use crate::fault::Fault;
use crate::step::cgroup::{Cgroup, OutOfMemory, Share};
use crate::step::exec::Command;
use crate::step::landlock::{Right, Rules};
use crate::step::limits::{self, Death};
use crate::step::root::{Root, Source, Use};
use crate::step::{cgroup, descriptors, identity, namespaces, network, quota, seccomp};
use crate::sys::clone::Namespaces;

/// What the unit is started with.
pub(super) struct Ends {
    control: OwnedFd,
    /// Of a hand: its channel to the steward and its stream.
    hand: Option<(OwnedFd, OwnedFd)>,
}

impl Ends {
    pub(super) fn take(given: &mut Given, slot: Option<Slot>) -> Result<Self, Fault> {
        Ok(Self {
            control: given.take("the control socket")?,
            hand: match slot {
                Some(_) => Some((given.take("the channel")?, given.take("the stream")?)),
                None => None,
            },
        })
    }
}

/// What becomes the unit. Without a network it is in `nobodys` with others of its kind, or alone. Returns only what went wrong.
pub(super) fn payload(
    unit: &CoreUnit,
    slot: Option<Slot>,
    cgroup: BorrowedFd<'_>,
    nobodys: Option<BorrowedFd<'_>>,
    ends: &Ends,
    init: &Init,
) -> Result<Fault, Fault> {
    Cgroup::given(cgroup)?.limit_core(&Share {
        limits: &unit.limits,
        guarantees: &cgroup::claim(&unit.limits),
        victim: OutOfMemory::All,
    })?;
    if let Some(slot) = slot {
        quota::tree(slot)?;
    }
    let filter = match unit.network {
        Network::None => &seccomp::CORE,
        Network::Host => &seccomp::CORE_NETWORK,
    };
    match (unit.network, nobodys) {
        (Network::Host, _) => {}
        (Network::None, Some(nobodys)) => network::enter(nobodys)?,
        (Network::None, None) => namespaces::leave(Namespaces::NETWORK)?,
    }
    namespaces::leave(namespaces::OF_CORE)?;
    let own = Identity::own()?;
    let command = Command::new(&unit.command, &unit.environment, &[])?;

    limits::apply(Death::Core, unit.limits.descriptors)?;
    let rules = root(unit, slot)?;
    descriptors::own_null()?;
    descriptors::seal()?;
    identity::become_user(unit.user, unit.capabilities)?;
    let landlock_abi = rules.enforce_on_core()?;
    seccomp::refuse_new_code()?;
    filter.install()?;

    let posture = Posture {
        landlock_abi,
        seccomp: true,
        memfd_exec_denied: true,
        ..Posture::default()
    };
    init.built(&own, posture, &[])?;
    let mut numbers = vec![(ends.control.as_fd(), CONTROL_DESCRIPTOR)];
    if let Some((channel, stream)) = &ends.hand {
        numbers.push((channel.as_fd(), HAND_CHANNEL));
        numbers.push((stream.as_fd(), HAND_STREAM));
    }
    Ok(command.run(&numbers))
}

/// The unit's root: its program, a small /dev, the table's binds.
fn root(unit: &CoreUnit, slot: Option<Slot>) -> Result<Rules, Fault> {
    let root = Root::new()?;
    let mut rules = Rules::default();
    rules.allow("/", Right::Read);
    if unit.network == Network::Host {
        rules.connect();
    }
    root.devices(&[], unit.user)?;
    rules.allow("/dev", Right::Devices);
    let program = program(&unit.command);
    root.bind(&Source::open(program)?, program, Use::Execute)?;
    rules.allow(program, Right::Execute);
    for bind in &unit.binds {
        let from = match slot {
            Some(slot) => bind.from.replace("{slot}", &slot.to_string()),
            None => bind.from.to_string(),
        };
        let (purpose, right) = match (bind.writable, bind.executable) {
            (true, _) => (Use::Write, Right::Write),
            (false, true) => (Use::Execute, Right::Execute),
            (false, false) => (Use::Read, Right::Read),
        };
        root.bind(&Source::open(&from)?, &bind.to, purpose)?;
        rules.allow(bind.to.as_str(), right);
    }
    root.enter()?;
    Ok(rules)
}

fn program(command: &Words) -> &str {
    command.iter().next().unwrap_or_default()
}
