//! Nothing is allocated after boot: the core, counted
//!
//! The whole life of a box runs under an allocator that counts: starts, crashes, restarts, stops,
//! the way down. Not one call may reach it. The same is shown of the shell in the guest, by a
//! resident set that stays flat over ten thousand restarts.
//!
//! A program of its own, without the test harness: the harness's other threads would be counted too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    reason = "a test that panics is a test that fails"
)]

use std::alloc::System;

use limen_init::core::effect::Effect;
use limen_init::core::supervisor::{Event, Supervisor};
use limen_proto::contract::{Contract, Guarantees, Limits};
use limen_proto::control::Verb;
use limen_proto::id::{BundleIndex, Digest, Slot, UnitRef};
use limen_proto::posture::Posture;
use limen_proto::restart::RestartPolicy;
use limen_proto::spec::{BundleSpec, Readiness, Storage, VgwSpec};
use limen_proto::state::Exit;
use limen_proto::table::{CoreUnit, Network, Role, Table};
use limen_proto::words::Words;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const LIMITS: Limits = Limits {
    memory: 1 << 20,
    processes: 8,
    ..Limits::ORDINARY
};

fn main() {
    a_whole_life_reaches_the_allocator_not_once();
    println!("1 passed, 0 failed");
}

fn a_whole_life_reaches_the_allocator_not_once() {
    let control = Region::new(COUNTED);
    let mut core = Box::new(Supervisor::new());
    assert_eq!(control.change().allocations, 1, "the allocator counts");
    let table = table();
    let mut builds = 0;
    let counted = Region::new(COUNTED);
    let mut now = 0;
    core.boot(&table, 0, now);
    core.handle(Event::Prepared, now);
    carry_out(&mut core, &mut builds, now);
    for round in 0..200 {
        for slot in 0..4 {
            start(&mut core, &mut builds, slot, now);
        }
        for _ in 0..50 {
            now += 100;
            core.handle(Event::Tick, now);
            carry_out(&mut core, &mut builds, now);
        }
        for nth in 0..6 {
            crash(&mut core, &mut builds, 7 * round + nth, now);
        }
    }
    core.handle(Event::Shutdown { reboot: true }, now);
    while !core.units().iter().all(|unit| unit.pid == 0) {
        now += 100;
        core.handle(Event::Tick, now);
        carry_out(&mut core, &mut builds, now);
    }
    let change = counted.change();
    assert_eq!(change.allocations, 0, "{change:?}");
    assert_eq!(change.reallocations, 0, "{change:?}");
    assert!(builds > 1000, "{builds} lives are no life");
}

/// Everything works at once in this world, except what is killed.
fn carry_out(core: &mut Supervisor, builds: &mut u32, now: u64) {
    while let Some(effect) = core.next_effect() {
        match effect {
            Effect::Build(life) => {
                *builds += 1;
                core.handle(
                    Event::Built {
                        life,
                        pid: 1,
                        posture: Posture::default(),
                    },
                    now,
                );
                core.handle(Event::Executed(life), now);
                core.handle(Event::Ready(life), now);
            }
            Effect::Clear(life) => {
                core.handle(Event::Ended { life, exit: None }, now);
                core.handle(Event::Emptied(life), now);
            }
            Effect::Remove(life) => core.handle(Event::Removed(life), now),
            _ => {}
        }
    }
}

fn crash(core: &mut Supervisor, builds: &mut u32, round: usize, now: u64) {
    let place = round % core.units().len();
    let life: UnitRef = core.units().get(place).expect("a unit").life();
    let exit = Some(Exit::Signal(9));
    core.handle(Event::Ended { life, exit }, now);
    carry_out(core, builds, now);
}

fn start(core: &mut Supervisor, builds: &mut u32, number: u16, now: u64) {
    let Some(steward) = core.live(Role::Steward) else {
        return;
    };
    let slot = Slot::new(number).unwrap();
    let vgw = Verb::StartVgw {
        spec: VgwSpec {
            slot,
            provider: "energy".parse().unwrap(),
            contract: contract(),
        },
        restart: RestartPolicy::CORE,
        tag: 0,
    };
    let _ = core.request(steward, vgw, 0, now);
    carry_out(core, builds, now);
    let bundle = Verb::StartBundle {
        spec: bundle(slot),
        restart: RestartPolicy::CORE,
        tag: 0,
    };
    let _ = core.request(steward, bundle, 0, now);
    let _ = core.request(steward, Verb::StartHand { slot, run: 0 }, 2, now);
    let _ = core.request(steward, Verb::List, 0, now);
    carry_out(core, builds, now);
}

fn contract() -> Contract {
    Contract {
        limits: LIMITS,
        disk: 1 << 20,
        inodes: 100,
        ..Contract::default()
    }
}

fn bundle(slot: Slot) -> BundleSpec {
    BundleSpec {
        slot,
        index: BundleIndex::new(0).unwrap(),
        name: "web".parse().unwrap(),
        digest: Digest([0; 32]),
        command: Words::collect(["/bin/busybox", "httpd"]).unwrap(),
        environment: Words::new(),
        directory: heapless::String::new(),
        user: None,
        jit: false,
        spare: false,
        limits: LIMITS,
        guarantees: Guarantees::default(),
        storage: Storage::default(),
        temporary: 0,
        volumes: heapless::Vec::new(),
        ports: heapless::Vec::new(),
        devices: heapless::Vec::new(),
        readiness: Readiness::Notify,
        ready_within_ms: 1000,
        stop_within_ms: 500,
    }
}

fn table() -> Table {
    let unit = |name: &str, role| CoreUnit {
        name: name.parse().unwrap(),
        role,
        command: Words::new(),
        environment: Words::new(),
        user: 900,
        capabilities: 0,
        network: Network::None,
        binds: heapless::Vec::new(),
        limits: LIMITS,
        restart: RestartPolicy::CORE,
        readiness: Readiness::Notify,
        ready_within_ms: 5000,
        stop_within_ms: 1000,
        watchdog_ms: 0,
        listen: 0,
    };
    Table {
        units: [
            unit("steward", Role::Steward),
            unit("broker", Role::Broker),
            unit("logger", Role::Logger),
            unit("install", Role::Install),
        ]
        .into_iter()
        .collect(),
        links: [(Role::Steward, Role::Broker)].into_iter().collect(),
        devices: heapless::Vec::new(),
        uplink: "eth0".parse().unwrap(),
        upload: 0,
        download: 0,
        connections: 0,
        watchdog: heapless::String::new(),
        built: 0,
    }
}
