//! The table of one unit: state and input in, next state and act out
//!
//! Rows are states, columns inputs; an empty field keeps the state. `fail` is `Clearing(Restart)`
//! when the policy allows another try and `Clearing(Idle)` otherwise; `settle` is `Idle`,
//! `Waiting`, or, for `Await`, `Building` when the virtual gateway is there and `Awaiting`
//! otherwise. `Start`, `Restored` and `Drained` stand in one column, for no state knows two of them.
//!
//! | state       | Start …    | Built     | Executed        | Failed | Ready  | Ended          | Emptied  | Removed | Expired        | Stop             | Lost            |
//! |-------------|------------|-----------|-----------------|--------|--------|----------------|----------|---------|----------------|------------------|-----------------|
//! | Idle        | Building ⁷ |           |                 |        |        |                |          |         |                |                  |                 |
//! | Building    |            | Executing |                 | fail   |        | fail           |          |         | fail           | Clearing(Idle)   | Clearing(Await) |
//! | Executing   |            |           | Readying/Active | fail   | Active | fail           |          |         | fail           | Clearing(Idle)   | Clearing(Await) |
//! | Readying    |            |           |                 |        | Active | fail           |          |         | fail           | Terminating ¹    | Clearing(Await) |
//! | Active      |            |           |                 |        |        | fail           |          |         | fail ²         | Terminating ¹    | Clearing(Await) |
//! | Draining    | Clearing(Idle) ³ |     |                 |        |        | Clearing(Idle) |          |         | Clearing(Idle) |                  |                 |
//! | Terminating |            |           |                 |        |        | Clearing(Idle) |          |         | Clearing(Idle) |                  | Clearing(Idle)  |
//! | Clearing(a) |            |           |                 |        |        |                | settle ⁴ |         | kill again     | Clearing(Idle)   | Clearing(Await) ⁵ |
//! | Removing(a) |            |           |                 |        |        |                |          | settle  | settle         | Removing(Idle)   |                 |
//! | Waiting     |            |           |                 |        |        |                |          |         | Building       | Idle             | Awaiting        |
//! | Awaiting    | Building ⁶ |           |                 |        |        |                |          |         |                | Idle             |                 |
//!
//! ¹ a virtual gateway goes to `Draining`: its bundles end first. ² the deadline of `Active` is the
//! watchdog. ³ on `Drained`. ⁴ a virtual gateway goes to `Removing(a)` first. ⁵ `Clearing(Idle)`
//! stays. ⁶ on `Restored`. ⁷ `Awaiting` when what it lives in is not there.
//!
//! `Executed` and `Ready` may overtake each other, because they come on different sockets: `Ready`
//! from a program proves that it was executed.

use limen_proto::state::Fault;

use super::state::{After, Input, State};

/// What the table needs to know of the unit besides its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// It is a virtual gateway.
    pub vgw: bool,
    /// It says by itself when it is ready.
    pub notifies: bool,
    /// Its policy allows another restart.
    pub again: bool,
    /// What it lives in is there: a bundle's virtual gateway is active, the network of a virtual
    /// gateway or of a networked core unit is prepared.
    pub home: bool,
    /// Its main process returned 0.
    pub clean: bool,
}

/// What is to be done on the way to the next state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Nothing,
    /// The payload exists: nothing but its numbers changes.
    Note,
    /// The program runs: connect it.
    Confirm,
    /// It serves.
    Activate,
    /// The program runs and serves.
    ConfirmAndActivate,
    /// Stop the bundles.
    Drain,
    /// SIGTERM to the main process.
    Terminate,
    /// Kill the cgroup; the life is over.
    Clear,
    /// Kill the cgroup once more.
    ClearAgain,
    /// Release the life, then remove what was made for a virtual gateway.
    ReleaseAndRemove,
    /// Release the life, then rest, wait or build as the next state says.
    Release,
    /// Only the state changes. Whoever enters `Building` begins a new life, by whatever act.
    Move,
}

/// One step of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Next state.
    pub next: State,
    /// What to do.
    pub act: Act,
    /// The fault to record; none keeps the last one.
    pub fault: Option<Fault>,
}

const fn turn(next: State, act: Act) -> Turn {
    Turn {
        next,
        act,
        fault: None,
    }
}

const fn blame(next: State, act: Act, fault: Fault) -> Turn {
    Turn {
        next,
        act,
        fault: Some(fault),
    }
}

/// The life failed by itself: another one if the policy allows it.
const fn fail(facts: Facts, fault: Option<Fault>) -> Turn {
    let after = if facts.again {
        After::Restart
    } else {
        After::Idle
    };
    Turn {
        next: State::Clearing(after),
        act: Act::Clear,
        fault,
    }
}

/// Nothing of the last life is left.
const fn settle(after: After, act: Act, facts: Facts) -> Turn {
    let next = match after {
        After::Idle => State::Idle,
        After::Restart => State::Waiting,
        After::Await if facts.home => State::Building,
        After::Await => State::Awaiting,
    };
    turn(next, act)
}

/// The table itself.
#[allow(
    clippy::too_many_lines,
    reason = "one table, one match: splitting it would hide a missing field"
)]
pub const fn step(state: State, input: Input, facts: Facts) -> Turn {
    use Input as I;
    use State as S;

    let started = Some(Fault::FailureOnStart);
    let kept = turn(state, Act::Nothing);
    match (state, input) {
        (S::Idle, I::Start) if facts.home => turn(S::Building, Act::Move),
        (S::Idle, I::Start) => turn(S::Awaiting, Act::Move),
        (
            S::Idle,
            I::Built
            | I::Executed
            | I::Failed
            | I::Ready
            | I::Ended
            | I::Emptied
            | I::Removed
            | I::Expired
            | I::Drained
            | I::Stop
            | I::Lost
            | I::Restored,
        ) => kept,

        (S::Building, I::Built) => turn(S::Executing, Act::Note),
        (S::Building | S::Executing, I::Failed | I::Ended | I::Expired) => fail(facts, started),
        (S::Building | S::Executing, I::Stop) => turn(S::Clearing(After::Idle), Act::Clear),
        (S::Building | S::Executing | S::Readying | S::Active, I::Lost) => blame(
            S::Clearing(After::Await),
            Act::Clear,
            Fault::DependencyFailure,
        ),
        (
            S::Building,
            I::Start | I::Executed | I::Ready | I::Emptied | I::Removed | I::Drained | I::Restored,
        ) => kept,

        (S::Executing, I::Executed) if facts.notifies => turn(S::Readying, Act::Confirm),
        (S::Executing, I::Executed) => turn(S::Active, Act::ConfirmAndActivate),
        (S::Executing, I::Ready) if facts.notifies => turn(S::Active, Act::ConfirmAndActivate),
        (
            S::Executing,
            I::Start | I::Built | I::Ready | I::Emptied | I::Removed | I::Drained | I::Restored,
        ) => kept,

        (S::Readying, I::Ready) => turn(S::Active, Act::Activate),
        (S::Readying, I::Ended | I::Expired) => fail(facts, started),
        (S::Readying | S::Active, I::Stop) if facts.vgw => turn(S::Draining, Act::Drain),
        (S::Readying | S::Active, I::Stop) => turn(S::Terminating, Act::Terminate),
        (
            S::Readying,
            I::Start
            | I::Built
            | I::Executed
            | I::Failed
            | I::Emptied
            | I::Removed
            | I::Drained
            | I::Restored,
        ) => kept,

        (S::Active, I::Ended) if facts.clean => fail(facts, Some(Fault::NoFault)),
        (S::Active, I::Ended | I::Expired) => fail(facts, Some(Fault::FailureWhileActive)),
        (
            S::Active,
            I::Start
            | I::Built
            | I::Executed
            | I::Failed
            | I::Ready
            | I::Emptied
            | I::Removed
            | I::Drained
            | I::Restored,
        ) => kept,

        (S::Draining, I::Drained | I::Ended) => turn(S::Clearing(After::Idle), Act::Clear),
        (S::Draining | S::Terminating, I::Expired) => {
            blame(S::Clearing(After::Idle), Act::Clear, Fault::FailureOnStop)
        }
        (
            S::Draining,
            I::Start
            | I::Built
            | I::Executed
            | I::Failed
            | I::Ready
            | I::Emptied
            | I::Removed
            | I::Stop
            | I::Lost
            | I::Restored,
        ) => kept,

        (S::Terminating, I::Ended | I::Lost) => turn(S::Clearing(After::Idle), Act::Clear),
        (
            S::Terminating,
            I::Start
            | I::Built
            | I::Executed
            | I::Failed
            | I::Ready
            | I::Emptied
            | I::Removed
            | I::Drained
            | I::Stop
            | I::Restored,
        ) => kept,

        (S::Clearing(after), I::Emptied) if facts.vgw => {
            turn(S::Removing(after), Act::ReleaseAndRemove)
        }
        (S::Clearing(after), I::Emptied) => settle(after, Act::Release, facts),
        (S::Clearing(_), I::Expired) => turn(state, Act::ClearAgain),
        (S::Clearing(_), I::Stop) => turn(S::Clearing(After::Idle), Act::Move),
        (S::Clearing(After::Restart | After::Await), I::Lost) => blame(
            S::Clearing(After::Await),
            Act::Move,
            Fault::DependencyFailure,
        ),
        (S::Clearing(After::Idle), I::Lost) => kept,
        (
            S::Clearing(_),
            I::Start
            | I::Built
            | I::Executed
            | I::Failed
            | I::Ready
            | I::Ended
            | I::Removed
            | I::Drained
            | I::Restored,
        ) => kept,

        (S::Removing(after), I::Removed | I::Expired) => settle(after, Act::Move, facts),
        (S::Removing(_), I::Stop) => turn(S::Removing(After::Idle), Act::Move),
        (
            S::Removing(_),
            I::Start
            | I::Built
            | I::Executed
            | I::Failed
            | I::Ready
            | I::Ended
            | I::Emptied
            | I::Drained
            | I::Lost
            | I::Restored,
        ) => kept,

        (S::Waiting, I::Expired) if facts.home => turn(S::Building, Act::Move),
        (S::Waiting, I::Expired) => turn(S::Awaiting, Act::Move),
        (S::Waiting, I::Lost) => blame(S::Awaiting, Act::Move, Fault::DependencyFailure),
        (S::Waiting | S::Awaiting, I::Stop) => turn(S::Idle, Act::Move),
        (
            S::Waiting,
            I::Start
            | I::Built
            | I::Executed
            | I::Failed
            | I::Ready
            | I::Ended
            | I::Emptied
            | I::Removed
            | I::Drained
            | I::Restored,
        ) => kept,

        (S::Awaiting, I::Restored) => turn(S::Building, Act::Move),
        (
            S::Awaiting,
            I::Start
            | I::Built
            | I::Executed
            | I::Failed
            | I::Ready
            | I::Ended
            | I::Emptied
            | I::Removed
            | I::Expired
            | I::Drained
            | I::Lost,
        ) => kept,
    }
}
