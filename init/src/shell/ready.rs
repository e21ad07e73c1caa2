//! What a start finds ready
//!
//! Made when there is nothing else to do, one of each for a bundle that runs: cgroup and sockets of its
//! next life, and a hold on the mounts of its present one, whose end then does not wait for the kernel to
//! take them apart. All lies within the limits of its virtual gateway and goes with it. Nothing is begun:
//! the cgroup is empty, has the other of the bundle's two names, and limen-jail was asked to give it the limits, and to make the `/tmp`,
//! that the next life has if nobody changes them. Where they were changed none of it is used.

use core::fmt::Write as _;
use std::os::fd::{AsFd, OwnedFd};

use heapless::String;
use limen_channel::{Buffer, Channel};
use limen_proto::id::{BundleIndex, Slot, UnitId};
use limen_proto::jail::{Answer, Task};
use limen_proto::spec::BundleShare;
use rustix::fs::{Mode, OFlags};

use super::Shell;
use super::cgroup::Group;
use super::life::{Life, Main};
use super::sockets::{self, BundleSockets};
use crate::core::state::State;
use crate::core::unit::Program;

/// What the next life of a bundle begins with.
pub(super) struct Ready {
    pub(super) group: Group,
    pub(super) sockets: BundleSockets,
    ordered: Option<Ordered>,
}

/// What limen-jail was asked for, and where it answers.
struct Ordered {
    share: BundleShare,
    temporary: u64,
    answer: Channel,
}

/// What limen-jail made: the cgroup has its limits.
pub(super) struct Made {
    /// The bundle's `/tmp`, if it has one.
    pub(super) temporary: Option<OwnedFd>,
}

impl Ready {
    /// What limen-jail has made. It does one thing after the other, so what is not answered when the next life is
    /// ordered is made by that, once more or for the first time.
    pub(super) fn made(&mut self) -> Option<Made> {
        let ordered = self.ordered.as_ref()?;
        let mut buffer = Buffer::new();
        let Ok(Some((Answer::Done, descriptors))) =
            ordered.answer.try_receive::<Answer>(&mut buffer)
        else {
            return None;
        };
        let temporary = descriptors.into_iter().next();
        let whole = temporary.is_some() == (ordered.temporary != 0);
        self.ordered = None;
        whole.then_some(Made { temporary })
    }

    /// Where it still is to answer.
    pub(super) fn late(&mut self) -> Option<Channel> {
        self.ordered.take().map(|ordered| ordered.answer)
    }
}

impl Shell {
    /// Whether something is to be made ready.
    pub(super) fn has_to_make_ready(&self) -> bool {
        self.lives.present().any(|books| self.lacks(books))
    }

    fn lacks(&self, books: &Life) -> bool {
        let UnitId::Bundle(slot, _) = books.unit else {
            return false;
        };
        if books.readied || books.main.is_none() {
            return false;
        }
        let record = self.core.unit(books.unit);
        // A contract that is being changed reaches every cgroup that is there.
        record.is_some_and(|unit| unit.state == State::Active) && !self.errands.is_adjusting(slot)
    }

    /// Makes ready what one bundle lacks. What fails is made by the restart itself.
    pub(super) fn make_ready(&mut self) {
        let lacking = self.lives.present().find(|books| self.lacks(books));
        let Some(unit) = lacking.map(|books| books.unit) else {
            return;
        };
        let spare = self.core.unit(unit).is_some_and(|record| record.plan.spare);
        let Some(books) = self.lives.of(unit) else {
            return;
        };
        books.readied = true;
        if books.held.is_none() {
            books.held = books.main.as_ref().and_then(hold);
        }
        // A spare has all of it.
        if books.next.is_none() && !spare {
            let other = books.group.as_ref().map(|group| !group.is_of(unit, true));
            let next = other.and_then(|other| self.ready(unit, other));
            if let Some(books) = self.lives.of(unit) {
                books.next = next;
            }
        }
    }

    fn ready(&mut self, unit: UnitId, other: bool) -> Option<Ready> {
        let UnitId::Bundle(slot, index) = unit else {
            return None;
        };
        let number = self.next_number();
        let sockets = sockets::make_bundle(slot, index, number).ok()?;
        match self.tree.make(unit, "", other, self.journal) {
            Ok(group) => Some(Ready {
                ordered: self.order_ahead(unit, &group),
                group,
                sockets,
            }),
            Err(_) => {
                sockets::forget_bundle(unit, &sockets.run);
                None
            }
        }
    }

    /// Has limen-jail make its part. Disk rates make the kernel stop the disk, and are the next life's own to set.
    fn order_ahead(&mut self, unit: UnitId, group: &Group) -> Option<Ordered> {
        let UnitId::Bundle(slot, _) = unit else {
            return None;
        };
        let (share, temporary) = self.wanted(unit)?;
        if share.limits.read_rate | share.limits.write_rate != 0 {
            return None;
        }
        let task = Task::Ready {
            slot,
            share,
            temporary,
        };
        let home = self.workroom.as_fd();
        let answer = self.jail.build(home, &task, &[group.as_fd()]).ok()?;
        Some(Ordered {
            share,
            temporary,
            answer,
        })
    }

    /// Limits and size of `/tmp` of a bundle's next life.
    fn wanted(&self, unit: UnitId) -> Option<(BundleShare, u64)> {
        let record = self.core.unit(unit)?;
        let (Program::Bundle(spec), UnitId::Bundle(slot, _)) = (&record.program, unit) else {
            return None;
        };
        Some((record.share_in(slot)?, spec.temporary))
    }

    /// What was made ready for the next life of a unit, unless that wants something else by now.
    pub(super) fn take_ready(&mut self, unit: UnitId) -> Option<Ready> {
        let wanted = self.wanted(unit);
        let next = self.lives.of(unit)?.next.as_ref()?;
        let ordered = next.ordered.as_ref();
        if ordered.is_some_and(|it| Some((it.share, it.temporary)) != wanted) {
            self.forget_ready_of(unit);
            return None;
        }
        self.lives.of(unit)?.next.take()
    }

    /// Removes what was made ready in a virtual gateway.
    pub(super) fn forget_ready(&mut self, slot: Slot) {
        for index in (0..).map_while(|number| BundleIndex::new(number).ok()) {
            self.forget_ready_of(UnitId::Bundle(slot, index));
        }
    }

    /// The same of one bundle.
    pub(super) fn forget_ready_of(&mut self, unit: UnitId) {
        let Some(books) = self.lives.of(unit) else {
            return;
        };
        books.readied = false;
        if let Some(ready) = books.next.take() {
            sockets::forget_bundle(unit, &ready.sockets.run);
            let _ = self.tree.remove(&ready.group);
            if let Some(ordered) = ready.ordered {
                // A mount may lie in there.
                self.close_later(&ordered.answer);
            }
        }
    }
}

/// The mounts of a process.
fn hold(main: &Main) -> Option<OwnedFd> {
    let mut path: String<32> = String::new();
    // A number of at most ten digits fits.
    let _ = write!(path, "/proc/{}/ns/mnt", main.pid);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::open(path.as_str(), flags, Mode::empty()).ok()
}
