//! Talking to init and the logger, and waiting for what they say

use std::os::fd::OwnedFd;

use anyhow::{Context as _, Result, anyhow, bail};
use limen_channel::{Buffer, Channel, inherited};
use limen_proto::control::{CONTROL_DESCRIPTOR, Event, Request, UnitReport, Verb};
use limen_proto::id::UnitId;
use limen_proto::limits::LINK_FRAME;
use limen_proto::logs::{Lines, Read};
use limen_proto::state::UnitState;
use limen_proto::table::Role;

use crate::{clock, payload};

/// The steward's two links that measuring needs.
pub(crate) struct Links {
    control: Channel,
    logger: Channel<LINK_FRAME>,
    /// Number of the last line that was read.
    seen: u64,
}

impl Links {
    /// Takes the place of the steward.
    pub(crate) fn open() -> Result<Self> {
        let control = inherited(CONTROL_DESCRIPTOR).context("not started by limen-init")?;
        let control = Channel::from(control);
        send(&control, Verb::Ready)?;
        let logger = Channel::from(link(&control, Role::Logger)?);
        Ok(Self {
            control,
            logger,
            seen: 0,
        })
    }

    /// Asks init, and returns when that was, just before.
    pub(crate) fn ask(&self, verb: Verb) -> Result<u64> {
        let asked = clock::now();
        send(&self.control, verb)?;
        Ok(asked)
    }

    /// Waits until init has answered one request of this number, which no other has.
    pub(crate) fn answered(&self, number: u32, verb: Verb) -> Result<()> {
        let request = Request { id: number, verb };
        self.control.send(&request, &[])?;
        let mut buffer = Buffer::new();
        loop {
            let event = self.control.receive::<Event>(&mut buffer)?;
            match event.context("init hung up")?.0 {
                Event::Reply { id, result } if id == number => {
                    return result.map_err(|error| anyhow!("init refused: {error}"));
                }
                _ => {}
            }
        }
    }

    /// Waits until a unit is in a state; returns when that was heard.
    pub(crate) fn until(&self, unit: UnitId, state: UnitState) -> Result<u64> {
        self.wait(unit, |report| report.state == state)
    }

    /// Waits until a spare of a unit stands ready.
    pub(crate) fn spare(&self, unit: UnitId) -> Result<u64> {
        self.wait(unit, |report| {
            report.spare && report.state == UnitState::Active
        })
    }

    /// Waits until a virtual gateway is parked.
    pub(crate) fn parked(&self, unit: UnitId) -> Result<u64> {
        self.wait(unit, |report| {
            report.spare && report.state == UnitState::Idle
        })
    }

    /// Waits until a unit was restarted so many times; returns when that was heard.
    pub(crate) fn restarted(&self, unit: UnitId, times: u32) -> Result<u64> {
        self.wait(unit, |report| report.restarts >= times)
    }

    fn wait(&self, unit: UnitId, enough: impl Fn(&UnitReport) -> bool) -> Result<u64> {
        let mut buffer = Buffer::new();
        loop {
            let event = self.control.receive::<Event>(&mut buffer)?;
            match event.context("init hung up")?.0 {
                Event::Report(report) if report.unit.unit == unit => {
                    if let Some((step, errno)) = report.failed {
                        bail!("unit {unit}: step {step:?} failed with errno {errno}");
                    }
                    if enough(&report) {
                        return Ok(clock::now());
                    }
                }
                Event::Reply {
                    result: Err(error), ..
                } => bail!("init refused: {error}"),
                _ => {}
            }
        }
    }

    /// Waits for the next line that a payload of the unit prints when it begins: the time in it.
    pub(crate) fn first(&mut self, unit: UnitId) -> Result<u64> {
        let mut buffer = Buffer::new();
        loop {
            let read = Read {
                id: 1,
                unit,
                after: self.seen,
                limit: 1,
            };
            self.logger.send(&read, &[])?;
            let lines = self.logger.receive::<Lines>(&mut buffer)?;
            match lines.context("the logger hung up")?.0.lines.first() {
                Some(line) => {
                    self.seen = line.number;
                    if let Some((first, _)) = payload::read(&line.text) {
                        return Ok(first);
                    }
                    println!("probe: the payload says: {}", line.text);
                }
                None => clock::settle(1),
            }
        }
    }
}

fn send(control: &Channel, verb: Verb) -> Result<()> {
    control.send(&Request { id: 1, verb }, &[])?;
    Ok(())
}

/// Waits for the link to a core unit.
fn link(control: &Channel, to: Role) -> Result<OwnedFd> {
    let mut buffer = Buffer::new();
    loop {
        let event = control.receive::<Event>(&mut buffer)?;
        let (event, descriptors) = event.context("init hung up")?;
        if matches!(event, Event::Link { peer } if peer == to) {
            let socket = descriptors.into_iter().next();
            return socket.context("a link without a socket");
        }
    }
}
