//! The pure core: desired state, reports and calls in; requests, decisions and answers out
//!
//! ```text
//!            Input                    Turn                     Effect
//! calls ──────────────▶  verbs change the desired state  ──▶ answers
//! reports, answers ───▶  (one commit each), then `settle`: ──▶ requests to init
//! hands, broker ──────▶  reconcile, jobs, grants, waiters ──▶ orders, decisions
//! ```
//!
//! No I/O, no clock, no descriptor. Every operation ends: what waits for the world waits in
//! `waiters` or `jobs`, each with a deadline. Nothing is queued for a caller that is gone.

pub mod accounts;
pub mod admission;
pub mod audit;
pub mod authorise;
mod broker;
mod bundles;
mod calls;
mod commit;
pub mod credential;
mod denials;
pub mod desired;
mod explain;
pub mod fit;
mod grants;
mod hands;
mod install;
mod jobs;
mod life;
pub mod quantity;
pub mod reconcile;
pub mod refusal;
pub mod share;
pub mod sound;
pub mod spec;
pub mod turn;
pub mod units;
mod vgws;
pub mod view;
mod wait;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use limen_proto::contract::Contract;
use limen_proto::control::{ControlError, Request, UnitReport, Verb};
use limen_proto::id::{Slot, UnitId};
use limen_proto::manage::{Answer, Push, Refusal};
use limen_proto::name::Name;
use limen_proto::posture::Compared;
use limen_proto::state::Fault;

use admission::Fixtures;
use commit::FIRST_CLOCK_MS;
use desired::{Change, Desired};
use refusal::failed;
use turn::{Effect, Input, Now, Outside, Peer, Turn};
use units::{Asked, Units};

/// What is known of the box when the steward starts.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Version of the programs.
    pub version: String,
    /// Kernel release.
    pub kernel: String,
    /// Names of the core units, by their numbers.
    pub core_units: Vec<Name>,
    /// Device classes and ports of the image.
    pub fixtures: Fixtures,
    /// Build time of the image, seconds since 1970.
    pub built: u64,
    /// What is wrong with the box, in words.
    pub warnings: Vec<String>,
    /// The identity that lies ready for a box that has none.
    pub provision: Option<desired::Identity>,
    /// The desired state is not the truth (the state file is of a newer version, say): never end
    /// what it does not name.
    pub blind: bool,
    /// Of a limit that is met, the kernel tells the cgroup that forked, not the one that has the
    /// limit (Linux before 6.12).
    pub forker_counts: bool,
    /// The desired state is an earlier one: what lies in the store may be newer.
    pub recovered: bool,
}

/// Ask init again when it did not answer a `List`, milliseconds.
const LIST_AGAIN_MS: u64 = 5_000;

/// The steward.
pub struct Steward {
    desired: Desired,
    facts: Facts,
    units: Units,
    core: BTreeMap<u8, UnitReport>,
    listing: Listing,
    next_request: u32,
    links: Links,
    jobs: jobs::Jobs,
    waiters: wait::Waiters,
    /// Contracts that init was asked to put in force.
    adjusting: BTreeMap<Slot, Contract>,
    grants_told: broker::Told,
    references: BTreeMap<u64, u32>,
    throttle: audit::Throttle,
    clock_due_ms: u64,
    ledger: accounts::Ledger,
    denials: denials::Denials,
}

/// Whether init's list of units was heard to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    Before,
    Asked { id: u32, again_ms: u64 },
    Done,
}

#[derive(Debug, Clone, Copy, Default)]
struct Links {
    management: bool,
    broker: bool,
    logger: bool,
}

/// What a verb comes to: an answer now, or later by a waiter or a job.
type Outcome = Result<Option<Answer>, Refusal>;

impl Steward {
    /// A steward that knows what shall be and nothing of what is.
    pub fn new(desired: Desired, facts: Facts) -> Self {
        let ledger = accounts::Ledger::new(&desired);
        let jobs = jobs::Jobs::new(facts.recovered.then(|| desired.vgws.keys().copied()));
        Self {
            desired,
            facts,
            units: Units::default(),
            core: BTreeMap::new(),
            listing: Listing::Before,
            next_request: 1,
            links: Links::default(),
            jobs,
            waiters: wait::Waiters::default(),
            adjusting: BTreeMap::new(),
            grants_told: broker::Told::default(),
            references: BTreeMap::new(),
            throttle: audit::Throttle::default(),
            clock_due_ms: 0,
            ledger,
            denials: denials::Denials::default(),
        }
    }

    /// What shall be.
    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// Takes one input and says what to do.
    pub fn handle(&mut self, now: Now, outside: &mut dyn Outside, input: Input) -> Vec<Effect> {
        let mut turn = Turn::new(now, outside);
        match input {
            Input::Start => self.start(&mut turn),
            Input::Reported(report) => self.reported(&mut turn, report),
            Input::Answered { id, result } => self.answered(&mut turn, id, result),
            Input::Linked(peer) => self.linked(&mut turn, peer),
            Input::Unlinked(peer) => self.unlinked(peer),
            Input::Called(call) => self.called(&mut turn, call),
            Input::Used(event) => self.used(&mut turn, event),
            Input::Read(lines) => self.lines_read(&mut turn, lines),
            Input::Handled(hand, report) => self.hand_reported(&mut turn, hand, report),
            Input::HandGone(hand) => self.hand_gone(&mut turn, hand),
            Input::CallRefused { uid, call, native } => {
                self.denials.note(turn.now, uid, native.then_some(call));
            }
            Input::Counted(unit, found) => self.counted(&mut turn, unit, found),
            Input::Tick => {}
        }
        self.settle(&mut turn);
        turn.effects
    }

    /// Whether it knows what runs, and has asked for what shall.
    pub fn serves(&self) -> bool {
        self.listing == Listing::Done
    }

    /// When to be called with `Tick` at the latest, on the monotonic clock.
    pub fn deadline_ms(&self) -> u64 {
        let listing = match self.listing {
            Listing::Asked { again_ms, .. } => Some(again_ms),
            Listing::Before | Listing::Done => None,
        };
        [self.jobs.deadline_ms(), self.waiters.deadline_ms(), listing]
            .into_iter()
            .flatten()
            .fold(self.clock_due_ms, u64::min)
            .min(self.accounts_deadline_ms())
    }

    /// Brings everything that may go on now one step further.
    fn settle(&mut self, turn: &mut Turn<'_>) {
        self.write_clock(turn);
        self.accounts_settle(turn);
        if let Listing::Asked { again_ms, .. } = self.listing
            && turn.now.monotonic_ms >= again_ms
        {
            self.list(turn);
        }
        if self.listing == Listing::Done {
            self.hands_settle(turn);
            self.reconcile(turn);
            self.jobs_settle(turn);
        }
        self.broker_settle(turn);
        self.waiters_settle(turn);
    }

    fn start(&mut self, turn: &mut Turn<'_>) {
        self.clock_due_ms = turn.now.monotonic_ms + FIRST_CLOCK_MS;
        for warning in self.facts.warnings.clone() {
            let draft = audit::event(turn.now, audit::BOX, None, &warning, "");
            self.note(turn, draft.alarming());
        }
        self.provision(turn);
        self.list(turn);
    }

    fn provision(&mut self, turn: &mut Turn<'_>) {
        let (None, Some(identity)) = (&self.desired.identity, self.facts.provision.take()) else {
            return;
        };
        let draft = audit::event(turn.now, audit::BOX, None, "was provisioned", "");
        let changes = [
            Change::Identity(identity.clone()),
            Change::Trust,
            Change::Event(draft),
        ];
        if self.commit(turn, &changes).is_err() {
            // A box whose state cannot be written must still be reachable, or nobody could tell.
            self.desired.identity = Some(identity);
        }
    }

    fn list(&mut self, turn: &mut Turn<'_>) {
        let id = self.ask(turn, Verb::List);
        self.listing = Listing::Asked {
            id,
            again_ms: turn.now.monotonic_ms + LIST_AGAIN_MS,
        };
    }

    fn reported(&mut self, turn: &mut Turn<'_>, report: UnitReport) {
        if let UnitId::Core(number) = report.unit.unit {
            let before = self.core.insert(number, report);
            self.compared(turn, before, report);
            return;
        }
        let before = self.units.get(report.unit.unit).report;
        self.compared(turn, before, report);
        self.units.report(report);
        // init has a line for every change; here is only what went wrong.
        let fault = before.map_or(Fault::NoFault, |before| before.fault);
        if report.fault != fault && report.fault != Fault::NoFault {
            turn.log(format!(
                "warning: {} is {}: {}",
                report.unit.unit, report.state, report.fault
            ));
        }
        self.not_adjusted(turn, before, report);
        self.starved(turn, before, &report);
        self.hand_seen(turn, before, &report);
        self.ended(turn, before, &report);
    }

    /// What the kernel enforces was read back. That it is not what it should be is remembered.
    fn compared(&mut self, turn: &mut Turn<'_>, before: Option<UnitReport>, report: UnitReport) {
        let compared = report.posture.compared;
        let told = before.is_some_and(|before| {
            before.unit == report.unit && before.posture.compared == compared
        });
        if told || !matches!(compared, Compared::Differs(_)) {
            return;
        }
        let slot = report.unit.unit.slot();
        let provider = slot.and_then(|slot| self.provider_of(slot));
        let text = format!("read back the posture of {}: {compared}", report.unit.unit);
        let draft = audit::event(turn.now, audit::BOX, provider.as_ref(), &text, "");
        self.note(turn, draft.alarming());
    }

    fn answered(&mut self, turn: &mut Turn<'_>, id: u32, result: Result<(), ControlError>) {
        if let Listing::Asked { id: listing, .. } = self.listing
            && listing == id
        {
            if let Err(error) = result {
                turn.log(format!("warning: init did not list its units: {error}"));
            } else {
                self.listing = Listing::Done;
                self.adopt(turn);
            }
            return;
        }
        if self.hand_answered(turn, id, result) {
            return;
        }
        let Some((unit, asked)) = self.units.answer(id, result) else {
            if let Err(error) = result {
                turn.log(format!("warning: init refused request {id}: {error}"));
            }
            return;
        };
        match (asked, result) {
            // It was gone already: init forgets hands by itself.
            (Asked::Stop | Asked::Forget, Err(ControlError::Unknown)) => {}
            (_, Err(error)) => {
                turn.log(format!(
                    "warning: init refused to {asked:?} {unit}: {error}"
                ));
            }
            (Asked::Adjust, Ok(())) => self.adjusted(turn, unit),
            (Asked::Start | Asked::Stop | Asked::Freeze | Asked::Forget | Asked::Park, Ok(())) => {}
        }
    }

    /// What runs is known from here on.
    fn adopt(&mut self, turn: &mut Turn<'_>) {
        let running = self
            .units
            .iter()
            .filter(|(_, unit)| !unit.is_down())
            .count();
        turn.log(format!(
            "init runs {running} units; {} virtual gateways and {} bundles shall be",
            self.desired.vgws.len(),
            self.desired.bundles.len()
        ));
    }

    fn reconcile(&mut self, turn: &mut Turn<'_>) {
        for step in reconcile::plan(&self.desired, &self.units, self.facts.blind) {
            if let Verb::Adjust { slot, contract, .. } = &step.verb {
                self.adjusting.insert(*slot, contract.clone());
            }
            let id = self.ask(turn, step.verb);
            self.units.ask(id, step.unit, step.asked, step.attempt);
        }
    }

    fn linked(&mut self, turn: &mut Turn<'_>, peer: Peer) {
        self.unlinked(peer);
        match peer {
            Peer::Management => self.links.management = true,
            Peer::Broker => {
                self.links.broker = true;
                self.greet_broker(turn);
            }
            Peer::Logger => self.links.logger = true,
        }
    }

    fn unlinked(&mut self, peer: Peer) {
        match peer {
            Peer::Management => {
                self.links.management = false;
                // The next management program numbers its calls anew.
                self.waiters.forget_calls();
                self.jobs.forget_calls();
            }
            Peer::Broker => {
                self.links.broker = false;
                self.references.clear();
            }
            Peer::Logger => self.links.logger = false,
        }
    }

    fn ask(&mut self, turn: &mut Turn<'_>, verb: Verb) -> u32 {
        let id = self.request_id();
        turn.push(Effect::Ask(Request { id, verb }));
        id
    }

    fn request_id(&mut self) -> u32 {
        let id = self.next_request;
        self.next_request = id.wrapping_add(1).max(1);
        id
    }

    fn reply(&self, turn: &mut Turn<'_>, call: Option<u32>, result: Result<Answer, Refusal>) {
        if let Some(id) = call
            && self.links.management
        {
            turn.push(Effect::Push(Push::Reply { id, result }));
        }
    }
}
