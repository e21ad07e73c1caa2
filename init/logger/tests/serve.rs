//! The logger against sockets and pipes of a test that plays init and steward

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

use std::io::Write as _;
use std::os::fd::AsFd;
use std::thread;

use limen_channel::{Buffer, Channel};
use limen_logger::shell::{Fault, serve};
use limen_proto::control::{Event, Request, Verb};
use limen_proto::id::{Slot, UnitId};
use limen_proto::limits::LINK_FRAME;
use limen_proto::logs::{Lines, Read};
use limen_proto::table::Role;

struct Begun {
    control: Channel,
    logger: thread::JoinHandle<Fault>,
}

fn begin() -> Begun {
    let (control, theirs) = Channel::pair().unwrap();
    let logger = thread::spawn(move || serve(theirs).unwrap_err());
    let mut buffer = Buffer::new();
    let (request, _) = control.receive::<Request>(&mut buffer).unwrap().unwrap();
    assert_eq!(request.verb, Verb::Ready);
    Begun { control, logger }
}

impl Begun {
    fn source(&self, unit: UnitId) -> std::io::PipeWriter {
        let (reader, writer) = std::io::pipe().unwrap();
        let name = "web".parse().unwrap();
        let event = Event::Source { unit, name };
        self.control.send(&event, &[reader.as_fd()]).unwrap();
        writer
    }

    fn link(&self) -> Channel<LINK_FRAME> {
        let (ours, theirs) = Channel::pair().unwrap();
        let peer = Role::Steward;
        self.control
            .send(&Event::Link { peer }, &[theirs.as_fd()])
            .unwrap();
        ours
    }
}

/// Asks until `count` lines are there: the logger reads its pipes when it comes to it.
fn read(link: &Channel<LINK_FRAME>, unit: UnitId, after: u64, count: usize) -> Vec<(u64, String)> {
    let mut buffer = Buffer::new();
    loop {
        let read = Read {
            id: 4,
            unit,
            after,
            limit: 100,
        };
        link.send(&read, &[]).unwrap();
        let (answer, _) = link.receive::<Lines>(&mut buffer).unwrap().unwrap();
        assert_eq!(answer.id, 4);
        if answer.lines.len() >= count {
            let lines = answer.lines.into_iter();
            return lines.map(|line| (line.number, line.text)).collect();
        }
    }
}

#[test]
fn what_a_unit_printed_can_be_read_by_number() {
    let unit = UnitId::Vgw(Slot::new(3).unwrap());
    let logger = begin();
    let mut writer = logger.source(unit);
    let link = logger.link();
    writer.write_all(b"one\ntwo\x1b[31m\n").unwrap();
    let lines = read(&link, unit, 0, 2);
    assert_eq!(lines[0], (1, "one".to_owned()));
    assert_eq!(lines[1], (2, "two\\u{1b}[31m".to_owned()));
    assert_eq!(read(&link, unit, 1, 1).len(), 1);

    // A new steward: the ring is still there, the old link is gone.
    let next = logger.link();
    assert_eq!(read(&next, unit, 0, 2).len(), 2);
    assert!(link.receive::<Lines>(&mut Buffer::new()).unwrap().is_none());

    drop(logger.control);
    assert!(matches!(logger.logger.join().unwrap(), Fault::Orphaned));
}

#[test]
fn the_ring_outlives_the_writer_and_ends_with_the_unit() {
    let unit = UnitId::Vgw(Slot::new(4).unwrap());
    let logger = begin();
    let link = logger.link();
    let mut writer = logger.source(unit);
    writer.write_all(b"last words\n").unwrap();
    assert_eq!(read(&link, unit, 0, 1)[0].1, "last words");
    logger
        .control
        .send(&Event::SourceEnded { unit }, &[])
        .unwrap();
    // A broken pipe proves that the logger has closed its end.
    while writer.write_all(b"x\n").is_ok() {}
    assert!(read(&link, unit, 0, 0).is_empty());
}
