//! Shaping: what passes in ten seconds, against the contract
//!
//! Bits are those of whole Ethernet frames without preamble and checksum: 14 bytes a frame more
//! than its IP packet. They are counted by the kernel at the box's end of the link. All courses are
//! run at once, so each virtual gateway is the neighbour of others that push twice what they may.

use std::time::{Duration, Instant};

use crate::expect;
use crate::ground::{Ground, Vgw, contract};
use crate::load::{Load, Sent, Way};

/// How long a rate is measured.
const WINDOW: Duration = Duration::from_secs(10);
/// Until the bucket's savings are spent and flows have found their pace.
const WARM_UP: Duration = Duration::from_secs(2);
/// Bits a second of each contract. More of them need more processor than an emulator has.
const RATE: u64 = 2_000_000;

/// What each virtual gateway does; the last has no limit, which shows that it is the limit that
/// holds the others.
const COURSES: [(Way, Load, u64); 7] = [
    (Way::Up, Load::Datagrams(64), RATE),
    (Way::Up, Load::Datagrams(1500), RATE),
    (Way::Up, Load::Flows(500), RATE),
    (Way::Down, Load::Datagrams(64), RATE),
    (Way::Down, Load::Datagrams(1500), RATE),
    (Way::Down, Load::Flows(500), RATE),
    (Way::Up, Load::Datagrams(1500), 0),
];

/// Case B-18: within 5 % of the contract, in each direction, while the neighbours push.
pub(crate) fn rates_are_kept(ground: &Ground) {
    let vgws = (1..)
        .zip(COURSES)
        .map(|(slot, (.., bits))| Vgw::new(slot, &contract(bits, bits)));
    let vgws: Vec<_> = vgws.collect();
    let courses: Vec<_> = vgws.iter().zip(COURSES).collect();
    let sent: Vec<_> = courses
        .iter()
        .map(|&(vgw, (way, load, _))| Sent::begin(ground, vgw, way, load, 2 * RATE))
        .collect();
    std::thread::sleep(WARM_UP);
    let begun = Instant::now();
    let count = || courses.iter().map(|&(vgw, (way, ..))| counted(vgw, way));
    let before: Vec<_> = count().collect();
    std::thread::sleep(WINDOW);
    let after: Vec<_> = count().collect();
    let seconds = begun.elapsed().as_secs_f64();
    drop(sent);
    for ((before, after), (way, load, bits)) in before.into_iter().zip(after).zip(COURSES) {
        let part = (after - before) as f64 * 8.0 / seconds / RATE as f64;
        let held = match bits {
            0 => part > 1.5,
            _ => (0.95..=1.05).contains(&part),
        };
        let limit = if bits == 0 { "no limit" } else { "the rate" };
        println!("wires: {way:?} {load:?} with {limit}: {part:.3} of it");
        expect(&format!("{way:?} {load:?} with {limit}"), held, &part);
    }
    for vgw in vgws {
        vgw.end();
    }
}

/// Bytes of frames that crossed the link.
fn counted(vgw: &Vgw, way: Way) -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap();
    let name = format!("vgw{}:", vgw.slot);
    let line = text
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(&name))
        .unwrap();
    let field = match way {
        Way::Up => 0,
        Way::Down => 8,
    };
    let word = line.split_whitespace().nth(field).unwrap();
    word.parse().unwrap()
}
