//! As the steward: asks for lives, one after the other and a hundred at once

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use limen_channel::{Buffer, Channel, inherited};
use limen_proto::contract::{Contract, Guarantees, Limits, Rate};
use limen_proto::control::{CONTROL_DESCRIPTOR, ControlError, Event, Request, UnitReport, Verb};
use limen_proto::id::{BundleIndex, Slot, UnitId};
use limen_proto::restart::RestartPolicy;
use limen_proto::spec::{BundleSpec, Readiness, Storage, VgwSpec};
use limen_proto::state::{Fault, UnitState};
use limen_proto::words::Words;

use crate::{DIGEST, FAIL, INHABITED, MARK, PARENT, PROGRAM, SLOW, STAY, own, say};

/// Bundles that fail for ever, in each inhabited virtual gateway: a hundred in all.
const LOOPS: u16 = 25;
/// Before the first cycle, for what the core still begins.
const REST: Duration = Duration::from_secs(3);

/// For the census to be taken, on a busy machine too.
const COUNTED: Duration = Duration::from_secs(12);

/// For the census to take hold of what shall end slowly.
const HELD: Duration = Duration::from_millis(1500);

/// Virtual gateways of a crowd that start, or stop, at the same time.
const AT_ONCE: usize = 8;

struct Asker {
    control: Channel,
    /// What was last told of each unit.
    states: BTreeMap<UnitId, UnitState>,
}

pub(super) fn main() {
    let control = inherited(CONTROL_DESCRIPTOR).expect("started by limen-init");
    let mut asker = Asker {
        control: Channel::from(control),
        states: BTreeMap::new(),
    };
    asker.ask(Verb::Ready).expect("everybody may say so");
    let cycles = number("CYCLES");
    std::thread::sleep(REST);
    // Once for what is touched for the first time, and every place once.
    (1..MARK).for_each(|number| asker.life_of_vgw(number));
    asker.cycles(u32::from(INHABITED));
    // In the first one limen-jail is killed; the second finds what the new one has not made yet.
    asker.crowd();
    asker.crowd();
    asker.slow_end();
    asker.crash_loops();
    asker.life_of_vgw(MARK);
    std::thread::sleep(COUNTED);
    asker.cycles(cycles);
    asker.crowd();
    asker.crash_loops();
    asker.orphans(number("ORPHANS"));
    asker.life_of_vgw(MARK);
    // init hangs up behind the last report.
    let mut buffer = Buffer::new();
    while let Ok(Some(_)) = asker.control.receive::<Event>(&mut buffer) {}
}

fn number(name: &str) -> u32 {
    let text = std::env::var(name).expect("the image says how many");
    text.parse().expect("a number")
}

impl Asker {
    /// One virtual gateway after the other, each with its bundle; every third is killed instead.
    fn cycles(&mut self, count: u32) {
        let begun = Instant::now();
        for (number, place) in (0..count).zip((1..=INHABITED).cycle()) {
            match number % 3 {
                0 => {}
                1 => self.park_vgw(place),
                _ => self.parked_in_vain(place),
            }
            self.cycle(place);
        }
        say(&format!(
            "{count} cycles in {} ms",
            begun.elapsed().as_millis()
        ));
    }

    /// A virtual gateway with its bundle.
    fn cycle(&mut self, number: u16) {
        self.start_vgw(number);
        let tenant = UnitId::Bundle(slot(number), index(0));
        self.ask(start_bundle(number, 0, STAY)).expect("room");
        self.wait_for(tenant, |report| report.state == UnitState::Active);
        self.stop_vgw(number);
        self.ask(Verb::Forget { unit: tenant }).expect("idle");
        self.forget_vgw(number);
    }

    /// It stands built and closed; whoever starts it opens it.
    fn park_vgw(&mut self, number: u16) {
        let Verb::StartVgw { spec, .. } = start_vgw(number) else {
            return;
        };
        self.ask(Verb::Park { spec, tag: 2 }).expect("a free slot");
        self.wait_for(UnitId::Vgw(slot(number)), |report| report.spare);
    }

    /// One that is never opened.
    fn parked_in_vain(&mut self, number: u16) {
        self.park_vgw(number);
        let unit = UnitId::Vgw(slot(number));
        self.ask(Verb::Stop { unit }).expect("parked");
        self.wait_for(unit, |report| !report.spare);
    }

    /// A virtual gateway with nothing in it.
    fn life_of_vgw(&mut self, number: u16) {
        self.start_vgw(number);
        self.stop_vgw(number);
        self.forget_vgw(number);
    }

    fn start_vgw(&mut self, number: u16) {
        self.ask(start_vgw(number)).expect("a free slot");
        self.wait_for(UnitId::Vgw(slot(number)), |report| {
            report.state == UnitState::Active
        });
    }

    fn stop_vgw(&mut self, number: u16) {
        let unit = UnitId::Vgw(slot(number));
        self.ask(Verb::Stop { unit }).expect("running");
        self.wait_for(unit, |report| report.state == UnitState::Idle);
    }

    fn forget_vgw(&mut self, number: u16) {
        let unit = UnitId::Vgw(slot(number));
        self.ask(Verb::Forget { unit }).expect("idle");
    }

    /// Case C-14: starts and stops as fast as they are asked for, several under way at once.
    fn crowd(&mut self) {
        let begun = Instant::now();
        let numbers: Vec<_> = (1..MARK).collect();
        for some in numbers.chunks(AT_ONCE) {
            for number in some {
                self.ask(start_vgw(*number)).expect("a free slot");
            }
            self.wait_for_all(some, UnitState::Active);
            for number in some {
                let unit = UnitId::Vgw(slot(*number));
                self.ask(Verb::Stop { unit }).expect("running");
            }
            self.wait_for_all(some, UnitState::Idle);
            some.iter().for_each(|number| self.forget_vgw(*number));
        }
        let took = begun.elapsed().as_millis().max(1);
        let rate = 60_000 * numbers.len() as u128 / took;
        say(&format!(
            "a crowd of virtual gateways: {rate} starts and stops a minute"
        ));
    }

    /// A virtual gateway whose first process takes its time to end, for the census holds it.
    fn slow_end(&mut self) {
        let number = 1;
        self.start_vgw(number);
        let tenant = UnitId::Bundle(slot(number), index(SLOW));
        self.ask(start_bundle(number, SLOW, STAY)).expect("room");
        self.wait_for(tenant, |report| report.state == UnitState::Active);
        std::thread::sleep(HELD);
        self.stop_vgw(number);
        self.ask(Verb::Forget { unit: tenant }).expect("idle");
        self.forget_vgw(number);
        say("a slow end");
    }

    fn wait_for_all(&mut self, numbers: &[u16], state: UnitState) {
        let units = numbers.iter().map(|number| UnitId::Vgw(slot(*number)));
        let mut left: Vec<_> = units.collect();
        left.retain(|unit| self.states.get(unit) != Some(&state));
        while !left.is_empty() {
            if let Event::Report(report) = self.event()
                && (report.failed.is_some() || is_given_up(&report))
                && left.contains(&report.unit.unit)
            {
                // It comes no more: waiting on would hide why.
                panic!("{} failed: {report:?}", report.unit.unit);
            }
            left.retain(|unit| self.states.get(unit) != Some(&state));
        }
    }

    /// Case C-02: processes whose parent has ended; limen-init reaps them all, and answers meanwhile.
    /// The census behind it counts what is left.
    fn orphans(&mut self, count: u32) {
        let (begun, mut slowest) = (Instant::now(), Duration::ZERO);
        for number in 0..count {
            let mut parent = loop {
                // As many as a core unit may have wait to be reaped.
                match own().arg(PARENT).spawn() {
                    Ok(child) => break child,
                    Err(_) => std::thread::yield_now(),
                }
            };
            parent.wait().expect("a child");
            if number % 50 == 0 {
                let asked = Instant::now();
                let nobody = UnitId::Vgw(slot(MARK));
                self.ask(Verb::Forget { unit: nobody })
                    .expect_err("there is none");
                slowest = slowest.max(asked.elapsed());
            }
        }
        say(&format!(
            "{count} orphans in {} ms; the slowest answer took {} us",
            begun.elapsed().as_millis(),
            slowest.as_micros()
        ));
    }

    /// Case C-14: a hundred at once, until each is given up.
    fn crash_loops(&mut self) {
        let begun = Instant::now();
        for number in 1..=INHABITED {
            self.start_vgw(number);
        }
        let mut left: Vec<_> = (1..=INHABITED)
            .flat_map(|number| (0..LOOPS).map(move |place| (number, place)))
            .collect();
        for (number, place) in &left {
            self.ask(start_bundle(*number, *place, FAIL)).expect("room");
        }
        while !left.is_empty() {
            if let Event::Report(report) = self.event()
                && (report.state, report.fault) == (UnitState::Idle, Fault::UnStartable)
            {
                left.retain(|(number, place)| {
                    UnitId::Bundle(slot(*number), index(*place)) != report.unit.unit
                });
            }
        }
        let took = begun.elapsed().as_millis();
        say(&format!("100 crash loops given up after {took} ms"));
        for number in 1..=INHABITED {
            self.stop_vgw(number);
            for place in 0..LOOPS {
                let unit = UnitId::Bundle(slot(number), index(place));
                self.ask(Verb::Forget { unit }).expect("idle");
            }
            self.forget_vgw(number);
        }
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

    fn wait_for(&mut self, unit: UnitId, enough: impl Fn(&UnitReport) -> bool) {
        loop {
            if let Event::Report(report) = self.event()
                && report.unit.unit == unit
            {
                if let Some((step, errno)) = report.failed {
                    say(&format!("NOT: {unit}: {step:?} failed with errno {errno}"));
                }
                if enough(&report) {
                    return;
                }
            }
        }
    }

    fn event(&mut self) -> Event {
        let mut buffer = Buffer::new();
        let received = self.control.receive::<Event>(&mut buffer);
        let (event, descriptors) = received.expect("a frame").expect("init lives");
        if let Event::Report(report) = &event {
            self.states.insert(report.unit.unit, report.state);
        }
        // A link is held open, or its other end would see a hang-up.
        std::mem::forget(descriptors);
        event
    }
}

fn is_given_up(report: &UnitReport) -> bool {
    report.state == UnitState::Idle && report.fault != Fault::NoFault
}

fn slot(number: u16) -> Slot {
    Slot::new(number).expect("a slot")
}

fn index(number: u16) -> BundleIndex {
    BundleIndex::new(number).expect("a place")
}

fn limits(memory: u64, processes: u32) -> Limits {
    Limits {
        memory,
        processes,
        ..Limits::ORDINARY
    }
}

fn start_vgw(number: u16) -> Verb {
    Verb::StartVgw {
        spec: VgwSpec {
            slot: slot(number),
            provider: "cycles".parse().expect("a name"),
            contract: Contract {
                limits: limits(32 << 20, 128),
                disk: 16 << 20,
                inodes: 1000,
                upload: Rate::of(1_000_000),
                download: Rate::of(1_000_000),
                ..Contract::default()
            },
        },
        restart: RestartPolicy::NEVER,
        tag: 1,
    }
}

fn start_bundle(number: u16, place: u16, act: &str) -> Verb {
    Verb::StartBundle {
        spec: BundleSpec {
            slot: slot(number),
            index: index(place),
            name: "cycles".parse().expect("a name"),
            digest: DIGEST,
            command: Words::collect([PROGRAM, act]).expect("short"),
            environment: Words::new(),
            directory: heapless::String::new(),
            user: None,
            jit: false,
            spare: false,
            limits: limits(4 << 20, 4),
            guarantees: Guarantees::default(),
            storage: Storage::default(),
            temporary: 0,
            volumes: heapless::Vec::new(),
            ports: heapless::Vec::new(),
            devices: heapless::Vec::new(),
            readiness: Readiness::Exec,
            ready_within_ms: 10_000,
            stop_within_ms: 1000,
        },
        restart: RestartPolicy {
            enable: true,
            minimum_wait_ms: 100,
            maximum_wait_ms: 1000,
            multiplier: 2000,
            reset_ms: 60_000,
            retries: 4,
        },
        tag: 2,
    }
}
