//! Sockets: families, types and options beyond ordinary Internet traffic

use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::net::UnixStream;

use super::DENIED;
use crate::attempt::{Attack, Failure, Outcome, each, refused, setup};
use crate::sys::{self, call};
use crate::world::World;

/// A family or protocol that is refused or not there.
const FAMILIES: &[i32] = &[
    libc::EPERM,
    libc::EACCES,
    libc::ENOSYS,
    libc::EAFNOSUPPORT,
    libc::EPROTONOSUPPORT,
    libc::ESOCKTNOSUPPORT,
];
const UNIX: usize = 1;
const INTERNET: usize = 2;
const INTERNET_6: usize = 10;
const STREAM: usize = 1;
const DATAGRAM: usize = 2;
const RAW: usize = 3;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        id: "B-09",
        what: "raw Internet sockets",
        walls: FAMILIES,
        attempt: |_| {
            each(
                [(INTERNET, 1), (INTERNET, 255), (INTERNET_6, 58)],
                FAMILIES,
                |(family, protocol)| socket(family, RAW, protocol),
            )
        },
    },
    Attack {
        id: "B-09",
        what: "packet sockets",
        walls: FAMILIES,
        attempt: |_| each([DATAGRAM, RAW], FAMILIES, |kind| socket(17, kind, 0x0300)),
    },
    Attack {
        id: "B-09",
        what: "every other family: AF_ALG, vsock, key, XDP, Bluetooth, CAN and the rest",
        walls: FAMILIES,
        attempt: |_| {
            let others = (3..46).filter(|family| *family != INTERNET_6);
            each(others, FAMILIES, |family| {
                each([STREAM, DATAGRAM, RAW, 5], FAMILIES, |kind| {
                    socket(family, kind, 0)
                })
            })
        },
    },
    Attack {
        id: "B-09",
        what: "MPTCP, SCTP, DCCP, UDP-Lite",
        walls: FAMILIES,
        attempt: |_| {
            let protocols = [(STREAM, 262), (STREAM, 132), (6, 33), (DATAGRAM, 136)];
            each(protocols, FAMILIES, |(kind, protocol)| {
                socket(INTERNET, kind, protocol)
            })
        },
    },
    Attack {
        id: "B-10",
        what: "netlink: route, sock_diag, xfrm, audit, netfilter, uevent, generic",
        walls: FAMILIES,
        attempt: |_| {
            each([0, 4, 6, 9, 12, 15, 16], FAMILIES, |protocol| {
                socket(16, RAW, protocol)
            })
        },
    },
    Attack {
        id: "B-10",
        what: "take the uplink down by ioctl",
        walls: DENIED,
        // Flags without IFF_UP.
        attempt: |_| change_uplink(0x8914, &[]),
    },
    Attack {
        id: "B-17",
        what: "give the uplink another hardware address by ioctl",
        walls: DENIED,
        // A family, Ethernet's, and six bytes.
        attempt: |_| change_uplink(0x8924, &[1, 0, 2, 1, 2, 3, 4, 5]),
    },
    Attack {
        id: "B-11",
        what: "socket options of the box: SO_MARK, SO_RCVBUFFORCE, SO_PRIORITY 7, IP_TRANSPARENT",
        walls: &[libc::EPERM, libc::EACCES, libc::ENOSYS],
        attempt: |_| {
            let socket = datagram()?;
            let options = [(1, 36, 1), (1, 33, 1 << 20), (1, 12, 7), (0, 19, 1)];
            each(options, DENIED, |(level, option, value)| {
                let value: i32 = value;
                let address = (&raw const value) as usize;
                let list = [sys::number(&socket), level, option, address, 4];
                call(libc::SYS_setsockopt, &list).map(drop)
            })
        },
    },
    Attack {
        id: "B-14",
        what: "abstract sockets of the box",
        walls: &[libc::ECONNREFUSED, libc::EPERM, libc::EACCES],
        attempt: abstract_sockets,
    },
    Attack {
        id: "B-14",
        what: "sockets of other units by path",
        walls: super::ABSENT,
        attempt: |_| {
            let paths = [
                "/run/limen/control",
                "/run/limen/bundle/1-0/broker",
                "/run/limen/bundle/1-1/notify",
                "/run/limen/bundle/2-0/broker",
                "/run/systemd/notify",
                "/dev/log",
            ];
            each(paths, super::ABSENT, |path| {
                UnixStream::connect(path)
                    .map(drop)
                    .map_err(|error| refused(&error))
            })
        },
    },
];

fn socket(family: usize, kind: usize, protocol: usize) -> Outcome {
    sys::own(call(libc::SYS_socket, &[family, kind, protocol])?).map(drop)
}

fn datagram() -> Result<UdpSocket, Failure> {
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).map_err(|error| setup(&error))
}

fn abstract_sockets(_: &World) -> Outcome {
    let walls = &[libc::ECONNREFUSED, libc::EPERM, libc::EACCES];
    each(
        ["limen", "limen-init", "limen/control", "/tmp/.X11-unix/X0"],
        walls,
        |name| {
            let socket = sys::own(call(libc::SYS_socket, &[UNIX, STREAM, 0])?)?;
            // struct sockaddr_un: family, NUL, name.
            let mut address = vec![0u8; 3];
            for (place, byte) in address.iter_mut().zip(1u16.to_ne_bytes()) {
                *place = byte;
            }
            address.extend(name.bytes());
            let list = [
                sys::number(&socket),
                address.as_ptr() as usize,
                address.len(),
            ];
            call(libc::SYS_connect, &list).map(drop)
        },
    )
}

/// Asks for something of the uplink by a struct ifreq: name, then the value.
fn change_uplink(command: usize, value: &[u8]) -> Outcome {
    let socket = datagram()?;
    let mut request = [0u8; 40];
    let (name, rest) = request.split_at_mut(16);
    for (place, byte) in name.iter_mut().zip(b"uplink") {
        *place = *byte;
    }
    for (place, byte) in rest.iter_mut().zip(value) {
        *place = *byte;
    }
    let address = (&raw const request) as usize;
    call(libc::SYS_ioctl, &[sys::number(&socket), command, address]).map(drop)
}
