//! Shaping: a token bucket at each end of a link
//!
//! Bits are those of Ethernet frames without preamble and checksum: 14 bytes more than the IP packet.
//! What the TCP stack hands over as one large segment is cut into frames first, if it is larger than the bucket.
//!
//! What a virtual gateway sends is held at the inner end (nothing inside can change it: the network
//! namespace belongs to the initial user namespace), what it receives at the box's end.
//! Source: Linux `net/sched/sch_tbf.c`, `include/uapi/linux/pkt_sched.h`.

use std::os::fd::BorrowedFd;

use limen_proto::contract::{Contract, Rate};
use limen_proto::id::Slot;

use crate::fault::Fault;
use crate::link::{INNER_INDEX, index, name};
use crate::message::{ACK, Batch, CREATE, REPLACE};
use crate::rtnetlink as rt;
use crate::socket::{Family, Socket};

const KIND: u16 = 1;
const OPTIONS: u16 = 2;
const TBF_PARAMETERS: u16 = 1;
const TBF_RATE64: u16 = 4;
const TBF_BURST: u16 = 6;

/// Smallest bucket, bytes: two full frames; one would be the floor.
const SMALLEST_BURST: u64 = 3200;
/// Smallest queue behind the bucket, bytes.
const SMALLEST_QUEUE: u64 = 32_768;

/// Holds both directions to the contract's rates; 0 lifts the limit.
pub(crate) fn set(slot: Slot, inside: BorrowedFd<'_>, contract: &Contract) -> Result<(), Fault> {
    let outer = Socket::open(Family::Route)?;
    change(&outer, index(slot), &name(slot), contract.download)?;
    let inner = Socket::open_inside(Family::Route, inside)?;
    change(
        &inner,
        INNER_INDEX,
        &format!("the inner end of {}", name(slot)),
        contract.upload,
    )
}

fn change(socket: &Socket, index: u32, object: &str, rate: Rate) -> Result<(), Fault> {
    let mut batch = Batch::default();
    if !rate.is_limited() {
        let fixed = rt::root_qdisc(index);
        let purpose = ("stop shaping", object.to_owned());
        batch.push(purpose, (rt::DELETE_QDISC, ACK), &fixed, |_| {});
        return match socket.execute(&batch, 1) {
            // Nothing was shaped before.
            Err(fault) if rt::NOT_SHAPED.contains(&fault.errno) => Ok(()),
            other => other,
        };
    }
    hold(&mut batch, index, object, rate);
    socket.execute(&batch, 1)
}

/// Adds to a batch what holds a device to a rate, if there is one.
pub(crate) fn hold(batch: &mut Batch, index: u32, object: &str, rate: Rate) {
    if !rate.is_limited() {
        return;
    }
    let fixed = rt::root_qdisc(index);
    let bucket = Bucket::new(rate);
    let flags = ACK | CREATE | REPLACE;
    batch.push(
        ("shape", object.to_owned()),
        (rt::NEW_QDISC, flags),
        &fixed,
        |to| {
            to.text(KIND, "tbf").nest(OPTIONS, |options| {
                options.bytes(TBF_PARAMETERS, &bucket.parameters());
                if bucket.rate > u64::from(u32::MAX) {
                    options.bytes(TBF_RATE64, &bucket.rate.to_ne_bytes());
                }
                options.native(TBF_BURST, bucket.burst);
            });
        },
    );
}

/// Sizes of a token bucket, bytes and bytes a second.
#[derive(Debug, PartialEq, Eq)]
struct Bucket {
    rate: u64,
    burst: u32,
    queue: u32,
}

impl Bucket {
    /// The contract's burst, or 4 ms of tokens (a timer tick at 250 Hz), and 100 ms of queue: one TCP connection needs a
    /// queue of its round-trip time to fill a link after each loss, and others wait behind it.
    fn new(rate: Rate) -> Self {
        let burst = u64::from(rate.burst);
        let rate = (rate.bits / 8).max(1);
        let chosen = if burst == 0 { rate / 250 } else { burst };
        let burst = chosen.max(SMALLEST_BURST);
        let queue = (burst + rate / 10).max(SMALLEST_QUEUE);
        let bounded = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
        Self {
            rate,
            burst: bounded(burst),
            queue: bounded(queue),
        }
    }

    /// `struct tc_tbf_qopt`: rate, peak rate, queue, bucket, largest packet of the peak.
    fn parameters(&self) -> [u8; 36] {
        const ETHERNET: u8 = 1;
        let mut fixed = [0; 36];
        let rate = u32::try_from(self.rate).unwrap_or(u32::MAX);
        fixed[1] = ETHERNET;
        fixed[8..12].copy_from_slice(&rate.to_ne_bytes());
        fixed[24..28].copy_from_slice(&self.queue.to_ne_bytes());
        fixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_two_frames_and_a_tick() {
        assert_eq!(
            Bucket::new(Rate::of(1_000_000)),
            Bucket {
                rate: 125_000,
                burst: 3200,
                queue: 32_768
            }
        );
        assert_eq!(Bucket::new(Rate::of(1_000_000_000)).burst, 500_000);
        assert_eq!(Bucket::new(Rate::of(1)).rate, 1);
        assert_eq!(Bucket::new(Rate::of(u64::MAX)).queue, u32::MAX);
    }
}
