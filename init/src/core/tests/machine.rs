//! The table, field by field

use limen_proto::state::{Fault, UnitState};

use crate::core::machine::{Act, Facts, Turn, step};
use crate::core::state::{After, Input, State};

const STATES: [State; 15] = [
    State::Idle,
    State::Building,
    State::Executing,
    State::Readying,
    State::Active,
    State::Draining,
    State::Terminating,
    State::Clearing(After::Idle),
    State::Clearing(After::Restart),
    State::Clearing(After::Await),
    State::Removing(After::Idle),
    State::Removing(After::Restart),
    State::Removing(After::Await),
    State::Waiting,
    State::Awaiting,
];

const INPUTS: [Input; 13] = [
    Input::Start,
    Input::Built,
    Input::Executed,
    Input::Failed,
    Input::Ready,
    Input::Ended,
    Input::Emptied,
    Input::Removed,
    Input::Expired,
    Input::Drained,
    Input::Stop,
    Input::Lost,
    Input::Restored,
];

const BUNDLE: Facts = Facts {
    vgw: false,
    notifies: true,
    again: true,
    home: true,
    clean: false,
};
const VGW: Facts = Facts {
    vgw: true,
    notifies: false,
    ..BUNDLE
};

fn every_facts() -> impl Iterator<Item = Facts> {
    (0..32).map(|bits: u8| Facts {
        vgw: bits & 1 != 0,
        notifies: bits & 2 != 0,
        again: bits & 4 != 0,
        home: bits & 8 != 0,
        clean: bits & 16 != 0,
    })
}

fn every_field() -> impl Iterator<Item = (State, Input, Facts, Turn)> {
    STATES.into_iter().flat_map(|state| {
        INPUTS.into_iter().flat_map(move |input| {
            every_facts().map(move |facts| (state, input, facts, step(state, input, facts)))
        })
    })
}

#[test]
fn the_fields_that_a_person_would_ask_about() {
    use Input as I;
    use State as S;
    let rest = After::Idle;
    let last_try = Facts {
        again: false,
        ..BUNDLE
    };
    let homeless = Facts {
        home: false,
        ..BUNDLE
    };
    for (state, input, facts, next, act) in [
        (S::Idle, I::Start, BUNDLE, S::Building, Act::Move),
        (S::Idle, I::Start, homeless, S::Awaiting, Act::Move),
        (S::Building, I::Built, BUNDLE, S::Executing, Act::Note),
        (S::Executing, I::Executed, BUNDLE, S::Readying, Act::Confirm),
        (
            S::Executing,
            I::Executed,
            VGW,
            S::Active,
            Act::ConfirmAndActivate,
        ),
        (
            S::Executing,
            I::Ready,
            BUNDLE,
            S::Active,
            Act::ConfirmAndActivate,
        ),
        (S::Executing, I::Ready, VGW, S::Executing, Act::Nothing),
        (S::Readying, I::Ready, BUNDLE, S::Active, Act::Activate),
        (
            S::Readying,
            I::Expired,
            BUNDLE,
            S::Clearing(After::Restart),
            Act::Clear,
        ),
        (
            S::Active,
            I::Ended,
            BUNDLE,
            S::Clearing(After::Restart),
            Act::Clear,
        ),
        (S::Active, I::Ended, last_try, S::Clearing(rest), Act::Clear),
        (
            S::Active,
            I::Lost,
            BUNDLE,
            S::Clearing(After::Await),
            Act::Clear,
        ),
        (S::Active, I::Stop, BUNDLE, S::Terminating, Act::Terminate),
        (S::Active, I::Stop, VGW, S::Draining, Act::Drain),
        (S::Draining, I::Drained, VGW, S::Clearing(rest), Act::Clear),
        (
            S::Terminating,
            I::Ended,
            BUNDLE,
            S::Clearing(rest),
            Act::Clear,
        ),
        (
            S::Terminating,
            I::Expired,
            BUNDLE,
            S::Clearing(rest),
            Act::Clear,
        ),
        (S::Clearing(rest), I::Emptied, BUNDLE, S::Idle, Act::Release),
        (
            S::Clearing(rest),
            I::Emptied,
            VGW,
            S::Removing(rest),
            Act::ReleaseAndRemove,
        ),
        (
            S::Clearing(After::Restart),
            I::Stop,
            BUNDLE,
            S::Clearing(rest),
            Act::Move,
        ),
        (
            S::Clearing(After::Await),
            I::Emptied,
            BUNDLE,
            S::Building,
            Act::Release,
        ),
        (
            S::Clearing(After::Await),
            I::Emptied,
            homeless,
            S::Awaiting,
            Act::Release,
        ),
        (
            S::Removing(After::Restart),
            I::Removed,
            VGW,
            S::Waiting,
            Act::Move,
        ),
        (
            S::Removing(After::Restart),
            I::Expired,
            VGW,
            S::Waiting,
            Act::Move,
        ),
        (S::Waiting, I::Expired, BUNDLE, S::Building, Act::Move),
        (S::Waiting, I::Expired, homeless, S::Awaiting, Act::Move),
        (S::Awaiting, I::Restored, BUNDLE, S::Building, Act::Move),
        (S::Awaiting, I::Stop, BUNDLE, S::Idle, Act::Move),
    ] {
        let turn = step(state, input, facts);
        assert_eq!((turn.next, turn.act), (next, act), "{state:?} × {input:?}");
    }
}

#[test]
fn a_life_is_killed_before_another_one_begins() {
    for (state, input, _, turn) in every_field() {
        let begins = turn.next == State::Building && state != State::Building;
        if begins {
            assert!(
                !state.occupied() || turn.act == Act::Release,
                "{state:?} × {input:?}"
            );
        }
        let leaves = state.occupied() && !turn.next.occupied();
        if leaves {
            assert!(matches!(state, State::Clearing(_)), "{state:?} × {input:?}");
            assert_eq!(input, Input::Emptied);
        }
    }
}

#[test]
fn every_way_into_clearing_kills() {
    for (state, input, _, turn) in every_field() {
        let enters =
            matches!(turn.next, State::Clearing(_)) && !matches!(state, State::Clearing(_));
        assert_eq!(enters, turn.act == Act::Clear, "{state:?} × {input:?}");
    }
}

#[test]
fn stopping_never_ends_in_a_restart() {
    for (state, input, _, turn) in every_field() {
        if state.seen() == UnitState::Stopping {
            assert!(
                matches!(turn.next.seen(), UnitState::Stopping | UnitState::Idle),
                "{state:?} × {input:?}"
            );
        }
        if input == Input::Stop {
            assert!(
                matches!(turn.next.seen(), UnitState::Stopping | UnitState::Idle),
                "{state:?}"
            );
        }
    }
}

#[test]
fn what_is_kept_does_nothing() {
    for (state, input, _, turn) in every_field() {
        if turn.act == Act::Nothing {
            assert_eq!(
                (turn.next, turn.fault),
                (state, None),
                "{state:?} × {input:?}"
            );
        }
    }
}

#[test]
fn only_a_clean_end_leaves_no_fault() {
    for (state, input, facts, turn) in every_field() {
        let fault = match turn.fault {
            Some(fault) if state == State::Active && input == Input::Ended => fault,
            _ => continue,
        };
        let expected = if facts.clean {
            Fault::NoFault
        } else {
            Fault::FailureWhileActive
        };
        assert_eq!(fault, expected);
    }
}
