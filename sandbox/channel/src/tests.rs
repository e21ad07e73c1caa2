//! What a channel promises, on real sockets

use std::fs::File;
use std::io::{IoSlice, PipeReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use limen_proto::frame::FrameError;
use limen_proto::limits::FRAME_DESCRIPTORS;
use rustix::net::SendFlags;

use crate::{Buffer, Channel, ChannelError, Listener, inherited};

fn pair() -> (Channel<64>, Channel<64>) {
    Channel::pair().unwrap()
}

/// End of file at the reader proves that no copy of the writer is left in this process.
fn assert_all_closed(mut reader: PipeReader) {
    rustix::io::ioctl_fionbio(&reader, true).unwrap();
    assert_eq!(reader.read(&mut [0]).unwrap(), 0, "a descriptor leaked");
}

#[test]
fn a_frame_arrives_with_its_descriptors() {
    let (left, right) = pair();
    let (mut reader, writer) = std::io::pipe().unwrap();
    left.send(&(7u8, "seven"), &[writer.as_fd(), left.as_fd()])
        .unwrap();
    drop(writer);
    let mut buffer = Buffer::new();
    let (message, descriptors) = right
        .receive::<(u8, &str)>(&mut buffer)
        .unwrap()
        .expect("the peer lives");
    assert_eq!(message, (7, "seven"));
    assert_eq!(descriptors.len(), 2);
    for descriptor in &descriptors {
        let flags = rustix::io::fcntl_getfd(descriptor).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }
    let mut descriptors = descriptors.into_iter();
    let mut writer = File::from(descriptors.next().unwrap());
    writer.write_all(b"same pipe").unwrap();
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "same pipe");
}

#[test]
fn hang_up_is_none_behind_what_was_sent() {
    let (left, right) = pair();
    // Unread frames at the side that closes make the kernel say ECONNRESET first.
    right.send(&0u8, &[]).unwrap();
    left.send(&1u8, &[]).unwrap();
    drop(left);
    let mut buffer = Buffer::new();
    assert_eq!(right.receive::<u8>(&mut buffer).unwrap().unwrap().0, 1);
    assert!(right.receive::<u8>(&mut buffer).unwrap().is_none());
    assert_eq!(right.send(&1u8, &[]), Err(ChannelError::HungUp));
}

#[test]
fn nothing_there_is_not_a_hang_up() {
    let (left, right) = pair();
    let mut buffer = Buffer::new();
    assert_eq!(
        right.try_receive::<u8>(&mut buffer).unwrap_err(),
        ChannelError::WouldBlock
    );
    while left.try_send(&1u8, &[]).is_ok() {}
    assert_eq!(left.try_send(&1u8, &[]), Err(ChannelError::WouldBlock));
}

#[test]
fn what_was_cut_short_is_refused_and_leaks_nothing() {
    let (left, right) = pair();
    let mut buffer = Buffer::new();
    rustix::net::send(&left, &[1; 65], SendFlags::empty()).unwrap();
    assert_eq!(
        right.receive::<u8>(&mut buffer).unwrap_err(),
        ChannelError::TooLong
    );

    // A peer with a larger idea of a frame: more descriptors than the protocol allows.
    let (reader, writer) = std::io::pipe().unwrap();
    let many = vec![writer.as_fd(); FRAME_DESCRIPTORS + 4];
    let mut space =
        [core::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FRAME_DESCRIPTORS + 4))];
    let mut ancillary = rustix::net::SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(rustix::net::SendAncillaryMessage::ScmRights(&many)));
    let packet = [IoSlice::new(&[1, 5])];
    rustix::net::sendmsg(&left, &packet, &mut ancillary, SendFlags::empty()).unwrap();
    assert_eq!(
        right.receive::<u8>(&mut buffer).unwrap_err(),
        ChannelError::Descriptors
    );
    drop(writer);
    assert_all_closed(reader);

    // Still in step.
    left.send(&3u8, &[]).unwrap();
    assert_eq!(right.receive::<u8>(&mut buffer).unwrap().unwrap().0, 3);
}

#[test]
fn a_frame_is_taken_into_memory_of_its_own_size() {
    let (left, right) = Channel::<8192>::pair().unwrap();
    let wait = |end: &Channel<8192>| end.try_take::<u8>().unwrap_err();
    assert_eq!(wait(&right), ChannelError::WouldBlock);
    let (reader, writer) = std::io::pipe().unwrap();
    let words = vec!["word"; 1500];
    left.try_send(&words, &[writer.as_fd()]).unwrap();
    left.try_send(&5u8, &[]).unwrap();
    let (taken, descriptors) = right.try_take::<Vec<String>>().unwrap().unwrap();
    assert_eq!(taken, words);
    assert_eq!(descriptors.len(), 1);
    drop((writer, descriptors));
    assert_all_closed(reader);
    assert_eq!(right.try_take::<u8>().unwrap().unwrap().0, 5);
    // Larger than the protocol allows: not sent by us, and refused from others, still in step.
    let refused = left.try_send(&[1u8; 8192][..], &[]);
    assert_eq!(refused, Err(ChannelError::Frame(FrameError::TooLarge)));
    rustix::net::send(&left, &[1; 9000], SendFlags::empty()).unwrap();
    assert_eq!(wait(&right), ChannelError::TooLong);
    assert_eq!(wait(&right), ChannelError::WouldBlock);
    drop(left);
    assert!(right.try_take::<u8>().unwrap().is_none());
}

#[test]
fn a_frame_of_another_protocol_is_the_peers_fault() {
    let (left, right) = pair();
    let (reader, writer) = std::io::pipe().unwrap();
    left.send(&"not a number", &[writer.as_fd()]).unwrap();
    drop(writer);
    assert_eq!(
        right.receive::<u8>(&mut Buffer::new()).unwrap_err(),
        ChannelError::Frame(FrameError::Trailing(12))
    );
    assert_all_closed(reader);
    rustix::net::send(&left, &[99, 1], SendFlags::empty()).unwrap();
    assert_eq!(
        right.receive::<u8>(&mut Buffer::new()).unwrap_err(),
        ChannelError::Frame(FrameError::Version(99))
    );
    assert_eq!(
        left.send(&[0u8; 64][..], &[]),
        Err(ChannelError::Frame(FrameError::TooLarge))
    );
}

#[test]
fn a_listener_hands_out_channels() {
    let folder = std::env::temp_dir().join(format!("limen-channel-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("socket");
    let listener = Listener::<64>::bind(&path, 4).unwrap();
    listener.set_nonblocking().unwrap();
    assert_eq!(listener.accept().unwrap_err(), ChannelError::WouldBlock);
    let client = Channel::<64>::connect(&path).unwrap();
    let server = listener.accept().unwrap();
    client.send("hello", &[]).unwrap();
    let mut buffer = Buffer::new();
    assert_eq!(
        server.receive::<&str>(&mut buffer).unwrap().unwrap().0,
        "hello"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn an_inherited_number_becomes_a_descriptor_of_the_same_file() {
    let (left, right) = pair();
    let copy = Channel::<64>::from(inherited(left.as_raw_fd()).unwrap());
    copy.send(&9u8, &[]).unwrap();
    assert_eq!(
        right.receive::<u8>(&mut Buffer::new()).unwrap().unwrap().0,
        9
    );
    let gone = OwnedFd::from(left).as_raw_fd();
    assert!(inherited(gone + 4000).is_err());
}
