//! What a core program is told when it begins
//!
//! Links to its peers, and, by its role, what an earlier life of it knew: the broker its stored
//! references and listeners, the logger its pipes, management its port. The same for the first life
//! as for any other, so that a restart is nothing special.

use limen_proto::id::{Generation, UnitId, UnitRef};
use limen_proto::table::Role;

use super::effect::Effect;
use super::state::State;
use super::supervisor::Supervisor;

impl Supervisor {
    /// The program of a life runs: connect it.
    pub(super) fn confirm(&mut self, id: UnitId, now: u64) {
        let Some(unit) = self.unit_mut(id) else {
            return;
        };
        unit.live = true;
        unit.since = now;
        let (life, role) = (unit.life(), unit.plan.role);
        let Some(role) = role else { return };
        for place in 0..self.links.len() {
            let peer = match self.links.get(place) {
                Some(&(one, other)) if one == role => other,
                Some(&(one, other)) if other == role => one,
                _ => continue,
            };
            if let Some(peer) = self.live(peer) {
                self.push(Effect::Link(life, peer));
            }
        }
        match role {
            Role::Broker => self.brief_broker(life),
            Role::Logger => self.brief_logger(life),
            Role::Management => self.push(Effect::Listen(life)),
            Role::Steward => self.push(Effect::KernelLog(life)),
            Role::Install | Role::Plain => {}
        }
    }

    /// A new broker gets what an earlier one stored, and the listeners of what runs.
    fn brief_broker(&mut self, broker: UnitRef) {
        self.replay_stored(broker);
        for place in 0..self.units.len() {
            if let Some(unit) = self.units.get(place)
                && matches!(unit.id, UnitId::Bundle(..))
                && unit.state.occupied()
                && !matches!(unit.state, State::Clearing(_))
            {
                let life = unit.life();
                self.push(Effect::Listener(broker, life));
            }
        }
    }

    /// A new logger gets every pipe but its own.
    fn brief_logger(&mut self, logger: UnitRef) {
        for place in 0..self.units.len() {
            if let Some(unit) = self.units.get(place)
                && unit.generation != Generation(0)
                && unit.id != logger.unit
            {
                let id = unit.id;
                self.push(Effect::Source(logger, id));
            }
        }
    }
}
