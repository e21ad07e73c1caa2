//! Who comes first when the box comes up
//!
//! The steward, then the virtual gateways that it asks for, then the rest of the core. What the
//! box is there for does not share its processors with what looks after it: whoever manages, logs
//! or renews a lease has nothing to do before, and what virtual gateways and their bundles say
//! or ask meanwhile waits in their pipes and sockets.
//!
//! The rest waits no longer than [`HELD_MS`], and not for a steward that fails: a box whose state
//! cannot be read comes up manageable. It waits once a boot; who restarts later waits for nobody.

use limen_proto::id::UnitId;
use limen_proto::table::{Role, Table};

use super::state::{Input, State};
use super::supervisor::Supervisor;
use super::unit::Unit;

/// Longest wait of the core for the virtual gateways, milliseconds: 64 of them start in less on a
/// slow board.
pub const HELD_MS: u64 = 2_000;

/// Whether a unit is on its way to serve.
const fn comes(state: State) -> bool {
    match state {
        State::Building | State::Executing | State::Readying | State::Awaiting => true,
        State::Idle
        | State::Active
        | State::Draining
        | State::Terminating
        | State::Clearing(_)
        | State::Removing(_)
        | State::Waiting => false,
    }
}

impl Supervisor {
    /// The boot begins: who is not the steward waits, if there is one to wait for.
    pub(super) fn hold(&mut self, table: &Table, now: u64) {
        let steward = table.units.iter().any(|unit| unit.role == Role::Steward);
        self.held = steward.then(|| now.saturating_add(HELD_MS));
    }

    /// Whether a unit waits for the virtual gateways.
    pub(super) fn is_held(&self, unit: &Unit) -> bool {
        let first = unit.plan.role == Some(Role::Steward);
        self.held.is_some() && matches!(unit.id, UnitId::Core(_)) && !first
    }

    /// Lets the core's other units begin when the steward has asked for what shall run and all of
    /// it is up, or the wait is over. Returns whether it did.
    pub(super) fn release_core(&mut self, now: u64) -> bool {
        let Some(until) = self.held else {
            return false;
        };
        let awaited = |unit: &Unit| match unit.id {
            UnitId::Core(_) => unit.plan.role == Some(Role::Steward),
            UnitId::Vgw(_) => true,
            UnitId::Bundle(..) | UnitId::Hand(..) => false,
        };
        let mut units = self.units.iter();
        if now < until && units.any(|unit| awaited(unit) && comes(unit.state)) {
            return false;
        }
        self.held = None;
        if !self.ending() {
            self.restore();
        }
        true
    }

    /// Lets those begin that waited for what is there now. Bundles wait for something else.
    pub(super) fn restore(&mut self) {
        for place in 0..self.units.len() {
            if let Some(unit) = self.units.get(place)
                && !matches!(unit.id, UnitId::Bundle(..))
                && self.home(unit.id)
            {
                let id = unit.id;
                self.queue(id, Input::Restored);
            }
        }
    }
}
