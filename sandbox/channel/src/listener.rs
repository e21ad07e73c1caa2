//! A listening packet socket
//!
//! Identity on the box is the socket on which a peer arrived, so a listener is made for one peer
//! and put where only that peer can name it.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

use limen_proto::limits::CONTROL_FRAME;
use rustix::fs::Mode;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::channel::Channel;
use crate::error::ChannelError;

/// A listening AF_UNIX SOCK_SEQPACKET socket.
#[derive(Debug)]
pub struct Listener<const N: usize = CONTROL_FRAME>(OwnedFd);

impl<const N: usize> Listener<N> {
    /// Makes the socket file (mode 0666: who can name it may connect) and listens there with room
    /// for `backlog` connections that nobody accepted yet.
    ///
    /// # Errors
    /// The file exists already, or its directory does not.
    pub fn bind(path: &Path, backlog: i32) -> Result<Self, ChannelError> {
        let socket = rustix::net::socket_with(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
        rustix::fs::chmod(path, Mode::from_raw_mode(0o666))?;
        rustix::net::listen(&socket, backlog)?;
        Ok(Self(socket))
    }

    /// The next peer, waiting for it. Its channel is blocking.
    ///
    /// # Errors
    /// Descriptors ran out, or (on a non-blocking socket) [`ChannelError::WouldBlock`].
    pub fn accept(&self) -> Result<Channel<N>, ChannelError> {
        let socket =
            rustix::io::retry_on_intr(|| rustix::net::accept_with(&self.0, SocketFlags::CLOEXEC))?;
        Ok(Channel::from(socket))
    }

    /// Makes [`Listener::accept`] say [`ChannelError::WouldBlock`] instead of waiting. The mode
    /// belongs to the socket: every holder of it sees the change.
    ///
    /// # Errors
    /// None that a socket knows.
    pub fn set_nonblocking(&self) -> Result<(), ChannelError> {
        Ok(rustix::io::ioctl_fionbio(&self.0, true)?)
    }
}

impl<const N: usize> AsFd for Listener<N> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl<const N: usize> AsRawFd for Listener<N> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl<const N: usize> From<OwnedFd> for Listener<N> {
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

impl<const N: usize> From<Listener<N>> for OwnedFd {
    fn from(listener: Listener<N>) -> Self {
        listener.0
    }
}
