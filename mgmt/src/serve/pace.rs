//! How often a stranger's handshake is worked on
//!
//! A handshake costs the box a signature and a verification or two, and a stranger next to nothing. They
//! are begun at a bounded rate, in the order of arrival; whoever leaves the queue takes nothing with
//! it. At the full rate a slow core (Cortex-A53, about 2 ms each) spends a tenth of its time here.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// Time from one handshake to the next once the burst is used up.
const INTERVAL: Duration = Duration::from_millis(20);
/// Handshakes that may begin at once after a quiet time.
const BURST: u32 = 16;

/// The queue in front of the handshake.
pub(super) struct Pace(Mutex<Instant>);

impl Pace {
    /// Nobody waits.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// Waits for one's turn.
    pub(super) async fn turn(&self) {
        // The lock is fair: it is the queue. Held while waiting, so that the one who waits is the
        // only one who counts, and counts only if it is still there at the end.
        let mut free = self.0.lock().await;
        let earliest = *free - INTERVAL * BURST;
        tokio::time::sleep_until(earliest).await;
        *free = (*free).max(Instant::now()) + INTERVAL;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_a_flood_is_paced() {
        let pace = Pace::new();
        let start = Instant::now();
        for _ in 0..BURST {
            pace.turn().await;
        }
        assert!(start.elapsed() < INTERVAL);
        for _ in 0..100 {
            pace.turn().await;
        }
        assert!(start.elapsed() >= INTERVAL * 99, "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_the_queue_takes_nothing_with_it() {
        let pace = Pace::new();
        for _ in 0..BURST {
            pace.turn().await;
        }
        for _ in 0..1000 {
            let left = tokio::time::timeout(Duration::from_millis(1), pace.turn());
            let _ = left.await;
        }
        let start = Instant::now();
        pace.turn().await;
        assert!(start.elapsed() <= INTERVAL * 2, "{:?}", start.elapsed());
    }
}
