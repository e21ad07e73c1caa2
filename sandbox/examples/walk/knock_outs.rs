//! Each wall taken away in turn: the attack that it stops must then succeed
//!
//! limen-jail itself is not changed. It is started behind a filter for which single system calls of it
//! succeed without being made, so one layer is missing and all others stand. A wall that two layers
//! hold is tried with each of them missing, where it must still hold, and with both.
//!
//! Not here: what a cgroup or a quota holds (`bounds`), attributes of mounts (`remount`), and those parts
//! of mounts and identity whose next step fails without them, so that nothing is executed at all;
//! `src/walls.rs` takes these away in processes of its own.

use std::sync::Mutex;

use limen_proto::id::Slot;
use limen_proto::jail::Answer;
use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

use crate::bundle::{run_bundle, spec};
use crate::expect;
use crate::vgw::Vgw;

/// A call that is not made; where an argument is given, only with that value.
pub(crate) type Skipped = (i64, Option<(u8, u64)>);

const FILTER: Skipped = (libc::SYS_seccomp, None);
pub(crate) const LANDLOCK: Skipped = (libc::SYS_landlock_restrict_self, None);
const NEW_CODE: Skipped = (libc::SYS_prctl, Some((0, 65)));
const GROUP: Skipped = (libc::SYS_setresgid, None);
/// Setting one asks for nothing back; the program inherits this filter, and asks.
const LIMITS: Skipped = (libc::SYS_prlimit64, Some((3, 0)));
const DESCRIPTORS: Skipped = (libc::SYS_close_range, None);

/// One wall.
struct Wall {
    /// Its name, and the cases of the catalogue that its attack is one of.
    name: &'static str,
    /// What the attacker runs.
    attack: &'static str,
    /// What it prints only when it succeeds.
    success: &'static str,
    /// The layers: each is enough, all together are the wall.
    layers: &'static [&'static [Skipped]],
    /// From which Landlock ABI on there is such a wall.
    from_abi: u8,
}

const WALLS: &[Wall] = &[
    Wall {
        name: "system-call filter (B-06)",
        attack: "adversary B-06 --exit",
        success: "attack B-06 allowed",
        layers: &[&[FILTER]],
        from_abi: 0,
    },
    Wall {
        name: "families of sockets (B-09, B-10)",
        attack: "busybox ip link",
        success: "uplink",
        layers: &[&[FILTER]],
        from_abi: 0,
    },
    Wall {
        name: "no new code (A-21)",
        attack: "adversary A-21 --exit",
        success: "attack A-21 allowed memory to write and to execute",
        layers: &[&[FILTER], &[NEW_CODE]],
        from_abi: 6,
    },
    Wall {
        name: "no new code, by the filter alone (A-21)",
        attack: "adversary A-21 --exit",
        success: "attack A-21 allowed memory to write and to execute",
        layers: &[&[FILTER, NEW_CODE]],
        from_abi: 0,
    },
    Wall {
        name: "declared ports (B-12)",
        attack: "adversary B-12 --exit",
        success: "attack B-12 allowed",
        layers: &[&[LANDLOCK]],
        from_abi: 4,
    },
    Wall {
        name: "a group of its own (A-02)",
        attack: "cat /etc/nobody",
        success: "of root alone",
        layers: &[&[GROUP]],
        from_abi: 0,
    },
    Wall {
        name: "limits of a process (B-04)",
        attack: "[ $(ulimit -Hn) -gt 2000 ] && echo MORE",
        success: "MORE",
        layers: &[&[LIMITS]],
        from_abi: 0,
    },
    Wall {
        name: "no inherited descriptors (A-14)",
        attack: "ls -l /proc/self/fd",
        success: "/sys/fs/cgroup",
        layers: &[&[DESCRIPTORS]],
        from_abi: 0,
    },
];

/// Word that makes this program a limen-jail for which some system calls do nothing.
pub(crate) const SKIP: &str = "skip";

/// What the next limen-jail shall skip, as text for its command line.
pub(crate) static SKIPPED: Mutex<String> = Mutex::new(String::new());

/// Every wall: whole, with each layer missing, with all of them missing.
pub(crate) fn knock_outs(slot: Slot, vgw: &Vgw, abi: u8) {
    for wall in WALLS.iter().filter(|wall| wall.from_abi <= abi) {
        let all = wall.layers.concat();
        attack(slot, vgw, wall, "whole", &[], false);
        for (place, layer) in wall.layers.iter().enumerate() {
            let is_all = wall.layers.len() == 1;
            let name = format!("without layer {place}");
            attack(slot, vgw, wall, &name, layer, is_all);
        }
        if wall.layers.len() > 1 {
            attack(slot, vgw, wall, "without any layer", &all, true);
        }
    }
}

fn attack(slot: Slot, vgw: &Vgw, wall: &Wall, how: &str, skipped: &[Skipped], succeeds: bool) {
    let words: Vec<_> = skipped.iter().map(text).collect();
    *SKIPPED.lock().unwrap() = words.join(",");
    let name = format!("{} {how}", wall.name);
    let mut attacker = spec(slot, wall.attack);
    attacker.ports.clear();
    let (text, failed) = run_bundle(slot, vgw, &name, &attacker);
    SKIPPED.lock().unwrap().clear();
    let outcome = match failed {
        Some(Answer::Failed { .. }) => format!("not built: {failed:?}"),
        _ if text.contains(wall.success) => "succeeds".to_owned(),
        _ => "fails".to_owned(),
    };
    let expected = if succeeds { "succeeds" } else { "fails" };
    expect(
        &format!("{name}: the attack {expected}"),
        outcome == expected,
        &outcome,
    );
}

pub(crate) fn text(&(number, argument): &Skipped) -> String {
    match argument {
        Some((place, value)) => format!("{number}:{place}:{value}"),
        None => number.to_string(),
    }
}

/// Becomes limen-jail with these system calls answered by success, and not made.
pub(crate) fn skip_calls(words: &str) -> ! {
    let mut rules = std::collections::BTreeMap::<i64, Vec<SeccompRule>>::new();
    for word in words.split(',') {
        let mut parts = word.split(':');
        let mut number = || parts.next().map(|part| part.parse::<u64>().unwrap());
        let call = i64::try_from(number().unwrap()).unwrap();
        let list = rules.entry(call).or_default();
        if let (Some(place), Some(value)) = (number(), number()) {
            let place = u8::try_from(place).unwrap();
            let equal = SeccompCmpOp::Eq;
            let condition =
                SeccompCondition::new(place, SeccompCmpArgLen::Dword, equal, value).unwrap();
            list.push(SeccompRule::new(vec![condition]).unwrap());
        }
    }
    crate::broken::become_jail(rules, 0)
}
