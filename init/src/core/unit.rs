//! One unit: its record, and what a turn of the table does to it
//!
//! Holds what the steward is told, what the restart policy counts and the deadline of the present
//! state. Times are milliseconds of a clock that never goes back. It deliberately holds no process
//! and no descriptor: those are the shell's.

use limen_proto::account::{Counters, Era};
use limen_proto::contract::Contract;
use limen_proto::control::UnitReport;
use limen_proto::id::{Generation, Slot, UnitId, UnitRef};
use limen_proto::jail::Step;
use limen_proto::posture::Posture;
use limen_proto::restart::RestartPolicy;
use limen_proto::spec::{BundleShare, BundleSpec, Readiness, VgwSpec};
use limen_proto::state::{Exit, Fault, UnitState};
use limen_proto::table::{CoreUnit, Network, Role};

use super::dice;
use super::machine::Facts;
use super::spare::Spare;
use super::state::State;

/// Longest time from limen-jail's last word that it built something to the payload, and from there to
/// its execve(2), milliseconds. A build takes milliseconds; an emulated board under load may take a
/// second.
pub const BUILD_WITHIN_MS: u32 = 10_000;
/// Time after which a cgroup that is still populated is killed again, milliseconds.
pub const CLEAR_AGAIN_MS: u32 = 2_000;
/// Longest time for limen-jail to remove what was made for a virtual gateway, milliseconds.
pub const REMOVE_WITHIN_MS: u32 = 10_000;
/// Longest time for all bundles of a virtual gateway to end, milliseconds.
pub const DRAIN_WITHIN_MS: u32 = 60_000;
/// Longest polite wait for one unit while the box goes down, milliseconds.
pub const SHUTDOWN_WAIT_MS: u32 = 3_000;

/// What a unit runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// Entry of the image's table.
    Core(u8),
    /// Entry of the image's table, working for one slot.
    Hand(u8, Slot),
    /// A reaper and its namespaces.
    Vgw(VgwSpec),
    /// A bundle.
    Bundle(BundleSpec),
}

/// How a unit is supervised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What it is to init, when it has a control socket.
    pub role: Option<Role>,
    /// When it is started again.
    pub restart: RestartPolicy,
    /// It says by itself when it is ready.
    pub notifies: bool,
    /// Longest wait for that, milliseconds.
    pub ready_within_ms: u32,
    /// Longest wait between SIGTERM and the kill, milliseconds.
    pub stop_within_ms: u32,
    /// Longest silence of its watchdog, milliseconds; 0 is no watchdog.
    pub watchdog_ms: u32,
    /// It lives in the box's own network, which must have been prepared.
    pub networked: bool,
    /// What a failed start is called.
    pub start_fault: Fault,
    /// The next life is wanted before it is needed.
    pub spare: bool,
}

impl Plan {
    /// Of an entry of the image's table.
    pub fn core(entry: &CoreUnit) -> Self {
        Self {
            role: Some(entry.role),
            restart: entry.restart,
            notifies: entry.readiness == Readiness::Notify,
            ready_within_ms: entry.ready_within_ms,
            stop_within_ms: entry.stop_within_ms,
            watchdog_ms: entry.watchdog_ms,
            networked: entry.network == Network::Host,
            start_fault: Fault::FailureOnAutoStart,
            spare: false,
        }
    }

    /// Of a one-shot: a failure is reported, never repeated.
    pub fn hand(self) -> Self {
        Self {
            restart: RestartPolicy::NEVER,
            start_fault: Fault::FailureOnStart,
            ..self
        }
    }

    /// Of a virtual gateway: ready when its reaper runs; it is never asked to end, for PID 1 of a
    /// pid namespace ignores what it does not handle.
    pub fn vgw(restart: RestartPolicy) -> Self {
        Self {
            role: None,
            restart,
            notifies: false,
            ready_within_ms: 0,
            stop_within_ms: 0,
            watchdog_ms: 0,
            networked: true,
            start_fault: Fault::FailureOnStart,
            spare: false,
        }
    }

    /// Of a virtual gateway that is kept parked. Nothing restarts what does not run.
    pub fn parked() -> Self {
        Self {
            spare: true,
            ..Self::vgw(RestartPolicy::NEVER)
        }
    }

    /// Of a bundle.
    pub fn bundle(spec: &BundleSpec, restart: RestartPolicy) -> Self {
        Self {
            notifies: spec.readiness == Readiness::Notify,
            ready_within_ms: spec.ready_within_ms,
            stop_within_ms: spec.stop_within_ms,
            spare: spec.spare,
            ..Self::vgw(restart)
        }
    }
}

/// One unit.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Which.
    pub id: UnitId,
    /// What it runs.
    pub program: Program,
    /// How it is supervised.
    pub plan: Plan,
    /// The steward's own mark.
    pub tag: u64,
    /// What it waits for.
    pub state: State,
    /// The present life, or the last one.
    pub generation: Generation,
    /// Why it is not what it should be.
    pub fault: Fault,
    /// Restarts since it was started by request.
    pub restarts: u32,
    /// Restarts in a row, as the policy counts them.
    pub attempts: u16,
    /// Main process; 0 is none.
    pub pid: u32,
    /// How the last main process ended.
    pub exit: Option<Exit>,
    /// The step of limen-jail that failed last, and its errno.
    pub failed: Option<(Step, i32)>,
    /// What is enforced.
    pub posture: Posture,
    /// The program of this life runs and was connected.
    pub live: bool,
    /// When the program of the last life was executed.
    pub since: u64,
    /// When the last life became active; none while it has not.
    pub active_since: Option<u64>,
    /// When `Expired` is due.
    pub deadline: Option<u64>,
    /// What is left of the deadline of a state that is frozen, milliseconds.
    pub paused: Option<u64>,
    /// A virtual gateway that shall be frozen whenever it is active, since then.
    pub frozen: Option<u64>,
    /// Tells this record from any other.
    pub era: Era,
    /// What its ended lives have used.
    pub spent: Counters,
    /// The kernel killed in this life for want of memory.
    pub starved: bool,
    /// limen-jail ended before it came to a life since this was last active, and a second one was asked.
    pub given_again: bool,
    /// Its present report has not been taken yet.
    pub unreported: bool,
    /// Its next life.
    pub spare: Spare,
    /// How many of them failed, one after the other.
    pub spare_failures: u16,
}

impl Unit {
    /// One more life follows one that ended by itself.
    pub(super) fn count_restart(&mut self) {
        self.restarts = self.restarts.saturating_add(1);
        self.spent.restarts = self.spent.restarts.saturating_add(1);
    }

    /// A unit that never ran.
    pub fn new(id: UnitId, program: Program, plan: Plan, tag: u64) -> Self {
        Self {
            id,
            program,
            plan,
            tag,
            state: State::Idle,
            generation: Generation(0),
            fault: Fault::NoFault,
            restarts: 0,
            attempts: 0,
            pid: 0,
            exit: None,
            failed: None,
            posture: Posture::default(),
            live: false,
            since: 0,
            active_since: None,
            deadline: None,
            paused: None,
            frozen: None,
            era: Era(0),
            spent: Counters::default(),
            starved: false,
            given_again: false,
            unreported: false,
            spare: Spare::None,
            spare_failures: 0,
        }
    }

    /// The present life.
    pub fn life(&self) -> UnitRef {
        UnitRef {
            unit: self.id,
            generation: self.generation,
        }
    }

    /// Whether the policy allows another try.
    pub fn may_restart(&self) -> bool {
        let policy = self.plan.restart;
        policy.enable && (policy.retries == 0 || self.attempts < policy.retries)
    }

    /// What the table needs to know. `home`: what it lives in is there; `ending`: the box goes down.
    pub fn facts(&self, home: bool, ending: bool) -> Facts {
        Facts {
            vgw: matches!(self.id, UnitId::Vgw(_)),
            notifies: self.plan.notifies,
            again: self.may_restart() && !ending,
            home: home && !ending,
            clean: self.exit == Some(Exit::Status(0)),
        }
    }

    /// A life that was active for long enough begins the policy's count anew.
    pub fn settle_attempts(&mut self, now: u64) {
        let reset = u64::from(self.plan.restart.reset_ms);
        if self
            .active_since
            .is_some_and(|since| now.saturating_sub(since) >= reset)
        {
            self.attempts = 0;
        }
    }

    /// The deadline of the present state, which begins now. `seed` scatters restarts; 0 does not.
    pub fn set_deadline(&mut self, now: u64, ending: bool, seed: u64) {
        let wait = match self.state {
            State::Building | State::Executing => Some(BUILD_WITHIN_MS),
            State::Readying => Some(self.plan.ready_within_ms),
            State::Active if self.plan.watchdog_ms == 0 => None,
            State::Active => Some(self.plan.watchdog_ms),
            State::Draining => Some(DRAIN_WITHIN_MS),
            State::Terminating if ending => Some(self.plan.stop_within_ms.min(SHUTDOWN_WAIT_MS)),
            State::Terminating => Some(self.plan.stop_within_ms),
            State::Clearing(_) => Some(CLEAR_AGAIN_MS),
            State::Removing(_) => Some(REMOVE_WITHIN_MS),
            State::Waiting if seed == 0 => Some(self.plan.restart.wait_ms(self.attempts)),
            State::Waiting => {
                let dice = dice::throw(seed, self.generation.0);
                Some(self.plan.restart.scattered_ms(self.attempts, dice))
            }
            State::Idle | State::Awaiting => None,
        };
        self.deadline = wait.map(|wait| now.saturating_add(u64::from(wait)));
        self.paused = None;
    }

    /// The state as TR-181 names it. A virtual gateway that waits for its own place was just started.
    pub fn seen(&self) -> UnitState {
        match (self.id, self.state) {
            (UnitId::Vgw(_), State::Awaiting) => UnitState::Starting,
            (_, state) => state.seen(),
        }
    }

    /// What the steward is told. `first` is the time of init's first instruction.
    pub fn report(&self, first: u64) -> UnitReport {
        UnitReport {
            unit: self.life(),
            state: self.seen(),
            fault: self.fault,
            restarts: self.restarts,
            pid: self.pid,
            exit: self.exit,
            failed: self.failed,
            tag: self.tag,
            posture: self.posture,
            since_ms: match self.since {
                0 => 0,
                since => since.saturating_sub(first),
            },
            frozen: self.frozen.is_some(),
            era: self.era,
            spent: self.spent,
            spare: self.has_spare(),
        }
    }

    /// What a bundle of this virtual gateway is held to; none for other units.
    pub fn share_in(&self, slot: Slot) -> Option<BundleShare> {
        match &self.program {
            Program::Bundle(spec) if spec.slot == slot => Some(BundleShare {
                index: spec.index,
                limits: spec.limits,
                guarantees: spec.guarantees,
                storage: spec.storage,
            }),
            Program::Core(_) | Program::Hand(..) | Program::Vgw(_) | Program::Bundle(_) => None,
        }
    }

    /// The recorded contract; none but for a virtual gateway.
    pub fn contract(&self) -> Option<&Contract> {
        match &self.program {
            Program::Vgw(spec) => Some(&spec.contract),
            Program::Core(_) | Program::Hand(..) | Program::Bundle(_) => None,
        }
    }
}
