//! Sockets that init makes for its units
//!
//! Whoever arrives on a bundle's listener speaks for that bundle: each life gets its own listener
//! and its own readiness socket, in a directory that only root and the bundle's outer uid may
//! enter, and limen-jail binds the two files into the bundle's root. The management port is opened
//! once and survives its server.

use core::fmt::Write as _;
use std::os::fd::OwnedFd;

use heapless::String;
use limen_channel::{Channel, Listener};
use limen_proto::control::BUNDLE_RUN;
use limen_proto::id::{BundleIndex, Slot, UnitId};
use rustix::fs::{Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, Ipv6Addr, SocketAddrUnix, SocketAddrV6, SocketFlags, SocketType, sockopt,
};

use super::jail::errno;

/// Connections that wait for the broker to accept them.
const BACKLOG: i32 = 16;
/// Connections that wait for management to accept them.
const TCP_BACKLOG: i32 = 64;
/// Send buffer of a control socket, bytes: more than a new broker is told at once.
const CONTROL_SPACE: usize = 1 << 20;

type SocketPath = String<64>;

/// The directory with the sockets of one life of a bundle, and its number.
pub(super) struct Run {
    pub(super) directory: OwnedFd,
    number: u64,
}

/// A bundle's listener and readiness socket, and the directory that they are in.
pub(super) struct BundleSockets {
    pub(super) run: Run,
    pub(super) listener: OwnedFd,
    pub(super) readiness: OwnedFd,
}

/// The file names: also limen-jail's and every bundle's.
const BROKER: &str = "broker";
const NOTIFY: &str = "notify";

/// Makes the two sockets of one life of a bundle, in a directory of their own: whoever can name them
/// speaks for that life. Each life has another `number`.
pub(super) fn make_bundle(
    slot: Slot,
    index: BundleIndex,
    number: u64,
) -> Result<BundleSockets, Errno> {
    let unit = UnitId::Bundle(slot, index);
    let owner = index.outer_id(slot);
    let path = |file| path(unit, number, file);
    let directory = path("");
    match rustix::fs::mkdir(directory.as_str(), Mode::from_raw_mode(0o700)) {
        Ok(()) => {}
        // An earlier self's, under another init.
        Err(Errno::EXIST) => {
            remove(&path(BROKER))?;
            remove(&path(NOTIFY))?;
        }
        Err(errno) => return Err(errno),
    }
    rustix::fs::chown(
        directory.as_str(),
        Some(Uid::from_raw(owner)),
        Some(Gid::from_raw(owner)),
    )?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(directory.as_str(), flags, Mode::empty())?;
    let broker = path(BROKER);
    let listener: Listener = Listener::bind(broker.as_str().as_ref(), BACKLOG).map_err(errno)?;
    let notify = path(NOTIFY);
    let readiness = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?;
    rustix::net::bind(&readiness, &SocketAddrUnix::new(notify.as_str())?)?;
    rustix::fs::chmod(notify.as_str(), Mode::from_raw_mode(0o666))?;
    Ok(BundleSockets {
        run: Run {
            directory: opened,
            number,
        },
        listener: listener.into(),
        readiness,
    })
}

/// Removes the sockets of a bundle's life and their directory.
pub(super) fn forget_bundle(bundle: UnitId, run: &Run) {
    for name in [BROKER, NOTIFY] {
        let _ = remove(&path(bundle, run.number, name));
    }
    let _ = rustix::fs::rmdir(path(bundle, run.number, "").as_str());
}

/// A control socket: init's end and the unit's.
pub(super) fn make_control() -> Result<(Channel, Channel), Errno> {
    let (ours, theirs) = Channel::pair().map_err(errno)?;
    // Best effort: as an ordinary process without privilege the default must do.
    let _ = sockopt::set_socket_send_buffer_size_force(&ours, CONTROL_SPACE);
    Ok((ours, theirs))
}

/// The management port, on every address of the box, IPv4 and IPv6.
pub(super) fn listen(port: u16) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let open = |family| rustix::net::socket_with(family, SocketType::STREAM, flags, None);
    match open(AddressFamily::INET6) {
        Ok(socket) => {
            sockopt::set_ipv6_v6only(&socket, false)?;
            sockopt::set_socket_reuseaddr(&socket, true)?;
            let address = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0);
            rustix::net::bind(&socket, &address)?;
            rustix::net::listen(&socket, TCP_BACKLOG)?;
            Ok(socket)
        }
        // A kernel without IPv6.
        Err(Errno::AFNOSUPPORT) => {
            let socket = open(AddressFamily::INET)?;
            sockopt::set_socket_reuseaddr(&socket, true)?;
            let address = rustix::net::SocketAddrV4::new(rustix::net::Ipv4Addr::UNSPECIFIED, port);
            rustix::net::bind(&socket, &address)?;
            rustix::net::listen(&socket, TCP_BACKLOG)?;
            Ok(socket)
        }
        Err(errno) => Err(errno),
    }
}

fn path(unit: UnitId, number: u64, file: &str) -> SocketPath {
    let mut path = SocketPath::new();
    // The fixed part, three numbers of at most ten digits and a short name always fit.
    let _ = match unit {
        UnitId::Bundle(slot, index) => write!(path, "{BUNDLE_RUN}/{slot}-{index}-{number}/{file}"),
        UnitId::Core(_) | UnitId::Vgw(_) | UnitId::Hand(..) => Ok(()),
    };
    path
}

fn remove(path: &SocketPath) -> Result<(), Errno> {
    match rustix::fs::unlink(path.as_str()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}
