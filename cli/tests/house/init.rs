//! init without a kernel: every unit starts at once and stays, every hand is the real one
//!
//! A unit is a record; limen-install is the real code in a thread, on a folder in place of the
//! provider's tree.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use limen_bundle::install::{Hand, own_architecture, run};
use limen_bundle::store::Ownership;
use limen_channel::{Buffer, Channel, Descriptors};
use limen_proto::control::{ControlError, Event, Request, UnitReport, Verb};
use limen_proto::id::{Generation, UnitId, UnitRef};
use limen_proto::limits::CONTROL_FRAME;
use limen_proto::posture::Posture;
use limen_proto::state::{Exit, Fault, UnitState};

/// The units of the house.
#[derive(Clone)]
pub struct Init {
    control: Arc<Channel<CONTROL_FRAME>>,
    tenants: PathBuf,
    units: Arc<Mutex<HashMap<UnitId, (Generation, u64)>>>,
    lives: Arc<Mutex<u32>>,
}

impl Init {
    /// `control` leads to the steward; `tenants` holds the providers' trees.
    pub fn new(control: Channel<CONTROL_FRAME>, tenants: &Path) -> Self {
        Self {
            control: Arc::new(control),
            tenants: tenants.to_owned(),
            units: Arc::default(),
            lives: Arc::default(),
        }
    }

    /// Carries out what the steward asks until it hangs up.
    pub fn serve(&self) {
        loop {
            let mut buffer = Buffer::new();
            match self.control.receive::<Request>(&mut buffer) {
                Ok(Some((request, descriptors))) => self.take(request, descriptors),
                _ => return,
            }
        }
    }

    fn take(&self, request: Request, descriptors: Descriptors) {
        let (id, start) = (request.id, |unit, tag| {
            (Ok(()), vec![self.start(unit, tag)])
        });
        let (result, reports) = match request.verb {
            Verb::StartVgw { spec, tag, .. } => start(UnitId::Vgw(spec.slot), tag),
            Verb::StartBundle { spec, tag, .. } => {
                start(UnitId::Bundle(spec.slot, spec.index), tag)
            }
            Verb::StartHand { slot, run } => {
                let unit = UnitId::Hand(slot, run);
                let outcome = start(unit, 0);
                self.hand(unit, slot.get(), descriptors);
                outcome
            }
            Verb::Stop { unit } => self.stop(unit),
            Verb::Forget { unit } => {
                self.units.lock().unwrap().remove(&unit);
                (Ok(()), Vec::new())
            }
            _ => (Ok(()), Vec::new()),
        };
        self.tell(&Event::Reply { id, result });
        for report in reports {
            self.tell(&Event::Report(report));
        }
    }

    fn tell(&self, event: &Event) {
        // A steward that is gone does not listen.
        let _ = self.control.send(event, &[]);
    }

    fn start(&self, unit: UnitId, tag: u64) -> UnitReport {
        let mut lives = self.lives.lock().unwrap();
        *lives += 1;
        let generation = Generation(*lives);
        self.units.lock().unwrap().insert(unit, (generation, tag));
        report(unit, generation, tag, UnitState::Active)
    }

    /// A virtual gateway takes its bundles with it.
    fn stop(&self, unit: UnitId) -> (Result<(), ControlError>, Vec<UnitReport>) {
        let units = self.units.lock().unwrap();
        let meant = |other: &UnitId| match (unit, other) {
            (UnitId::Vgw(slot), UnitId::Bundle(own, _)) => slot == *own,
            (unit, other) => unit == *other,
        };
        let ended = units.iter().filter(|(other, _)| meant(other));
        let reports: Vec<_> = ended
            .map(|(unit, (generation, tag))| report(*unit, *generation, *tag, UnitState::Idle))
            .collect();
        match reports.is_empty() {
            true => (Err(ControlError::Unknown), reports),
            false => (Ok(()), reports),
        }
    }

    fn hand(&self, unit: UnitId, slot: u16, descriptors: Descriptors) {
        let tree = self.tenants.join(slot.to_string());
        std::fs::create_dir_all(&tree).unwrap();
        let mut descriptors = descriptors.into_iter();
        let hand = Hand {
            channel: descriptors.next().unwrap(),
            upload: descriptors.next(),
            tenant: OwnedFd::from(File::open(tree).unwrap()),
            architecture: own_architecture(),
            ownership: Ownership::Caller,
        };
        let init = self.clone();
        std::thread::spawn(move || {
            let status = u8::from(run(hand).is_err());
            let held = init.units.lock().unwrap().get(&unit).copied();
            if let Some((generation, tag)) = held {
                let mut report = report(unit, generation, tag, UnitState::Idle);
                report.exit = Some(Exit::Status(status));
                init.tell(&Event::Report(report));
            }
        });
    }
}

fn report(unit: UnitId, generation: Generation, tag: u64, state: UnitState) -> UnitReport {
    UnitReport {
        unit: UnitRef { unit, generation },
        state,
        fault: Fault::NoFault,
        restarts: 0,
        pid: 1,
        exit: None,
        failed: None,
        tag,
        posture: Posture::default(),
        since_ms: 5,
        frozen: false,
        era: limen_proto::account::Era(1),
        spent: limen_proto::account::Counters::default(),
        spare: false,
    }
}
