//! The commit point, and what is written down there
//!
//! On the disk first, in memory then, in effect last. Events ride with the changes that they tell
//! of; those of refused attempts go alone, and not without end.

use limen_proto::manage::{Caller, Push, Refusal, Verb};

use super::Steward;
use super::audit;
use super::desired::{Change, Draft};
use super::refusal::failed;
use super::turn::{Effect, Turn};

/// Write the time down this often, milliseconds: the floor of the clock after a power cut without
/// a clock that runs on. Four writes a day.
const CLOCK_MS: u64 = 6 * 3600 * 1000;

/// From the start to the first time that is written, milliseconds: until then the floor of before
/// is as good, and what shall run is not kept waiting for the disk.
pub(super) const FIRST_CLOCK_MS: u64 = 10_000;

/// Longest life of an image, seconds: 20 years.
const PLAUSIBLE_S: u64 = 20 * 366 * 24 * 3600;

impl Steward {
    /// The commit point: on the disk first, in memory then, in effect last.
    pub(super) fn commit(
        &mut self,
        turn: &mut Turn<'_>,
        changes: &[Change],
    ) -> Result<(), Refusal> {
        let mut next = self.desired.clone();
        for change in changes {
            next.apply(change);
        }
        turn.outside.commit(changes, next.marks).map_err(|error| {
            turn.effects.push(Effect::Log(format!(
                "warning: the state was not written: {error}"
            )));
            failed(format!(
                "the gateway could not write its state, so nothing was changed: {error}"
            ))
        })?;
        let trust_changed = next.marks.epoch != self.desired.marks.epoch;
        self.desired = next;
        self.close_accounts();
        for change in changes {
            if let Change::Event(draft) = change {
                turn.effects.push(Effect::Log(log_line(draft)));
            }
        }
        if trust_changed && self.links.management {
            turn.push(Effect::Push(Push::TrustChanged));
        }
        Ok(())
    }

    /// Commits what does not change what shall be. A box that cannot write still answers.
    pub(super) fn note(&mut self, turn: &mut Turn<'_>, draft: Draft) {
        let line = log_line(&draft);
        if self.commit(turn, &[Change::Event(draft)]).is_err() {
            turn.log(line);
        }
    }

    pub(super) fn write_clock(&mut self, turn: &mut Turn<'_>) {
        if turn.now.monotonic_ms < self.clock_due_ms {
            return;
        }
        self.clock_due_ms = turn.now.monotonic_ms + CLOCK_MS;
        let seen = turn.now.seconds();
        // A clock that is decades ahead is wrong, and a floor never comes down again.
        let plausible = self.facts.built == 0 || seen < self.facts.built + PLAUSIBLE_S;
        if seen > self.clock_floor() && plausible {
            let _ = self.commit(turn, &[Change::Clock(seen)]);
        }
    }

    /// The later of the image's build and the last time seen, seconds since 1970.
    pub(super) fn clock_floor(&self) -> u64 {
        self.facts.built.max(self.desired.marks.seen)
    }

    /// Records an event together with changes.
    pub(super) fn commit_with(
        &mut self,
        turn: &mut Turn<'_>,
        draft: Draft,
        mut changes: Vec<Change>,
    ) -> Result<(), Refusal> {
        changes.push(Change::Event(draft));
        self.commit(turn, &changes)
    }

    /// Records a refused call, unless there were too many.
    pub(super) fn refused(
        &mut self,
        turn: &mut Turn<'_>,
        caller: &Caller,
        verb: &Verb,
        refusal: &Refusal,
    ) {
        let draft = audit::refused(turn.now, caller, verb, refusal);
        self.throttled(turn, draft);
    }

    pub(super) fn throttled(&mut self, turn: &mut Turn<'_>, mut draft: Draft) {
        let Some(left_out) = self.throttle.admit(turn.now, &draft.actor) else {
            return;
        };
        if left_out > 0 {
            draft.text.push_str(&format!(
                " ({left_out} events of this actor before it were left out)"
            ));
        }
        self.note(turn, draft);
    }
}

/// The line of an event: what the operator may read, never the detail.
fn log_line(draft: &Draft) -> String {
    let mark = if draft.alarm { "warning: " } else { "" };
    match &draft.provider {
        Some(provider) => format!("{mark}{} (about {provider}): {}", draft.actor, draft.text),
        None => format!("{mark}{}: {}", draft.actor, draft.text),
    }
}
