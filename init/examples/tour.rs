//! A steward that tries what init offers and says what came of it: for guests
//!
//! Put into an image in the place of limen-steward (`cargo xtask test --only walks`). It starts,
//! adjusts, kills, stops and forgets a virtual gateway, kills the other core units and then itself,
//! and finds in its second life what it left in its first. Every step prints a line; the last one is `tour: done`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test program may end in the middle"
)]

use limen_channel::{Buffer, Channel, inherited};
use limen_proto::contract::{Contract, Limits, Rate, Wan};
use limen_proto::control::{CONTROL_DESCRIPTOR, ControlError, Event, Request, UnitReport, Verb};
use limen_proto::id::{Slot, UnitId};
use limen_proto::limits::{CORE_MEMORY, CORE_WEIGHT};
use limen_proto::restart::RestartPolicy;
use limen_proto::spec::VgwSpec;
use limen_proto::state::UnitState;
use limen_proto::table::Role;

const TAG: u64 = 77;

struct Tour {
    control: Channel,
    links: Vec<Role>,
}

fn main() {
    let control = inherited(CONTROL_DESCRIPTOR).expect("started by limen-init");
    let mut tour = Tour {
        control: Channel::from(control),
        links: Vec::new(),
    };
    tour.ask(Verb::Ready).expect("everybody may say so");
    let found = tour.list();
    let vgw = UnitId::Vgw(slot());
    match found.iter().find(|report| report.unit.unit == vgw) {
        None => tour.first_life(vgw),
        Some(report) => tour.second_life(report, vgw),
    }
}

impl Tour {
    fn first_life(&mut self, vgw: UnitId) -> ! {
        self.expect_links(3);
        say("three links");
        assert_eq!(
            self.ask(Verb::Drop { reference: 1 }),
            Err(ControlError::Forbidden)
        );
        let start = Verb::StartVgw {
            spec: VgwSpec {
                slot: slot(),
                provider: "energy".parse().expect("a name"),
                contract: contract(64 << 20),
            },
            restart: RestartPolicy {
                minimum_wait_ms: 0,
                ..RestartPolicy::CORE
            },
            tag: TAG,
        };
        self.ask(start).expect("a free slot");
        let report = self.wait_for(vgw, UnitState::Active);
        say(&format!("virtual gateway active, {:?}", report.posture));
        let slot = slot();
        let contract = contract(32 << 20);
        let shares = heapless::Vec::new();
        self.ask(Verb::Adjust {
            slot,
            contract,
            shares,
        })
        .expect("active");
        // The answer comes when the kernel has it.
        assert_eq!(held("vgw-1/memory.max"), "33554432");
        // A guarantee needs one of everything above it, and the core has its own.
        assert_eq!(held("memory.min"), "max");
        assert_eq!(held("core/memory.min"), CORE_MEMORY.to_string());
        assert_eq!(held("core/cpu.weight"), CORE_WEIGHT.to_string());
        say("the contract is in force when its answer comes");
        self.ask(Verb::Kill { unit: vgw }).expect("running");
        self.wait_for(vgw, UnitState::Restarting);
        let report = self.wait_for(vgw, UnitState::Active);
        say(&format!(
            "virtual gateway back, restarts {}",
            report.restarts
        ));
        for (unit, role) in [(0, Role::Logger), (2, Role::Broker), (4, Role::Management)] {
            self.links.clear();
            let unit = UnitId::Core(unit);
            self.ask(Verb::Kill { unit }).expect("running");
            self.expect_links(1);
            assert_eq!(self.links, [role]);
            say(&format!("{role:?} back, with a new link"));
        }
        say("killing myself");
        let own = UnitId::Core(1);
        let _ = self.ask(Verb::Kill { unit: own });
        panic!("still alive");
    }

    fn second_life(&mut self, report: &UnitReport, vgw: UnitId) {
        assert_eq!((report.state, report.tag), (UnitState::Active, TAG));
        say("second life: the virtual gateway lives");
        self.expect_links(3);
        self.ask(Verb::Stop { unit: vgw }).expect("running");
        self.wait_for(vgw, UnitState::Idle);
        self.ask(Verb::Forget { unit: vgw }).expect("idle");
        assert!(!self.list().iter().any(|report| report.unit.unit == vgw));
        say("stopped and forgotten");
        say("done");
        self.ask(Verb::Shutdown { reboot: false }).expect("allowed");
        // init hangs up behind the last report.
        let mut buffer = Buffer::new();
        while let Ok(Some(_)) = self.control.receive::<Event>(&mut buffer) {}
    }

    /// Sends one request and waits for its answer.
    fn ask(&mut self, verb: Verb) -> Result<(), ControlError> {
        let request = Request { id: 9, verb };
        self.control.send(&request, &[]).expect("init listens");
        loop {
            if let Event::Reply { result, .. } = self.event() {
                return result;
            }
        }
    }

    fn list(&mut self) -> Vec<UnitReport> {
        let request = Request {
            id: 9,
            verb: Verb::List,
        };
        self.control.send(&request, &[]).expect("init listens");
        let mut reports = Vec::new();
        loop {
            match self.event() {
                Event::Report(report) => reports.push(report),
                Event::Reply { .. } => return reports,
                _ => {}
            }
        }
    }

    fn wait_for(&mut self, unit: UnitId, state: UnitState) -> UnitReport {
        loop {
            if let Event::Report(report) = self.event()
                && report.unit.unit == unit
            {
                if let Some((step, errno)) = report.failed {
                    say(&format!("{unit}: {step:?} failed with errno {errno}"));
                }
                if report.state == state {
                    return report;
                }
            }
        }
    }

    fn expect_links(&mut self, count: usize) {
        while self.links.len() < count {
            self.event();
        }
    }

    fn event(&mut self) -> Event {
        let mut buffer = Buffer::new();
        let (event, descriptors) = self
            .control
            .receive::<Event>(&mut buffer)
            .expect("a frame")
            .expect("init lives");
        if let Event::Link { peer } = event {
            assert_eq!(descriptors.len(), 1);
            // Held open, or the peer would see a hang-up.
            std::mem::forget(descriptors);
            self.links.push(peer);
        }
        event
    }
}

/// What the kernel holds for a group of the box's part of the tree.
fn held(file: &str) -> String {
    let text = std::fs::read_to_string(format!("/sys/fs/cgroup/limen/{file}"));
    text.expect("the table binds it").trim().to_owned()
}

fn slot() -> Slot {
    Slot::new(1).expect("slot 1 exists")
}

fn contract(memory: u64) -> Contract {
    Contract {
        limits: Limits {
            cpu_percent: 50,
            memory,
            processes: 32,
            ..Limits::ORDINARY
        },
        disk: 16 << 20,
        inodes: 1000,
        upload: Rate::of(1_000_000),
        download: Rate::of(1_000_000),
        wan: Wan::All,
        ..Contract::default()
    }
}

fn say(line: &str) {
    println!("tour: {line}");
}
