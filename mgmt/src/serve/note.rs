//! Events that only this program sees, told to the steward
//!
//! A bucket holds a few notes and refills slowly: a flood of strangers costs the audit a line now and
//! then, which says how many it stands for.

use std::cell::RefCell;
use std::net::IpAddr;
use std::time::Duration;

use limen_proto::manage::{Caller, Verb};
use tokio::time::Instant;

use crate::steward::Steward;

/// Notes that may follow each other at once.
const BURST: u32 = 8;
/// Time that brings one more.
const REFILL: Duration = Duration::from_secs(10);

/// The bucket: a pure core, told the time.
struct Bucket {
    notes: u32,
    counted: Instant,
    left_out: u64,
}

impl Bucket {
    /// Whether a note may go now, and how many were left out since the last.
    fn take(&mut self, now: Instant) -> Option<u64> {
        while self.notes < BURST && now.duration_since(self.counted) >= REFILL {
            self.notes += 1;
            self.counted += REFILL;
        }
        if self.notes == BURST {
            self.counted = now;
        }
        if self.notes == 0 {
            self.left_out += 1;
            return None;
        }
        self.notes -= 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

/// Tells the steward what happened at the door.
pub struct Notes {
    steward: Steward,
    bucket: RefCell<Bucket>,
}

impl Notes {
    /// Notes for this steward.
    pub fn new(steward: Steward) -> Self {
        let bucket = Bucket {
            notes: BURST,
            counted: Instant::now(),
            left_out: 0,
        };
        Self {
            steward,
            bucket: RefCell::new(bucket),
        }
    }

    /// A connection was refused before any request.
    pub fn refused(&self, address: IpAddr, reason: &str) {
        let text = format!(
            "connection from {} refused: {reason}",
            address.to_canonical()
        );
        self.tell(text);
    }

    /// Something else worth recording. The text holds nothing that a stranger wrote.
    pub fn tell(&self, mut text: String) {
        let Some(left_out) = self.bucket.borrow_mut().take(Instant::now()) else {
            return;
        };
        if left_out > 0 {
            text.push_str(&format!(" ({left_out} earlier events were left out)"));
        }
        eprintln!("{text}");
        let steward = self.steward.clone();
        tokio::task::spawn_local(async move {
            // Without a steward there is no audit to write to; the log has it.
            let _ = steward.call(&Caller::Management, Verb::Note { text }).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_a_few_notes_with_a_count() {
        let start = Instant::now();
        let mut bucket = Bucket {
            notes: BURST,
            counted: start,
            left_out: 0,
        };
        let passed = (0..1000).filter(|_| bucket.take(start).is_some()).count();
        assert_eq!(passed, BURST as usize);
        assert_eq!(bucket.take(start + REFILL), Some(1000 - u64::from(BURST)));
        assert_eq!(bucket.take(start + REFILL), None);
        let later = start + REFILL * 1000;
        let passed = (0..1000).filter(|_| bucket.take(later).is_some()).count();
        assert_eq!(passed, BURST as usize, "the bucket does not overflow");
    }
}
