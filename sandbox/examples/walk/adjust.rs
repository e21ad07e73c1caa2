//! Another contract for a virtual gateway that runs: what the kernel holds afterwards

use std::fs;
use std::os::fd::AsFd;

use limen_proto::contract::{Contract, Guarantees, Limits, Rate};
use limen_proto::id::{BundleIndex, Slot};
use limen_proto::jail::{Answer, Task};
use limen_proto::spec::{BundleShare, Storage};

use crate::expect;
use crate::guest::{CGROUP, Job, cgroup};
use crate::vgw::{Vgw, contract};

/// Every key at once, then none of what can be left out; the bundle's share with it.
pub(crate) fn adjust(slot: Slot, vgw: &Vgw) {
    let index = BundleIndex::new(5).unwrap();
    // The leaf of a bundle that runs.
    let leaf = cgroup("vgw-1/b5");
    let mut tight = contract();
    tight.upload = Rate::of(1_000_000);
    tight.guarantees.memory = 4 << 20;
    tight.limits = Limits {
        cpu_percent: 30,
        cpu_burst_ms: 30,
        cpu_weight: 77,
        memory_high: 24 << 20,
        processes: 70,
        read_rate: 1 << 20,
        write_rate: 2 << 20,
        ..tight.limits
    };
    let mut share = BundleShare {
        index,
        limits: Limits {
            memory: 8 << 20,
            processes: 9,
            ..tight.limits
        },
        guarantees: Guarantees {
            cpu_percent: 0,
            memory: 4 << 20,
        },
        storage: Storage::default(),
    };
    run("tightened", slot, vgw, &tight, share);
    for (file, wanted) in [
        ("vgw-1/cpu.max", "30000 100000"),
        ("vgw-1/cpu.max.burst", "30000"),
        ("vgw-1/cpu.weight", "77"),
        ("vgw-1/memory.max", "33554432"),
        ("vgw-1/memory.high", "25165824"),
        ("vgw-1/memory.min", "4194304"),
        ("vgw-1/memory.swap.max", "0"),
        ("vgw-1/pids.max", "70"),
        ("vgw-1/io.max", "rbps=1048576 wbps=2097152"),
        ("vgw-1/b5/memory.max", "8388608"),
        ("vgw-1/b5/memory.min", "4194304"),
        ("vgw-1/b5/memory.oom.group", "1"),
        ("vgw-1/b5/pids.max", "9"),
    ] {
        holds(file, wanted);
    }
    // A quota below the burst that is in force, in one step.
    tight.limits.cpu_percent = 10;
    tight.limits.cpu_burst_ms = 10;
    run("tightened more", slot, vgw, &tight, share);
    holds("vgw-1/cpu.max", "10000 100000");
    holds("vgw-1/cpu.max.burst", "10000");

    let loose = contract();
    share.limits = loose.limits;
    run("loosened", slot, vgw, &loose, share);
    for (file, wanted) in [
        ("vgw-1/cpu.max", "50000 100000"),
        ("vgw-1/cpu.max.burst", "0"),
        ("vgw-1/cpu.weight", "100"),
        ("vgw-1/memory.high", "31457280"),
        ("vgw-1/memory.min", "0"),
        ("vgw-1/pids.max", "64"),
        ("vgw-1/io.max", ""),
        ("vgw-1/b5/pids.max", "64"),
    ] {
        holds(file, wanted);
    }
    drop(leaf);
    fs::remove_dir(format!("{CGROUP}/vgw-1/b5")).unwrap();
    run(
        "adjusted beside a bundle that ended",
        slot,
        vgw,
        &loose,
        share,
    );
}

fn run(what: &str, slot: Slot, vgw: &Vgw, contract: &Contract, share: BundleShare) {
    change(what, slot, vgw, contract, &[share]);
}

/// Gives a virtual gateway another contract.
pub(crate) fn change(
    what: &str,
    slot: Slot,
    vgw: &Vgw,
    contract: &Contract,
    shares: &[BundleShare],
) {
    let task = Task::Adjust {
        slot,
        contract: contract.clone(),
        shares: heapless::Vec::from_slice(shares).unwrap(),
    };
    let answer = Job::new("core/hand").start(&task, &[vgw.network.as_fd()]);
    expect(what, matches!(answer.0, Ok(Answer::Done)), &answer.0);
}

fn holds(file: &str, wanted: &str) {
    let text = fs::read_to_string(format!("{CGROUP}/{file}")).unwrap_or_default();
    let seen = text.trim();
    let held = match wanted {
        "" => seen.is_empty(),
        wanted => seen == wanted || (file.ends_with("io.max") && seen.contains(wanted)),
    };
    expect(&format!("{file} {wanted}"), held, &seen);
}
