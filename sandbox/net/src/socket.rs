//! A netlink socket: send a batch, check every acknowledgement
//!
//! The socket belongs to the network namespace in which it was opened, whatever its owner does
//! afterwards. A batch of rtnetlink is not a transaction: later messages run although an earlier
//! one failed, so the caller undoes by deleting the link. A batch of nfnetlink is one.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::fault::Fault;
use crate::message::{Batch, HEADER};

const MESSAGE_ERROR: u16 = 2;
const MESSAGE_DONE: u16 = 3;
/// The kernel fills at most one page and a bit per dump packet.
const RECEIVE: usize = 32 * 1024;

/// Which part of the kernel is spoken to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Family {
    /// Links, addresses, routes, queueing disciplines.
    Route,
    /// nftables.
    Netfilter,
}

/// An open netlink socket.
#[derive(Debug)]
pub(crate) struct Socket(OwnedFd);

impl Socket {
    /// Opens one in the caller's network namespace.
    pub(crate) fn open(family: Family) -> Result<Self, Fault> {
        let protocol = match family {
            // NETLINK_ROUTE is number 0, which rustix calls no protocol.
            Family::Route => None,
            Family::Netfilter => Some(rustix::net::netlink::NETFILTER),
        };
        Self::connect(protocol)
            .map(Self)
            .map_err(|errno| Fault::new("open", format!("a netlink socket ({family:?})"), errno))
    }

    /// Opens one in the network namespace `inside`; the caller is back in its own afterwards.
    pub(crate) fn open_inside(family: Family, inside: BorrowedFd<'_>) -> Result<Self, Fault> {
        let fault = |errno| Fault::new("enter", "the network namespace", errno);
        let own = rustix::fs::open(
            "/proc/thread-self/ns/net",
            rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )
        .map_err(fault)?;
        let network = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(inside, network).map_err(fault)?;
        let socket = Self::open(family);
        move_into_link_name_space(own.as_fd(), network).map_err(fault)?;
        socket
    }

    fn connect(protocol: Option<Protocol>) -> Result<OwnedFd, Errno> {
        let socket = rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            protocol,
        )?;
        rustix::net::connect(&socket, &SocketAddrNetlink::new(0, 0))?;
        Ok(socket)
    }

    /// Sends the batch and waits for `answers` acknowledgements.
    ///
    /// # Errors
    /// The first refusal, with the purpose of its message. All answers were read then.
    pub(crate) fn execute(&self, batch: &Batch, answers: usize) -> Result<(), Fault> {
        let whole = |errno| Fault::new("speak", "netlink", errno);
        rustix::net::send(&self.0, batch.bytes(), SendFlags::empty()).map_err(whole)?;
        let mut refused = None;
        let mut packet = Vec::with_capacity(RECEIVE);
        let mut seen = 0;
        while seen < answers {
            self.receive(&mut packet).map_err(whole)?;
            for message in messages(&packet) {
                if message.kind != MESSAGE_ERROR {
                    continue;
                }
                seen += 1;
                let errno = message.errno();
                if errno != 0 && refused.is_none() {
                    refused = Some((message.sequence, errno));
                }
            }
            // A refused transaction answers only with its errors.
            if refused.is_some() && self.drained() {
                break;
            }
        }
        match refused {
            None => Ok(()),
            Some((sequence, errno)) => Err(blame(batch, sequence, errno)),
        }
    }

    /// Sends a request for a dump, or one that is answered and acknowledged, and hands every message's
    /// body to `take`.
    pub(crate) fn dump(&self, batch: &Batch, mut take: impl FnMut(&[u8])) -> Result<(), Fault> {
        let whole = |errno| Fault::new("speak", "netlink", errno);
        rustix::net::send(&self.0, batch.bytes(), SendFlags::empty()).map_err(whole)?;
        let mut packet = Vec::with_capacity(RECEIVE);
        loop {
            self.receive(&mut packet).map_err(whole)?;
            for message in messages(&packet) {
                match message.kind {
                    MESSAGE_DONE => return Ok(()),
                    MESSAGE_ERROR if message.errno() == 0 => return Ok(()),
                    MESSAGE_ERROR => {
                        return Err(blame(batch, message.sequence, message.errno()));
                    }
                    _ => take(message.body),
                }
            }
        }
    }

    /// Puts the next packet in the place of what is there. Written to by the kernel alone: zeros would touch
    /// every page of it first, and most answers have 36 bytes.
    fn receive(&self, packet: &mut Vec<u8>) -> Result<(), Errno> {
        packet.clear();
        rustix::net::recv(&self.0, spare_capacity(packet), RecvFlags::empty()).map(drop)
    }

    fn drained(&self) -> bool {
        let peek = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        rustix::net::recv(&self.0, &mut [0u8; 4][..], peek) == Err(Errno::AGAIN)
    }
}

fn blame(batch: &Batch, sequence: u32, errno: i32) -> Fault {
    let errno = Errno::from_raw_os_error(errno);
    let purpose = usize::try_from(sequence)
        .ok()
        .and_then(|at| batch.purposes().get(at));
    match purpose {
        Some(purpose) => Fault::new(purpose.operation, purpose.object.clone(), errno),
        None => Fault::new("speak", "netlink", errno),
    }
}

struct Message<'a> {
    kind: u16,
    sequence: u32,
    body: &'a [u8],
}

impl Message<'_> {
    /// Positive errno of an error message; 0 is an acknowledgement.
    fn errno(&self) -> i32 {
        self.body
            .first_chunk::<4>()
            .map_or(0, |code| -i32::from_ne_bytes(*code))
    }
}

fn messages(packet: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = packet;
    std::iter::from_fn(move || {
        let head = rest.first_chunk::<HEADER>()?;
        let length = usize::try_from(u32::from_ne_bytes(*head.first_chunk::<4>()?)).ok()?;
        let message = Message {
            kind: u16::from_ne_bytes([head[4], head[5]]),
            sequence: u32::from_ne_bytes([head[8], head[9], head[10], head[11]]),
            body: rest.get(HEADER..length)?,
        };
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}
