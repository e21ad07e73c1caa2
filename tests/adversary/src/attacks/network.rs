//! Addresses that a bundle may not reach
//!
//! The targets listen: the neighbours' published servers, the management port. A refusal, a
//! silence and an unreachable network are all walls.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::attempt::{Attack, Outcome, each, refused};

const UNREACHED: &[i32] = &[
    libc::ETIMEDOUT,
    libc::ECONNREFUSED,
    libc::ENETUNREACH,
    libc::EHOSTUNREACH,
    libc::EPERM,
    libc::EACCES,
    libc::EADDRNOTAVAIL,
];
/// Longer than an answer takes on the box, in an emulator too.
const PATIENCE: Duration = Duration::from_millis(1500);
const MANAGEMENT: u16 = 8443;
const BOX: Ipv4Addr = Ipv4Addr::new(100, 96, 255, 254);
const UPLINK: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        id: "B-13",
        what: "a neighbour's address",
        walls: UNREACHED,
        attempt: |world| {
            let targets = world
                .neighbours()
                .flat_map(|address| [8080, 1883].map(|port| (address, port)));
            each(targets, UNREACHED, |(address, port)| {
                connect(address.into(), port)
            })
        },
    },
    Attack {
        id: "B-13",
        what: "the management port on the box's end of the link",
        walls: UNREACHED,
        attempt: |_| connect(BOX.into(), MANAGEMENT),
    },
    Attack {
        id: "B-13",
        what: "the same, as a mapped IPv6 address",
        walls: UNREACHED,
        attempt: |_| connect(BOX.to_ipv6_mapped().into(), MANAGEMENT),
    },
    Attack {
        id: "B-13",
        what: "the management port on the box's uplink",
        walls: UNREACHED,
        attempt: |_| connect(UPLINK.into(), MANAGEMENT),
    },
    Attack {
        id: "B-13",
        what: "published ports on the box's uplink",
        walls: UNREACHED,
        attempt: |_| each([8080, 1883], UNREACHED, |port| connect(UPLINK.into(), port)),
    },
    Attack {
        id: "B-13",
        what: "the uplink's router and name server",
        walls: UNREACHED,
        attempt: |_| {
            let hosts = [Ipv4Addr::new(10, 0, 2, 2), Ipv4Addr::new(10, 0, 2, 3)];
            each(hosts, UNREACHED, |host| connect(host.into(), 53))
        },
    },
    Attack {
        id: "B-13",
        what: "a server on the box's loopback",
        walls: UNREACHED,
        attempt: |_| connect(Ipv4Addr::LOCALHOST.into(), MANAGEMENT),
    },
];

/// Run by name only: Landlock knows ports from ABI 4 on. Before, any port of the virtual gateway's own
/// network may be taken, and none is reachable that was not published.
pub(crate) const BIND: [Attack; 1] = [Attack {
    id: "B-12",
    what: "listen on ports that were not declared",
    walls: &[libc::EACCES, libc::EPERM],
    attempt: |_| {
        each([53, 67, 80, 9999], &[libc::EACCES, libc::EPERM], |port| {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port));
            listener.map(drop).map_err(|error| refused(&error))
        })
    },
}];

fn connect(address: IpAddr, port: u16) -> Outcome {
    match TcpStream::connect_timeout(&SocketAddr::new(address, port), PATIENCE) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            Err(crate::attempt::Failure::Refused(libc::ETIMEDOUT))
        }
        Err(error) => Err(refused(&error)),
    }
}
