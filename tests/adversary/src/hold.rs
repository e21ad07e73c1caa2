//! Memory that is held, and whether it stays: what a guarantee is worth while others take all

use std::time::Duration;

/// How often what is held is touched again.
const ROUND: Duration = Duration::from_millis(500);
const PAGE: usize = 4096;

/// Holds so many MiB for ever, and uses them.
pub(crate) fn run(mebibytes: usize) -> ! {
    let mut held = vec![0xA5_u8; mebibytes << 20];
    println!("holding {mebibytes} MiB");
    loop {
        for byte in held.iter_mut().step_by(PAGE) {
            *byte = byte.wrapping_add(1);
        }
        std::hint::black_box(&held);
        std::thread::sleep(ROUND);
    }
}
