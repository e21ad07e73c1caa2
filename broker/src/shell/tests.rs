//! The broker on real sockets: the test is init, the steward and the bundles
//!
//! One thread turns the loop by hand, so nothing here depends on timing.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use limen_channel::{Buffer, Channel, ChannelError, Descriptors, Listener};
use limen_proto::control;
use limen_proto::grant::{Decision, Grant, Use};
use limen_proto::id::{BundleIndex, Generation, Slot, UnitId, UnitRef};
use limen_proto::limits::{CALL_FRAME, REGISTRY_FRAME};
use limen_proto::registry::{
    Answer, Caller, Event, Properties, RegistryError, Request, Verb, Version,
};
use limen_proto::table::Role;

use super::Shell;

type Line = Channel<REGISTRY_FRAME>;
type Reference = Channel<CALL_FRAME>;

const VERSION: Version = Version { major: 1, minor: 0 };
const METER: UnitRef = bundle(1, 0);
const ALARM: UnitRef = bundle(2, 0);

const fn bundle(slot: u16, index: u16) -> UnitRef {
    let (Ok(slot), Ok(index)) = (Slot::new(slot), BundleIndex::new(index)) else {
        panic!("beyond the table")
    };
    UnitRef {
        unit: UnitId::Bundle(slot, index),
        generation: Generation(1),
    }
}

/// Everything around a broker.
struct House {
    shell: Shell,
    init: Channel,
    steward: Channel,
    folder: PathBuf,
    /// What init keeps: reference, descriptor, record.
    stored: Vec<(u64, OwnedFd, control::Verb)>,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl House {
    /// A broker with two named providers, each with one bundle and its listener.
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("limen-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (init, control) = Channel::pair().unwrap();
        let (steward, _) = Channel::pair().unwrap();
        let mut house = Self {
            shell: Shell::new(control).unwrap(),
            init,
            steward,
            folder,
            stored: Vec::new(),
        };
        house.listen(METER);
        house.listen(ALARM);
        house.link(&[]);
        house
    }

    fn path(&self, unit: UnitRef) -> PathBuf {
        self.folder.join(unit.unit.to_string().replace('/', "-"))
    }

    fn listen(&self, unit: UnitRef) {
        let listener = Listener::<REGISTRY_FRAME>::bind(&self.path(unit), 8).unwrap();
        self.tell_init(&control::Event::Listener { unit }, OwnedFd::from(listener));
    }

    fn tell_init(&self, event: &control::Event, descriptor: OwnedFd) {
        use std::os::fd::AsFd;
        self.init.send(event, &[descriptor.as_fd()]).unwrap();
    }

    /// A new steward link, with these grants in force.
    fn link(&mut self, grants: &[u64]) {
        let (ours, theirs) = Channel::pair().unwrap();
        let event = control::Event::Link {
            peer: Role::Steward,
        };
        self.tell_init(&event, theirs.into());
        self.steward = ours;
        for (unit, provider, name, export) in [
            (METER, "energy", "meter", Some("energy.meter")),
            (ALARM, "alarm", "presence", None),
        ] {
            self.decide(&Decision::Provider {
                slot: unit.unit.slot().unwrap(),
                name: provider.parse().unwrap(),
            });
            self.decide(&Decision::Bundle {
                unit,
                name: name.parse().unwrap(),
                exports: export.iter().map(|name| name.parse().unwrap()).collect(),
            });
        }
        for id in grants {
            self.grant(*id);
        }
        self.decide(&Decision::Complete);
        self.settle();
    }

    fn decide(&self, decision: &Decision) {
        self.steward.send(decision, &[]).unwrap();
    }

    fn grant(&self, id: u64) {
        self.decide(&Decision::Grant(Grant {
            id,
            exporter: METER.unit.slot().unwrap(),
            interface: "energy.meter".parse().unwrap(),
            consumer: ALARM.unit.slot().unwrap(),
        }));
    }

    /// Turns the loop until nothing happens any more, and does init's part of the store.
    fn settle(&mut self) {
        for _ in 0..50 {
            self.shell.turn(Some(0)).unwrap();
            let mut buffer = Buffer::new();
            while let Ok(Some((request, descriptors))) =
                self.init.try_receive::<control::Request>(&mut buffer)
            {
                self.keep(request, descriptors);
            }
        }
    }

    fn keep(&mut self, request: control::Request, descriptors: Descriptors) {
        match &request.verb {
            control::Verb::Store { reference, .. } => {
                let end = descriptors.into_iter().next().unwrap();
                self.stored.push((*reference, end, request.verb.clone()));
            }
            control::Verb::Drop { reference } => self.stored.retain(|(id, ..)| id != reference),
            other => panic!("a broker does not ask for {other:?}"),
        }
        let reply = control::Event::Reply {
            id: request.id,
            result: Ok(()),
        };
        self.init.send(&reply, &[]).unwrap();
    }

    fn connect(&self, unit: UnitRef) -> Line {
        Line::connect(&self.path(unit)).unwrap()
    }

    fn ask(&mut self, line: &Line, verb: Verb) -> (Result<Answer, RegistryError>, Descriptors) {
        line.send(&Request { id: 1, verb }, &[]).unwrap();
        self.settle();
        match hear(line) {
            Some((Event::Reply { id: 1, result }, riders)) => (result, riders),
            other => panic!("{other:?}"),
        }
    }

    fn register(&mut self, line: &Line) -> Result<u64, RegistryError> {
        let verb = Verb::Register {
            interface: "energy.meter".parse().unwrap(),
            version: VERSION,
            properties: Properties::new(),
        };
        match self.ask(line, verb).0? {
            Answer::Registered(id) => Ok(id),
            other => panic!("{other:?}"),
        }
    }

    fn get(&mut self, line: &Line, service: u64) -> Result<Reference, RegistryError> {
        let (answer, riders) = self.ask(line, Verb::Get { service });
        answer?;
        Ok(Reference::from(riders.into_iter().next().unwrap()))
    }

    /// Meter and alarm, connected by a reference under grant 5.
    fn cooperation(&mut self) -> Cooperation {
        let (meter, alarm) = (self.connect(METER), self.connect(ALARM));
        let service = self.register(&meter).unwrap();
        self.grant(5);
        self.settle();
        let caller_end = self.get(&alarm, service).unwrap();
        let Some((Event::Incoming { caller, .. }, riders)) = hear(&meter) else {
            panic!("the service is told")
        };
        Cooperation {
            service_end: Reference::from(riders.into_iter().next().unwrap()),
            caller_end,
            caller,
            service,
            meter,
            alarm,
        }
    }

    /// The broker dies by SIGKILL and init starts another.
    fn restart_broker(&mut self) {
        let (init, control) = Channel::pair().unwrap();
        self.init = init;
        self.shell = Shell::new(control).unwrap();
        for unit in [METER, ALARM] {
            std::fs::remove_file(self.path(unit)).unwrap();
            self.listen(unit);
        }
        for (reference, end, verb) in &self.stored {
            let control::Verb::Store {
                caller,
                service,
                service_id,
                grant,
                ..
            } = *verb
            else {
                continue;
            };
            let event = control::Event::Stored {
                reference: *reference,
                caller,
                service,
                service_id,
                grant,
            };
            self.tell_init(&event, end.try_clone().unwrap());
        }
        self.settle();
    }

    fn reports(&self) -> Vec<Use> {
        let mut buffer = Buffer::new();
        let mut reports = Vec::new();
        while let Ok(Some((report, _))) = self.steward.try_receive(&mut buffer) {
            reports.push(report);
        }
        reports
    }
}

struct Cooperation {
    meter: Line,
    alarm: Line,
    service: u64,
    caller: Caller,
    caller_end: Reference,
    service_end: Reference,
}

fn hear(line: &Line) -> Option<(Event, Descriptors)> {
    line.try_receive(&mut Buffer::new()).unwrap()
}

fn speaks(from: &Reference, to: &Reference) -> bool {
    let sent = from.try_send("ping", &[]).is_ok();
    let mut buffer = Buffer::new();
    sent && matches!(to.try_receive::<&str>(&mut buffer), Ok(Some(("ping", _))))
}

fn is_over(end: &Reference) -> bool {
    matches!(end.try_receive::<u8>(&mut Buffer::new()), Ok(None))
        && end.try_send(&0u8, &[]) == Err(ChannelError::HungUp)
}

#[test]
fn two_bundles_speak_past_the_broker() {
    let mut house = House::new("speak");
    let pair = house.cooperation();
    assert_eq!(pair.caller.provider.as_str(), "alarm");
    assert_eq!(pair.caller.bundle.as_str(), "presence");
    assert!(speaks(&pair.caller_end, &pair.service_end));
    assert!(speaks(&pair.service_end, &pair.caller_end));
    assert_eq!(house.stored.len(), 1);
    assert_eq!(house.reports(), [Use::Handed { id: 5 }]);
}

#[test]
fn without_a_grant_the_service_does_not_exist() {
    let mut house = House::new("denial");
    let (meter, alarm) = (house.connect(METER), house.connect(ALARM));
    let service = house.register(&meter).unwrap();
    let denied = house.get(&alarm, service).unwrap_err();
    let absent = house.get(&alarm, service + 1).unwrap_err();
    assert_eq!(
        (denied, absent),
        (RegistryError::NotFound, RegistryError::NotFound)
    );
}

#[test]
fn a_revocation_cuts_both_ends_at_once() {
    let mut house = House::new("revoke");
    let pair = house.cooperation();
    house.decide(&Decision::Revoke { id: 5 });
    house.settle();
    assert!(is_over(&pair.caller_end));
    assert!(is_over(&pair.service_end));
    assert!(house.stored.is_empty());
    let revoked = Use::Revoked {
        id: 5,
        references: 1,
    };
    assert_eq!(house.reports(), [Use::Handed { id: 5 }, revoked]);
}

#[test]
fn a_callers_hang_up_is_seen_by_the_service_and_frees_the_place() {
    let mut house = House::new("hang-up");
    let pair = house.cooperation();
    drop(pair.caller_end);
    assert!(
        is_over(&pair.service_end),
        "the kept duplicate hides nothing"
    );
    house.settle();
    assert!(house.stored.is_empty());
    assert!(house.reports().contains(&Use::Released { id: 5 }));
}

#[test]
fn a_services_end_is_seen_by_the_caller() {
    let mut house = House::new("service-end");
    let pair = house.cooperation();
    drop((pair.service_end, pair.meter));
    house.settle();
    assert!(is_over(&pair.caller_end));
    assert!(house.stored.is_empty());
    drop(pair.alarm);
}

#[test]
fn a_unit_that_ended_is_cut_off_though_it_holds_its_ends() {
    let mut house = House::new("ended");
    let pair = house.cooperation();
    let ended = control::Event::Ended { unit: ALARM };
    house.init.send(&ended, &[]).unwrap();
    house.settle();
    assert!(is_over(&pair.service_end));
    assert!(hear(&pair.alarm).is_none(), "its connection is closed");
    assert!(
        Line::connect(&house.path(ALARM)).is_err(),
        "nobody listens for it"
    );
}

#[test]
fn a_broker_that_is_killed_cuts_nobody_and_its_successor_can() {
    let mut house = House::new("restart");
    let pair = house.cooperation();
    house.restart_broker();
    assert!(hear(&pair.meter).is_none(), "the old connection is gone");
    assert!(speaks(&pair.caller_end, &pair.service_end));

    house.link(&[5]);
    assert!(speaks(&pair.caller_end, &pair.service_end));
    let meter = house.connect(METER);
    let again = house.register(&meter).unwrap();
    assert!(again > pair.service, "numbers are not used again");
    assert!(speaks(&pair.caller_end, &pair.service_end));

    house.decide(&Decision::Revoke { id: 5 });
    house.settle();
    assert!(is_over(&pair.caller_end));
    assert!(is_over(&pair.service_end));
}

#[test]
fn a_grant_that_fell_while_the_broker_was_away_is_cut_when_the_steward_was_heard() {
    let mut house = House::new("resurrection");
    let pair = house.cooperation();
    house.restart_broker();
    house.link(&[]);
    assert!(is_over(&pair.caller_end));
    assert!(is_over(&pair.service_end));
    assert!(house.stored.is_empty());
}

#[test]
fn offences_end_the_offender_only() {
    let mut house = House::new("offence");
    let pair = house.cooperation();
    let frames: [&[u8]; 5] = [
        &[1],
        &[9, 1, 4, 1],
        &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[1, 1, 77],
        &[1; REGISTRY_FRAME + 1],
    ];
    for frame in frames {
        let hostile = house.connect(ALARM);
        house.settle();
        rustix::net::send(&hostile, frame, rustix::net::SendFlags::empty()).unwrap();
        house.settle();
        let Some((Event::Reply { id: 0, result }, _)) = hear(&hostile) else {
            panic!("an offender is told: {frame:?}")
        };
        assert_eq!(result, Err(RegistryError::Malformed));
        assert!(hear(&hostile).is_none(), "then it is closed");
    }
    let blamed = Use::Blamed { unit: ALARM };
    assert_eq!(
        house.reports().iter().filter(|one| **one == blamed).count(),
        5
    );
    assert!(speaks(&pair.caller_end, &pair.service_end));
}

#[test]
fn a_request_cut_at_any_byte_or_with_bytes_left_over_is_an_offence() {
    let mut house = House::new("cut");
    let verb = Verb::Find {
        interface: "energy.meter".parse().unwrap(),
        version: VERSION,
        filter: "(a=b)".try_into().unwrap(),
    };
    let mut space = [0; REGISTRY_FRAME];
    let request = Request { id: 1, verb };
    let whole = limen_proto::frame::encode(&request, &mut space).unwrap();
    let longer = [whole, &[0]].concat();
    let mut frames: Vec<&[u8]> = (1..whole.len()).map(|cut| &whole[..cut]).collect();
    frames.push(&longer);
    for frame in frames {
        let hostile = house.connect(ALARM);
        rustix::net::send(&hostile, frame, rustix::net::SendFlags::empty()).unwrap();
        house.settle();
        let heard = hear(&hostile);
        let malformed = Err(RegistryError::Malformed);
        assert!(
            matches!(&heard, Some((Event::Reply { id: 0, result }, _)) if *result == malformed),
            "{frame:?}: {heard:?}"
        );
    }
    let honest = house.connect(ALARM);
    assert!(house.ask(&honest, request.verb).0.is_ok());
}

#[test]
fn a_descriptor_where_none_belongs_is_an_offence_and_is_closed() {
    use std::io::Read;
    use std::os::fd::AsFd;
    let mut house = House::new("descriptor");
    let hostile = house.connect(ALARM);
    let (mut reader, writer) = std::io::pipe().unwrap();
    let verb = Verb::Get { service: 1 };
    hostile
        .send(&Request { id: 1, verb }, &[writer.as_fd()])
        .unwrap();
    drop(writer);
    house.settle();
    assert_eq!(reader.read(&mut [0]).unwrap(), 0, "the broker kept nothing");
    assert!(matches!(
        hear(&hostile),
        Some((
            Event::Reply {
                id: 0,
                result: Err(RegistryError::Malformed)
            },
            _
        ))
    ));
}

#[test]
fn a_peer_beyond_its_share_waits_in_the_kernel_until_there_is_room() {
    let mut house = House::new("share");
    let mut lines: Vec<Line> = (0..5).map(|_| house.connect(ALARM)).collect();
    let late = lines.pop().unwrap();
    let verb = || Verb::Get { service: 1 };
    late.send(
        &Request {
            id: 1,
            verb: verb(),
        },
        &[],
    )
    .unwrap();
    house.settle();
    assert!(matches!(
        late.try_receive::<Event>(&mut Buffer::new()),
        Err(ChannelError::WouldBlock)
    ));
    assert!(
        house.ask(&lines[0], verb()).0.is_err(),
        "the others are served"
    );
    lines.pop();
    house.settle();
    assert!(hear(&late).is_some(), "a place became free");
}

#[test]
fn a_reader_that_never_reads_is_not_read_and_hurts_nobody() {
    let mut house = House::new("slow");
    let slow = house.connect(ALARM);
    let verb = || Verb::Get { service: 1 };
    let mut sent = 0;
    for _ in 0..2000 {
        match slow.try_send(
            &Request {
                id: 1,
                verb: verb(),
            },
            &[],
        ) {
            Ok(()) => sent += 1,
            Err(_) => house.settle(),
        }
    }
    assert!(sent < 2000, "its own socket is full");
    let meter = house.connect(METER);
    assert!(house.register(&meter).is_ok());
}
