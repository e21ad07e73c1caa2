//! What init reported, and what was asked of it
//!
//! One entry a unit: its last report, the request that is under way, and the last attempt to start
//! it. One request a unit at a time; the answer frees the entry for the next.

use std::collections::BTreeMap;

use limen_proto::control::{ControlError, UnitReport};
use limen_proto::id::{Generation, Slot, UnitId};
use limen_proto::state::{Fault, UnitState};

/// What a request to init was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// `StartVgw`, `StartBundle`.
    Start,
    /// `Stop`.
    Stop,
    /// `Forget`.
    Forget,
    /// `Adjust`.
    Adjust,
    /// `Freeze`.
    Freeze,
    /// `Park`.
    Park,
}

/// One try to start a unit: never made twice, so nothing is retried behind one's back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Of the spec.
    pub tag: u64,
    /// Life of the virtual gateway that a bundle was started in; 0 for a virtual gateway.
    pub within: Generation,
}

/// One unit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unit {
    /// What init said last; none when init does not know it.
    pub report: Option<UnitReport>,
    /// The request under way.
    pub asked: Option<Asked>,
    /// The last try.
    pub attempt: Option<Attempt>,
    /// How init refused the last try.
    pub refused: Option<ControlError>,
    /// The life that `Stop` was sent for.
    pub stopped: Option<Generation>,
    /// How init refused the last `Stop`, `Adjust`, `Freeze` or `Park`: not asked again before something changes.
    pub balked: Option<ControlError>,
}

impl Unit {
    /// Its state; `Idle` when init does not know it.
    pub fn state(&self) -> UnitState {
        self.report.map_or(UnitState::Idle, |report| report.state)
    }

    /// Whether it does nothing, and nothing is being asked of it.
    pub fn is_down(&self) -> bool {
        self.state() == UnitState::Idle && self.asked.is_none()
    }

    /// Whether init holds no record of it.
    pub fn is_gone(&self) -> bool {
        self.report.is_none() && self.asked.is_none()
    }

    /// Whether it runs, or waits to run again, under this tag.
    pub fn carries(&self, tag: u64) -> bool {
        self.report.is_some_and(|report| report.tag == tag)
    }

    /// What went wrong last under this tag, in words.
    pub fn trouble(&self, tag: u64) -> Option<String> {
        if let Some(error) = self.refused {
            return Some(format!("init refused to start it: {error}"));
        }
        let report = self.report.filter(|report| report.tag == tag)?;
        if let Some((step, errno)) = report.failed {
            let reason = std::io::Error::from_raw_os_error(errno);
            return Some(format!("its sandbox failed at step {step:?}: {reason}"));
        }
        let how = match report.exit {
            Some(limen_proto::state::Exit::Status(status)) => {
                format!("its program ended with status {status}")
            }
            Some(limen_proto::state::Exit::Signal(signal)) => {
                format!("its program was ended by signal {signal}")
            }
            None => "it never ran".to_owned(),
        };
        match report.fault {
            Fault::NoFault => None,
            Fault::UnStartable => Some(format!("{how}, too often; restarting was given up")),
            Fault::OutOfMemory => Some(format!("{how} for want of memory ({})", report.fault)),
            fault => Some(format!("{how} ({fault})")),
        }
    }
}

/// All units but the core's.
#[derive(Debug, Default)]
pub struct Units {
    units: BTreeMap<UnitId, Unit>,
    requests: BTreeMap<u32, (UnitId, Asked)>,
}

impl Units {
    /// One unit; an empty entry when nothing is known of it.
    pub fn get(&self, unit: UnitId) -> Unit {
        self.units.get(&unit).copied().unwrap_or_default()
    }

    /// All units, in order.
    pub fn iter(&self) -> impl Iterator<Item = (UnitId, &Unit)> {
        self.units.iter().map(|(id, unit)| (*id, unit))
    }

    /// Units of a slot.
    pub fn of_slot(&self, slot: Slot) -> impl Iterator<Item = (UnitId, &Unit)> {
        self.iter().filter(move |(id, _)| id.slot() == Some(slot))
    }

    /// Takes a report. A refusal that depended on this unit's state is worth a new try.
    pub fn report(&mut self, report: UnitReport) {
        let id = report.unit.unit;
        let entry = self.units.entry(id).or_default();
        entry.report = Some(report);
        if entry.balked.take().is_some() {
            entry.stopped = None;
        }
        for (other, unit) in &mut self.units {
            let concerned = *other == id || UnitId::slot(*other) == id.slot();
            if concerned && unit.refused.is_some_and(passes) {
                unit.refused = None;
                unit.attempt = None;
            }
        }
    }

    /// Notes a request.
    pub fn ask(&mut self, id: u32, unit: UnitId, asked: Asked, attempt: Option<Attempt>) {
        let entry = self.units.entry(unit).or_default();
        entry.asked = Some(asked);
        match asked {
            Asked::Start => {
                entry.attempt = attempt;
                entry.refused = None;
                entry.stopped = None;
            }
            Asked::Stop => entry.stopped = entry.report.map(|report| report.unit.generation),
            Asked::Forget | Asked::Adjust | Asked::Freeze | Asked::Park => {}
        }
        self.requests.insert(id, (unit, asked));
    }

    /// A new contract is a new reason to ask.
    pub fn may_adjust(&mut self, unit: UnitId) {
        if let Some(entry) = self.units.get_mut(&unit) {
            entry.balked = None;
        }
    }

    /// Takes an answer; says what it was about, if it was about a unit.
    pub fn answer(&mut self, id: u32, result: Result<(), ControlError>) -> Option<(UnitId, Asked)> {
        let (unit, asked) = self.requests.remove(&id)?;
        let entry = self.units.entry(unit).or_default();
        entry.asked = None;
        match (asked, result) {
            (Asked::Start, Err(error)) => entry.refused = Some(error),
            (Asked::Stop, Err(ControlError::Unknown))
            | (Asked::Forget, Ok(()) | Err(ControlError::Unknown)) => {
                self.units.remove(&unit);
            }
            (
                Asked::Stop | Asked::Adjust | Asked::Freeze | Asked::Forget | Asked::Park,
                Err(error),
            ) => {
                entry.balked = Some(error);
            }
            (Asked::Start | Asked::Stop | Asked::Adjust | Asked::Freeze | Asked::Park, Ok(())) => {}
        }
        Some((unit, asked))
    }
}

/// Whether a refusal may pass by itself when some unit changes: it is tried again then.
pub fn passes(error: ControlError) -> bool {
    match error {
        ControlError::Busy | ControlError::NoVgw | ControlError::Full | ControlError::Frozen => {
            true
        }
        ControlError::Malformed
        | ControlError::Forbidden
        | ControlError::Unknown
        | ControlError::Descriptors
        | ControlError::ShuttingDown
        | ControlError::Kernel(_) => false,
    }
}
