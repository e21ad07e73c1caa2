//! What a link costs: on the clock of this walk's guest a nanosecond is an instruction
//!
//! Told, not judged: budgets are the bench's.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use limen_net::{adjust, build, counters, destroy};

use crate::ground::{contract, slot};
use crate::space::Space;

const SAMPLES: usize = 20;

/// Prints the least of some samples.
pub(crate) fn tell() {
    let (wish, other) = (
        contract(10_000_000, 10_000_000),
        contract(5_000_000, 5_000_000),
    );
    let mut least = [Duration::MAX; 4];
    for _ in 0..SAMPLES {
        let space = Space::fresh();
        let (slot, inside) = (slot(5), space.as_fd());
        let steps: [&dyn Fn(); 4] = [
            &|| build(slot, inside, &wish, false).unwrap(),
            &|| adjust(slot, inside, &other).unwrap(),
            &|| assert!(counters(slot, None).is_ok()),
            &|| assert!(destroy(slot).is_ok()),
        ];
        for (least, step) in least.iter_mut().zip(steps) {
            let begun = Instant::now();
            step();
            *least = begun.elapsed().min(*least);
        }
    }
    let [built, adjusted, counted, destroyed] = least.map(|time| time.as_nanos());
    println!(
        "wires: least of {SAMPLES}: build {built}, adjust {adjusted}, count {counted}, destroy {destroyed}"
    );
}
