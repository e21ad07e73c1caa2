//! Flows: tracked connections, cut by their mark
//!
//! Every connection of a virtual gateway carries a mark that says whose it is and by which published
//! port it came. Source: Linux `include/uapi/linux/netfilter/nfnetlink_conntrack.h`.

use limen_proto::contract::{Protocol, Publish};
use limen_proto::id::Slot;

use crate::fault::Fault;
use crate::link::index;
use crate::message::{ACK, Batch};
use crate::socket::Socket;

const SUBSYSTEM: u16 = 1;
const DELETE: u16 = 2;
const MARK: u16 = 8;
const MARK_MASK: u16 = 21;

/// The link's index, which is never 0.
const LINK: u32 = 0x7fff;
/// The published port is UDP's.
const UDP: u32 = 0x8000;

/// A mark, and the bits of it that count.
///
/// Bits 0 to 14 are the index of the link; of a connection that came by a published port bit 15 is set for UDP,
/// and bits 16 to 31 are the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    value: u32,
    mask: u32,
}

impl Mark {
    /// Connections that the virtual gateway began.
    pub(crate) fn own(slot: Slot) -> Self {
        Self::exactly(index(slot))
    }

    /// Connections that came by a published port.
    pub(crate) fn published(slot: Slot, publish: &Publish) -> Self {
        let udp = match publish.protocol {
            Protocol::Tcp => 0,
            Protocol::Udp => UDP,
        };
        Self::exactly(Self::own(slot).value | udp | (u32::from(publish.outside) << 16))
    }

    /// All of the virtual gateway's.
    pub(crate) fn every(slot: Slot) -> Self {
        Self {
            mask: LINK,
            ..Self::own(slot)
        }
    }

    /// The one in what the map of published ports has.
    pub(crate) fn read(data: &[u8]) -> Option<Self> {
        let value = data.last_chunk::<4>()?;
        Some(Self::exactly(u32::from_ne_bytes(*value)))
    }

    pub(crate) const fn value(self) -> u32 {
        self.value
    }

    const fn exactly(value: u32) -> Self {
        Self {
            value,
            mask: u32::MAX,
        }
    }
}

/// Forgets the connections with this mark. What still comes of them begins anew, if it may.
pub(crate) fn cut(socket: &Socket, mark: Mark) -> Result<(), Fault> {
    let mut batch = Batch::default();
    let purpose = ("cut flows marked", format!("{:#x}", mark.value));
    // Family and version of every address.
    let fixed = [0; 4];
    batch.push(purpose, ((SUBSYSTEM << 8) | DELETE, ACK), &fixed, |to| {
        to.network(MARK, mark.value).network(MARK_MASK, mark.mask);
    });
    socket.execute(&batch, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_tell_slots_transports_and_ports_apart() {
        let slot = |number| Slot::new(number).unwrap();
        let publish = |protocol, outside| Publish {
            protocol,
            outside,
            inside: 80,
        };
        let marks = [
            Mark::own(slot(0)),
            Mark::own(slot(1)),
            Mark::published(slot(1), &publish(Protocol::Tcp, 53)),
            Mark::published(slot(1), &publish(Protocol::Udp, 53)),
            Mark::published(slot(1), &publish(Protocol::Tcp, 65_535)),
            Mark::published(slot(2), &publish(Protocol::Tcp, 53)),
        ];
        for (at, mark) in marks.iter().enumerate() {
            assert_ne!(mark.value, 0, "no mark is the mark of the box's own");
            assert!(!marks[..at].contains(mark));
        }
        let every = Mark::every(slot(1));
        let mine = marks
            .iter()
            .filter(|mark| mark.value & every.mask == every.value);
        assert_eq!(mine.count(), 4);
    }
}
