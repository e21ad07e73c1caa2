//! What cgroups and quotas hold: the same program, with a bound and with more room
//!
//! A bound is no call that could be left out, it is a number. So the knock-out is a larger number: what
//! was refused must then succeed.

use limen_proto::contract::Contract;
use limen_proto::id::Slot;
use limen_proto::spec::BundleSpec;

use crate::adjust::change;
use crate::bundle::{run_bundle, spec};
use crate::expect;
use crate::vgw::{Vgw, contract};

/// One bound.
struct Bound {
    /// Its name, and the case of the catalogue.
    name: &'static str,
    /// What wants more than the bound, and prints a word only when it has it.
    greed: &'static str,
    word: &'static str,
    /// Sets the bound, and gives the room.
    tight: fn(&mut BundleSpec),
    wide: fn(&mut BundleSpec),
}

const BOUNDS: &[Bound] = &[
    Bound {
        name: "processes (C-01)",
        greed: "i=0; while [ $i -lt 30 ]; do sleep 1 & i=$((i+1)); done; echo LOOPED",
        word: "LOOPED",
        tight: |spec| spec.limits.processes = 20,
        wide: |spec| spec.limits.processes = 60,
    },
    Bound {
        name: "memory (C-03)",
        greed: "busybox dd if=/dev/zero of=/dev/null bs=10M count=1 && echo SURVIVED",
        word: "SURVIVED",
        tight: |spec| spec.limits.memory = 8 << 20,
        wide: |spec| spec.limits.memory = 30 << 20,
    },
    Bound {
        name: "temporary file system (C-04)",
        greed: "busybox dd if=/dev/zero of=/tmp/big bs=1M count=6 && echo FILLED",
        word: "FILLED",
        tight: |spec| spec.temporary = 4 << 20,
        wide: |spec| spec.temporary = 8 << 20,
    },
];

/// Each bound, with and without room; then the disk, which is the contract's.
pub(crate) fn bounds(slot: Slot, vgw: &Vgw) {
    for bound in BOUNDS {
        for (how, set, has) in [("", bound.tight, false), (" with room", bound.wide, true)] {
            let mut greedy = spec(slot, bound.greed);
            set(&mut greedy);
            let name = format!("{}{how}", bound.name);
            let (text, _) = run_bundle(slot, vgw, &name, &greedy);
            let had = text.contains(bound.word);
            expect(&format!("{name}: had it {has}"), had == has, &text);
        }
    }
    disk(slot, vgw);
}

/// Case C-07.
fn disk(slot: Slot, vgw: &Vgw) {
    let greedy = spec(
        slot,
        "busybox dd if=/dev/zero of=/var/lib/data/big bs=1M count=12 && echo FILLED; rm -f /var/lib/data/big",
    );
    // What the walk made before, as many files as there may be.
    let volume = format!("/data/limen/tenant/{slot}/volumes/web/data");
    for file in std::fs::read_dir(volume).unwrap().flatten() {
        let _ = std::fs::remove_file(file.path());
    }
    let fills = |name: &str| run_bundle(slot, vgw, name, &greedy).0.contains("FILLED");
    let tight = Contract {
        disk: 8 << 20,
        ..contract()
    };
    change("a smaller disk", slot, vgw, &tight, &[]);
    expect("disk (C-07): had it false", !fills("small disk"), &());
    change("the disk as before", slot, vgw, &contract(), &[]);
    expect("disk (C-07) with room: had it true", fills("disk"), &());
}
