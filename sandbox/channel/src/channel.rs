//! A connected packet socket whose frames have a fixed maximum
//!
//! The maximum is part of the type: both buffers of a protocol have its size, and a sender finds
//! out that a message is too large before the kernel does.

use core::mem::MaybeUninit;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

use limen_proto::frame::{self, FrameError};
use limen_proto::limits::{CONTROL_FRAME, FRAME_DESCRIPTORS};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketAddrUnix, SocketFlags,
    SocketType,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::ChannelError;

/// Descriptors that rode on one frame, in the sender's order, each close-on-exec.
pub type Descriptors = heapless::Vec<OwnedFd, FRAME_DESCRIPTORS>;

/// Room for one frame of at most `N` bytes. A received message may borrow from it.
#[derive(Debug)]
pub struct Buffer<const N: usize = CONTROL_FRAME>([u8; N]);

impl<const N: usize> Buffer<N> {
    /// An empty buffer.
    pub const fn new() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Default for Buffer<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// A connected AF_UNIX SOCK_SEQPACKET socket whose frames have at most `N` bytes.
///
/// Dropping it is the hang-up that the peer sees.
#[derive(Debug)]
pub struct Channel<const N: usize = CONTROL_FRAME>(OwnedFd);

impl<const N: usize> Channel<N> {
    /// Two connected ends, close-on-exec, blocking.
    ///
    /// # Errors
    /// Descriptors or memory ran out.
    pub fn pair() -> Result<(Self, Self), ChannelError> {
        let (left, right) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Self(left), Self(right)))
    }

    /// Connects to a listening packet socket.
    ///
    /// # Errors
    /// Nobody listens at that path, or its backlog is full.
    pub fn connect(path: &Path) -> Result<Self, ChannelError> {
        let socket = rustix::net::socket_with(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let address = SocketAddrUnix::new(path)?;
        rustix::io::retry_on_intr(|| rustix::net::connect(&socket, &address))?;
        Ok(Self(socket))
    }

    /// Sends one frame, waiting for room.
    ///
    /// # Errors
    /// The message is too large, or the peer hung up. Nothing is half sent.
    pub fn send<T: Serialize + ?Sized>(
        &self,
        message: &T,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), ChannelError> {
        self.transmit(message, descriptors, SendFlags::NOSIGNAL)
    }

    /// Sends one frame, or says [`ChannelError::WouldBlock`].
    ///
    /// # Errors
    /// As [`Channel::send`].
    pub fn try_send<T: Serialize + ?Sized>(
        &self,
        message: &T,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), ChannelError> {
        self.transmit(
            message,
            descriptors,
            SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
        )
    }

    fn transmit<T: Serialize + ?Sized>(
        &self,
        message: &T,
        descriptors: &[BorrowedFd<'_>],
        flags: SendFlags,
    ) -> Result<(), ChannelError> {
        if N <= CONTROL_FRAME {
            // PID 1 is among these, which has no heap.
            let mut bytes = [0; CONTROL_FRAME];
            let room = bytes.get_mut(..N).ok_or(ChannelError::TooLong)?;
            return self.submit(frame::encode(message, room)?, descriptors, flags);
        }
        // Most messages are far smaller than the largest, and a stack keeps the pages that it once had.
        let length = frame::length(message)?;
        if length > N {
            return Err(FrameError::TooLarge.into());
        }
        let mut bytes = vec![0; length];
        self.submit(frame::encode(message, &mut bytes)?, descriptors, flags)
    }

    fn submit(
        &self,
        bytes: &[u8],
        descriptors: &[BorrowedFd<'_>],
        flags: SendFlags,
    ) -> Result<(), ChannelError> {
        let packet = [IoSlice::new(bytes)];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FRAME_DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors))
        {
            return Err(ChannelError::Descriptors);
        }
        rustix::io::retry_on_intr(|| {
            rustix::net::sendmsg(&self.0, &packet, &mut ancillary, flags)
        })?;
        Ok(())
    }

    /// Receives one frame with its descriptors, waiting for it. `None` is the hang-up.
    ///
    /// # Errors
    /// The frame was refused. The socket is still in step: the next call reads the next frame.
    pub fn receive<'a, T: Deserialize<'a>>(
        &self,
        buffer: &'a mut Buffer<N>,
    ) -> Result<Option<(T, Descriptors)>, ChannelError> {
        self.take(buffer, RecvFlags::CMSG_CLOEXEC)
    }

    /// Receives one frame, or says [`ChannelError::WouldBlock`]. `None` is the hang-up.
    ///
    /// # Errors
    /// As [`Channel::receive`].
    pub fn try_receive<'a, T: Deserialize<'a>>(
        &self,
        buffer: &'a mut Buffer<N>,
    ) -> Result<Option<(T, Descriptors)>, ChannelError> {
        self.take(buffer, RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT)
    }

    /// The same, into memory that is as large as the frame and gone with it: for links whose frames
    /// are mostly far smaller than their largest.
    ///
    /// # Errors
    /// As [`Channel::receive`].
    pub fn try_take<T: DeserializeOwned>(&self) -> Result<Option<(T, Descriptors)>, ChannelError> {
        let look = RecvFlags::PEEK | RecvFlags::TRUNC | RecvFlags::DONTWAIT;
        let length = loop {
            match rustix::net::recv(&self.0, &mut [0; 1], look) {
                Err(Errno::INTR | Errno::CONNRESET) => {}
                Err(Errno::NOTCONN) => return Ok(None),
                other => break other?.1,
            }
        };
        let mut bytes = vec![0; length.min(N)];
        let mut descriptors = Descriptors::new();
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let length = self.packet(&mut bytes, &mut descriptors, flags)?;
        match bytes.get(..length) {
            None => Err(ChannelError::TooLong),
            Some([]) => Ok(None),
            Some(bytes) => Ok(Some((frame::decode(bytes)?, descriptors))),
        }
    }

    fn take<'a, T: Deserialize<'a>>(
        &self,
        buffer: &'a mut Buffer<N>,
        flags: RecvFlags,
    ) -> Result<Option<(T, Descriptors)>, ChannelError> {
        let mut descriptors = Descriptors::new();
        let length = self.packet(&mut buffer.0, &mut descriptors, flags)?;
        let bytes = buffer.0.get(..length).ok_or(ChannelError::TooLong)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        Ok(Some((frame::decode(bytes)?, descriptors)))
    }

    fn packet(
        &self,
        bytes: &mut [u8],
        descriptors: &mut Descriptors,
        flags: RecvFlags,
    ) -> Result<usize, ChannelError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FRAME_DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut slices = [IoSliceMut::new(bytes)];
        let received = loop {
            match rustix::net::recvmsg(&self.0, &mut slices, &mut ancillary, flags) {
                // ECONNRESET says that the peer closed with frames of ours unread. It is told
                // once; frames that the peer sent before are still there, then end of file.
                Err(Errno::INTR | Errno::CONNRESET) => {}
                Err(Errno::NOTCONN) => return Ok(0),
                other => break other?,
            }
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(passed) = message {
                for descriptor in passed {
                    // One control message of at most FRAME_DESCRIPTORS fits the space: the
                    // vector has room for all that could arrive.
                    let _ = descriptors.push(descriptor);
                }
            }
        }
        if received.flags.contains(ReturnFlags::TRUNC) {
            return Err(ChannelError::TooLong);
        }
        if received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(ChannelError::Descriptors);
        }
        Ok(received.bytes)
    }

    /// Ends the conversation in both directions, for every holder of either end.
    ///
    /// # Errors
    /// The socket is not connected.
    pub fn shutdown(&self) -> Result<(), ChannelError> {
        Ok(rustix::net::shutdown(&self.0, Shutdown::Both)?)
    }

    /// A second descriptor of the same end.
    ///
    /// # Errors
    /// Descriptors ran out.
    pub fn duplicate(&self) -> Result<Self, ChannelError> {
        let copy = rustix::io::fcntl_dupfd_cloexec(&self.0, 0)?;
        Ok(Self(copy))
    }
}

impl<const N: usize> AsFd for Channel<N> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl<const N: usize> AsRawFd for Channel<N> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl<const N: usize> From<OwnedFd> for Channel<N> {
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

impl<const N: usize> From<Channel<N>> for OwnedFd {
    fn from(channel: Channel<N>) -> Self {
        channel.0
    }
}
