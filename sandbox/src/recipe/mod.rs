//! The recipes: steps in the only order that works
//!
//! Each file is one ordered list. docs/reference/jail.md is their normative text and
//! docs/adr/0002 the reasons. Common to all: what needs the box's rights or its full /proc comes
//! first, what takes them away last, and between the last wall and the program there is nothing
//! but the report that it is about to run.
//!
//! limen-jail itself stays in the box's namespaces and in its own cgroup, and keeps next to
//! nothing from one task to the next: user namespaces of slots, the network that is nobody's, and what `pool` has. For each unit it clones one process, born in the unit's
//! cgroup as a child of init, which walks the recipe and becomes the unit: whatever goes wrong in
//! there ends with it.

mod bundle;
mod core;
mod count;
mod destroy;
mod minimum;
mod report;
mod vgw;

use ::core::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};

use limen_channel::Descriptors;
use limen_proto::jail::{Step, Task};
use limen_proto::table::Network;
use rustix::io::Errno;

use crate::fault::{At, Failure, Fault};
use crate::pool::{self, Pool};
use crate::posture;
use crate::step::users::Users;
use crate::step::{features, limits, namespaces, network, seccomp};
use crate::sys::clone::Namespaces;
use crate::sys::exit;

use report::{Init, Orders};

/// Does what init orders until init hangs up.
///
/// # Errors
/// There is no init, or what it sends is no order: one that cannot be understood cannot be
/// answered either. Ending is the answer then, as it is when this process cannot return to its own
/// namespaces.
pub fn serve() -> Result<(), Fault> {
    let orders = Orders::inherited()?;
    limits::of_jail()?;
    let mut jail = Jail {
        orders,
        own: namespaces::own_processes()?,
        nobodys: None,
        users: Users::default(),
        pool: Pool::default(),
        filtered: false,
    };
    while let Some((task, given)) = jail.next()? {
        let mut given = Given::new(given);
        let init = Init::new(&given.take("the way to answer")?)?;
        match jail.attend(task, given, &init) {
            Ok(()) => {}
            Err(Failure::InPlace(fault)) => init.failed(&fault),
            Err(Failure::Astray(fault)) => {
                init.failed(&fault);
                return Err(fault);
            }
        }
    }
    Ok(())
}

/// What lasts from one task to the next.
struct Jail {
    orders: Orders,
    /// The pid namespace that limen-jail is in.
    own: OwnedFd,
    /// The network of core units that have none and stay, once there was one.
    nobodys: Option<OwnedFd>,
    users: Users,
    pool: Pool,
    /// Whether it is behind its own filter, which every unit's stands on.
    filtered: bool,
}

impl Jail {
    /// The next order. While none comes, what the next one may need is made, one at a time.
    fn next(&mut self) -> Result<Option<(Task, Descriptors)>, Fault> {
        while !self.pool.is_full() && !self.orders.wait(self.pool.patience())? {
            self.pool.fill()?;
        }
        self.orders.next()
    }

    fn attend(&mut self, task: Task, mut given: Given, init: &Init) -> Result<(), Failure> {
        match task {
            Task::Core { .. } | Task::Vgw { .. } | Task::Bundle { .. } => {
                let cgroup = given.take("the cgroup")?;
                return self.build(task, cgroup, given, init);
            }
            Task::Adjust {
                slot,
                contract,
                shares,
            } => vgw::adjust(slot, &contract, &shares, &mut given).and_then(|()| init.done()),
            Task::Open { slot } => network::open(slot).and_then(|()| init.done()),
            Task::Inspect(inspected) => {
                let process = given.take("the main process's pidfd")?;
                init.inspected(posture::inspect(&inspected, process.as_fd())?)
            }
            Task::Ready {
                slot,
                share,
                temporary,
            } => {
                let cgroup = given.take("the cgroup")?;
                let made = bundle::ready(cgroup.as_fd(), slot, &share, temporary)?;
                init.ready(made.as_ref().map(AsFd::as_fd))
            }
            // What rides with it ends with `given`.
            Task::Close => Ok(()),
            Task::DestroyVgw { slot } => destroy::vgw(slot).and_then(|found| init.counted(found)),
            Task::Count { slot } => {
                count::vgw(slot, &mut given).and_then(|found| init.counted(found))
            }
            Task::PrepareNetwork {
                uplink,
                listen,
                connections,
            } => {
                let prepared = network::prepare(&uplink, listen, connections);
                if let Err(fault) = &prepared {
                    eprintln!("limen-jail: {fault}");
                }
                prepared.and_then(|()| init.done())
            }
            Task::NoteFeatures { network } => features::note(network).and_then(|()| init.done()),
        }
        .map_err(Failure::InPlace)
    }

    /// Makes the process that becomes a unit. Which pid namespace it is born in is the one thing
    /// that it cannot do for itself.
    fn build(
        &mut self,
        task: Task,
        cgroup: OwnedFd,
        mut given: Given,
        init: &Init,
    ) -> Result<(), Failure> {
        let log = given.take("the log")?;
        let place = cgroup.as_fd();
        // Whoever builds nothing goes without: it has one short task, and need not pay for a filter.
        if !self.filtered {
            seccomp::JAIL.install()?;
            self.filtered = true;
        }
        let Self {
            orders,
            own,
            nobodys,
            users,
            pool,
            ..
        } = self;
        match task {
            Task::Bundle {
                spec,
                devices,
                held,
                ready,
            } => {
                let home = bundle::Home::take(&mut given, ready && spec.temporary != 0)?;
                namespaces::enter_processes(home.reaper())?;
                let born = namespaces::born(Namespaces::NONE, place, || {
                    become_unit(init, &log, (orders, pool), || {
                        let cgroup = (!ready).then_some(place);
                        bundle::payload(&spec, &devices, cgroup, &home, init, held)
                    })
                });
                namespaces::enter_processes(own.as_fd()).map_err(Failure::Astray)?;
                born
            }
            Task::Vgw { spec, held } => {
                let users = users.of(spec.slot)?;
                let network = pool.take();
                namespaces::born(Namespaces::PID, place, || {
                    become_unit(init, &log, (orders, pool), || {
                        vgw::payload(&spec, place, users, network, init, held)
                    })
                })
            }
            Task::Core { unit, slot } => {
                let ends = core::Ends::take(&mut given, slot)?;
                // A hand has a provider's files in it, so it shares nothing with anybody.
                if unit.network == Network::None && slot.is_none() && nobodys.is_none() {
                    *nobodys = Some(pool::aside(network::make_empty()?)?);
                }
                let nobodys = nobodys.as_ref().filter(|_| slot.is_none());
                let nobodys = nobodys.map(AsFd::as_fd);
                namespaces::born(Namespaces::NONE, place, || {
                    become_unit(init, &log, (orders, pool), || {
                        core::payload(&unit, slot, place, nobodys, &ends, init)
                    })
                })
            }
            Task::Adjust { .. }
            | Task::Open { .. }
            | Task::Inspect(_)
            | Task::Ready { .. }
            | Task::Close
            | Task::DestroyVgw { .. }
            | Task::Count { .. }
            | Task::PrepareNetwork { .. }
            | Task::NoteFeatures { .. } => Err(Fault::new(
                Step::Task,
                "build",
                "a task that builds nothing",
                Errno::INVAL,
            )),
        }
        .map_err(Failure::InPlace)
    }
}

/// In the new process: what is common to all recipes before their first step, and after the last.
/// `recipe` returns only what went wrong.
fn become_unit(
    init: &Init,
    log: &OwnedFd,
    (orders, pool): (&mut Orders, &mut Pool),
    recipe: impl FnOnce() -> Result<Fault, Fault>,
) -> Infallible {
    // What waits before its program would hide limen-jail's end from init, and with it the end of
    // all tasks that wait there.
    orders.leave();
    pool.forget();
    let fault = output_to(log)
        .and_then(|()| namespaces::own_session())
        .and_then(|()| recipe());
    init.failed(&fault.unwrap_or_else(|fault| fault));
    exit(1)
}

/// The unit's log takes what it prints, and what this process has to say before that.
fn output_to(log: &OwnedFd) -> Result<(), Fault> {
    rustix::stdio::dup2_stdout(log)
        .and_then(|()| rustix::stdio::dup2_stderr(log))
        .at(Step::Descriptors, "take", "the log")
}

/// The descriptors that ride with a task, in their order.
struct Given(<Descriptors as IntoIterator>::IntoIter);

impl Given {
    fn new(descriptors: Descriptors) -> Self {
        Self(descriptors.into_iter())
    }

    fn take(&mut self, what: &'static str) -> Result<OwnedFd, Fault> {
        self.0
            .next()
            .ok_or_else(|| Fault::new(Step::Task, "find", what, Errno::BADF))
    }

    /// What need not be there, behind what must.
    fn take_more(&mut self) -> Option<OwnedFd> {
        self.0.next()
    }
}
