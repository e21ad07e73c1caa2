//! A steward that does nothing but start hands, over and over: for soaks of init in a guest
//!
//! Put into an image in the place of limen-steward. Each hand is a whole life: cgroup, sockets,
//! limen-jail, execve(2), exit, removal. init shows its own size every thousand lives, so the
//! serial log tells whether it grows. `LIVES` ends it.

#![allow(
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    reason = "a test program may end in the middle"
)]

use std::os::fd::AsFd;

use limen_channel::{Buffer, Channel, inherited};
use limen_proto::control::{CONTROL_DESCRIPTOR, Event, Request, Verb};
use limen_proto::id::{Slot, UnitId};
use limen_proto::state::UnitState;

/// Hands at the same time.
const AT_ONCE: u8 = 4;
/// Lives in all.
const LIVES: u32 = 11_000;

fn main() {
    let control = inherited(CONTROL_DESCRIPTOR).expect("started by limen-init");
    let control = Channel::from(control);
    ask(&control, Verb::Ready, &[]);
    (0..AT_ONCE).for_each(|run| start(&control, run));
    let mut lives = 0;
    let mut buffer = Buffer::new();
    while let Ok(Some((event, _))) = control.receive::<Event>(&mut buffer) {
        match event {
            Event::Report(report) if report.state == UnitState::Idle => {
                if let UnitId::Hand(_, run) = report.unit.unit {
                    lives += 1;
                    if let (1, exit, failed) = (lives, report.exit, report.failed) {
                        println!("soak: the first hand ended: {exit:?} {failed:?}");
                    }
                    if lives < LIVES {
                        start(&control, run);
                    } else {
                        println!("soak: {lives} lives");
                        ask(&control, Verb::Shutdown { reboot: false }, &[]);
                    }
                }
            }
            Event::Reply {
                id,
                result: Err(error),
            } => println!("soak: request {id}: {error}"),
            _ => {}
        }
    }
}

/// A hand whose stream and channel have hung up already: it has nothing to do.
fn start(control: &Channel, run: u8) {
    let slot = Slot::new(1).expect("slot 1 exists");
    let (_, channel) = Channel::<1024>::pair().expect("a pair");
    let (stream, _) = std::io::pipe().expect("a pipe");
    let verb = Verb::StartHand { slot, run };
    ask(control, verb, &[channel.as_fd(), stream.as_fd()]);
}

fn ask(control: &Channel, verb: Verb, riders: &[std::os::fd::BorrowedFd<'_>]) {
    control
        .send(&Request { id: 1, verb }, riders)
        .expect("init listens");
}
