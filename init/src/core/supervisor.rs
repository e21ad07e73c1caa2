//! The supervisor: every unit, and what happens to them
//!
//! One event in, new states and effects out. A turn of one unit may cause inputs to others (a lost
//! virtual gateway takes its bundles along); they queue in a bounded inbox and are worked off
//! before the event is done, so the shell never sees a half-done change.
//!
//! Invariants: a life's number is never used twice; every `Build` is followed by one `Release`
//! before the next `Build` of that unit; every state that waits for something outside has a
//! deadline, `Awaiting` excepted, which waits for another unit. Records never move the descriptor
//! they stand for: that is the shell's table.

use heapless::{Deque, Vec};
use limen_proto::account::Counters;
use limen_proto::control::UnitReport;
use limen_proto::id::{Slot, UnitId, UnitRef};
use limen_proto::jail::Step;
use limen_proto::limits::{STORED_DESCRIPTORS, UNITS};
use limen_proto::posture::{Compared, Posture};
use limen_proto::state::Exit;
use limen_proto::table::{Role, Table};

use super::boot::Boot;
use super::effect::{Effect, Effects};
use super::shutdown::Ending;
use super::state::{Input, State};
use super::store::Record;
use super::unit::{Plan, Program, Unit};

/// Inputs that one event can queue: every unit may get a stop and, from its virtual gateway, one
/// more.
const INBOX: usize = 2 * UNITS + 2;

/// What the shell tells the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// limen-jail made the payload.
    Built {
        /// Of which life.
        life: UnitRef,
        /// Its number.
        pid: u32,
        /// What is enforced on it.
        posture: Posture,
    },
    /// The payload executed its program.
    Executed(UnitRef),
    /// The payload could not be made.
    Failed {
        /// Of which life.
        life: UnitRef,
        /// The step of limen-jail and its errno, when it could say.
        step: Option<(Step, i32)>,
    },
    /// limen-jail ended by itself before it came to this life.
    Unbuilt(UnitRef),
    /// The program is ready.
    Ready(UnitRef),
    /// The program's watchdog.
    Alive(UnitRef),
    /// The kernel killed in this life for want of memory. Comes before `Ended` or `Failed`.
    Starved(UnitRef),
    /// What this life, which is over, has used.
    Spent {
        /// Which.
        life: UnitRef,
        /// What.
        counters: Counters,
    },
    /// The main process ended; no exit when its status was lost.
    Ended {
        /// Of which life.
        life: UnitRef,
        /// How.
        exit: Option<Exit>,
    },
    /// Nothing of the life is left.
    Emptied(UnitRef),
    /// What was made for a virtual gateway is gone, or could not be removed.
    Removed(UnitRef),
    /// limen-jail could not apply a contract.
    NotAdjusted {
        /// Whose.
        slot: Slot,
        /// Where it failed.
        step: (Step, i32),
    },
    /// What is enforced on a life was read back.
    Inspected {
        /// Which life.
        life: UnitRef,
        /// How it compares with what should be.
        compared: Compared,
    },
    /// The box's network was prepared, or cannot be: what needs it fails by name.
    Prepared,
    /// Time has passed.
    Tick,
    /// The box shall go down (a signal; the steward asks by its verb).
    Shutdown {
        /// Reboot, or power off.
        reboot: bool,
    },
}

/// Every unit of the box.
pub struct Supervisor {
    pub(super) units: Vec<Unit, UNITS>,
    pub(super) stored: Vec<Record, STORED_DESCRIPTORS>,
    /// At most one, as is the next. An empty vector is all zeroes, which `None` need not be, and a
    /// static that is all zeroes takes no room in the file and no memory until it is used.
    pub(super) ending: Vec<Ending, 1>,
    pub(super) hand: Vec<(u8, Plan), 1>,
    pub(super) links: Vec<(Role, Role), 8>,
    inbox: Deque<(UnitId, Input), INBOX>,
    effects: Effects,
    dropped: u32,
    pub(super) generation: u32,
    first: u64,
    pub(super) seed: u64,
    /// This life of init's own number.
    pub(super) boot: Boot,
    pub(super) core_active: bool,
    pub(super) prepared: bool,
    /// Until when the core's other units wait for the virtual gateways; none when they need not.
    pub(super) held: Option<u64>,
}

impl Supervisor {
    /// Knows no unit yet. Constant, so that it lies in memory that costs nothing until it is used.
    pub const fn new() -> Self {
        Self {
            units: Vec::new(),
            stored: Vec::new(),
            ending: Vec::new(),
            hand: Vec::new(),
            links: Vec::new(),
            inbox: Deque::new(),
            effects: Effects::new(),
            dropped: 0,
            generation: 0,
            first: 0,
            seed: 0,
            boot: Boot(0),
            core_active: false,
            prepared: false,
            held: None,
        }
    }

    /// Lets restarts scatter differently: by any number but 0 that another boot
    /// would not have.
    pub fn scatter(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// Takes a number that no other life of init has: it tells this one's records from theirs.
    pub fn number(&mut self, boot: u64) {
        self.boot = Boot(boot);
    }

    /// Takes the image's table and starts its units in order: the steward at once, the others as
    /// `precedence` says; those in the box's own network wait for [`Event::Prepared`]. `first` is
    /// the time of init's first instruction.
    pub fn boot(&mut self, table: &Table, first: u64, now: u64) {
        self.first = first;
        self.hold(table, now);
        self.links.clone_from(&table.links);
        for (number, entry) in (0u8..).zip(&table.units) {
            let plan = Plan::core(entry);
            if entry.role == Role::Install {
                // One kind of hand is all there is; a second entry would not be started either.
                let _ = self.hand.push((number, plan.hand()));
                continue;
            }
            let unit = Unit::new(UnitId::Core(number), Program::Core(number), plan, 0);
            // The table of the image is smaller than the table of units.
            let _ = self.units.push(unit);
            self.turn(UnitId::Core(number), Input::Start, now);
        }
        self.settle(now);
    }

    /// Takes one event.
    pub fn handle(&mut self, event: Event, now: u64) {
        self.sweep();
        if let Event::Built { .. } = event {
            self.wait_on_for_jail(now);
        }
        if self.handle_spare(event, now) {
            return self.settle(now);
        }
        match event {
            Event::Built { life, pid, posture } => {
                if let Some(unit) = self.living(life) {
                    unit.pid = pid;
                    unit.posture = posture;
                    self.turn(life.unit, Input::Built, now);
                }
            }
            Event::Failed { life, step } => {
                if let Some(unit) = self.living(life) {
                    unit.failed = step;
                    self.turn(life.unit, Input::Failed, now);
                }
            }
            Event::Unbuilt(life) => self.build_again(life, now),
            Event::Ended { life, exit } => {
                if let Some(unit) = self.living(life) {
                    unit.exit = exit;
                    unit.pid = 0;
                    self.turn(life.unit, Input::Ended, now);
                }
            }
            Event::Executed(life) => self.turn_life(life, Input::Executed, now),
            Event::Ready(life) => self.turn_life(life, Input::Ready, now),
            Event::Starved(life) => {
                if let Some(unit) = self.living(life) {
                    unit.starved = true;
                }
            }
            Event::Spent { life, counters } => {
                if let Some(unit) = self.living(life) {
                    unit.spent = unit.spent.and(counters);
                    self.push_report(life.unit);
                }
            }
            Event::Emptied(life) => self.turn_life(life, Input::Emptied, now),
            Event::Removed(life) => self.turn_life(life, Input::Removed, now),
            Event::Alive(life) => {
                let frozen = self.is_frozen(life.unit);
                let seed = self.seed;
                if let Some(unit) = self.living(life)
                    && unit.state == State::Active
                {
                    unit.set_deadline(now, false, seed);
                    if frozen {
                        unit.pause(now);
                    }
                }
            }
            Event::NotAdjusted { slot, step } => {
                if let Some(unit) = self.unit_mut(UnitId::Vgw(slot)) {
                    unit.failed = Some(step);
                    self.push_report(UnitId::Vgw(slot));
                }
            }
            Event::Inspected { life, compared } => {
                if let Some(unit) = self.living(life) {
                    unit.posture.compared = compared;
                    self.push_report(life.unit);
                }
            }
            Event::Prepared => {
                self.prepared = true;
                if !self.ending() {
                    self.restore();
                }
            }
            Event::Tick => {
                self.leave_jail_if_stuck(now);
                for unit in &mut self.units {
                    if unit.deadline.is_some_and(|deadline| deadline <= now) {
                        unit.deadline = None;
                        let _ = self.inbox.push_back((unit.id, Input::Expired));
                    }
                }
                self.tick_spares(now);
            }
            Event::Shutdown { reboot } => self.begin_ending(reboot, now),
        }
        self.settle(now);
    }

    /// The next time at which a `Tick` is due.
    pub fn next_deadline(&self) -> Option<u64> {
        let ending = self.ending.first().and_then(Ending::deadline);
        let units = self.units.iter().filter_map(|unit| unit.deadline);
        let spares = self.units.iter().filter_map(|unit| unit.spare.deadline());
        units.chain(spares).chain(ending).chain(self.held).min()
    }

    /// The next effect to carry out.
    pub fn next_effect(&self) -> Option<Effect> {
        self.effects.try_receive().ok()
    }

    /// Effects that found the channel full: 0, or a fault of this program.
    pub fn dropped(&self) -> u32 {
        self.dropped
    }

    /// The record of a unit.
    pub fn unit(&self, id: UnitId) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.id == id)
    }

    /// Every record.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The core unit of a role whose program runs.
    pub fn live(&self, role: Role) -> Option<UnitRef> {
        self.units
            .iter()
            .find(|unit| unit.live && unit.plan.role == Some(role))
            .map(Unit::life)
    }

    /// The report that an effect asked for; none when an earlier effect's was the same.
    pub fn take_report(&mut self, id: UnitId) -> Option<UnitReport> {
        let first = self.first;
        let unit = self.unit_mut(id)?;
        core::mem::take(&mut unit.unreported).then(|| unit.report(first))
    }

    /// The time of init's first instruction.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Whether the box goes down.
    pub fn ending(&self) -> bool {
        !self.ending.is_empty()
    }

    pub(super) fn unit_mut(&mut self, id: UnitId) -> Option<&mut Unit> {
        self.units.iter_mut().find(|unit| unit.id == id)
    }

    /// The record of a life, if it is still the present one.
    pub(super) fn living(&mut self, life: UnitRef) -> Option<&mut Unit> {
        self.unit_mut(life.unit)
            .filter(|unit| unit.generation == life.generation)
    }

    pub(super) fn push(&mut self, effect: Effect) {
        if self.effects.try_send(effect).is_err() {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    pub(super) fn queue(&mut self, id: UnitId, input: Input) {
        if self.inbox.push_back((id, input)).is_err() {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Queues an input for every bundle of a slot.
    pub(super) fn queue_bundles(&mut self, slot: Slot, input: Input) {
        for place in 0..self.units.len() {
            if let Some(id @ UnitId::Bundle(of, _)) = self.units.get(place).map(|unit| unit.id)
                && of == slot
            {
                self.queue(id, input);
            }
        }
    }

    fn turn_life(&mut self, life: UnitRef, input: Input, now: u64) {
        if self.living(life).is_some() {
            self.turn(life.unit, input, now);
        }
    }

    /// Works off what one event caused.
    pub(super) fn settle(&mut self, now: u64) {
        loop {
            while let Some((id, input)) = self.inbox.pop_front() {
                self.turn(id, input, now);
            }
            if !self.drain() && !self.release_core(now) && !self.advance_ending(now) {
                return;
            }
        }
    }

    /// Finds virtual gateways that wait for their bundles and have none left.
    fn drain(&mut self) -> bool {
        let drained = self.units.iter().find_map(|unit| match unit.id {
            UnitId::Vgw(slot) if unit.state == State::Draining => {
                let empty = !self.units.iter().any(|other| {
                    matches!(other.id, UnitId::Bundle(of, _) if of == slot)
                        && other.state != State::Idle
                });
                empty.then_some(unit.id)
            }
            _ => None,
        });
        let Some(id) = drained else { return false };
        self.queue(id, Input::Drained);
        true
    }

    /// Forgets one-shots that have ended; their last report has gone out by now.
    pub(super) fn sweep(&mut self) {
        while let Some(place) = self
            .units
            .iter()
            .position(|unit| matches!(unit.id, UnitId::Hand(..)) && unit.state == State::Idle)
        {
            self.remove(place);
        }
    }

    pub(super) fn remove(&mut self, place: usize) {
        if place >= self.units.len() {
            return;
        }
        let id = self.units.swap_remove(place).id;
        self.push(Effect::Forget(id));
        if let Some(logger) = self.live(Role::Logger) {
            self.push(Effect::SourceEnded(logger, id));
        }
    }
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new()
    }
}
