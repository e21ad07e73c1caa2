//! The client against a broker that the test plays

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use limen_channel::{Buffer, Channel, Listener};
use limen_proto::calls::{Answer as CallAnswer, Call, CallError};
use limen_proto::limits::{CALL_FRAME, REGISTRY_FRAME};
use limen_proto::registry::{
    Answer, Caller, Event as Told, Properties, RegistryError, Request, Service, Verb, Version,
};

use crate::{Broker, Error, Event, Offer, Query, Reference, Server, answer};

type Line = Channel<REGISTRY_FRAME>;

const VERSION: Version = Version { major: 1, minor: 0 };

/// The broker's side.
struct Played {
    folder: PathBuf,
    listener: Listener<REGISTRY_FRAME>,
}

impl Played {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("limen-sdk-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let listener = Listener::bind(&folder.join("broker"), 8).unwrap();
        Self { folder, listener }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("broker")
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn hear(line: &Line) -> Request {
    let mut buffer = Buffer::new();
    line.receive(&mut buffer).unwrap().expect("a request").0
}

fn reply(line: &Line, id: u32, result: Result<Answer, RegistryError>) {
    line.send(&Told::Reply { id, result }, &[]).unwrap();
}

fn grant_registration(line: &Line, service: u64) {
    let request = hear(line);
    assert!(matches!(request.verb, Verb::Register { .. }));
    reply(line, request.id, Ok(Answer::Registered(service)));
}

fn meter(id: u64) -> Service {
    Service {
        id,
        provider: "energy".parse().unwrap(),
        interface: "energy.meter".parse().unwrap(),
        version: VERSION,
        properties: Properties::new(),
    }
}

fn offer() -> Offer {
    Offer::new("energy.meter".parse().unwrap(), VERSION)
}

fn alarm() -> Caller {
    Caller {
        provider: "alarm".parse().unwrap(),
        bundle: "presence".parse().unwrap(),
    }
}

fn announce(line: &Line, service: u64) -> Reference {
    use std::os::fd::AsFd;
    let (caller_end, service_end) = Channel::<CALL_FRAME>::pair().unwrap();
    let told = Told::Incoming {
        service,
        reference: 9,
        caller: alarm(),
    };
    line.send(&told, &[service_end.as_fd()]).unwrap();
    Reference::new(caller_end.into(), meter(service))
}

fn doubling(caller: &Caller, method: u16, arguments: &[u8]) -> Result<Vec<u8>, CallError> {
    match method {
        0 => answer(arguments, |number: u32| Ok(number * 2)),
        1 => answer(arguments, |(): ()| Ok(caller.provider.to_string())),
        2 => Err(CallError::Failed(77)),
        3 => Ok(vec![0; CALL_FRAME]),
        _ => Err(CallError::Method),
    }
}

#[test]
fn a_call_is_answered_with_its_type_or_its_reason() {
    let played = Played::new();
    let path = played.path();
    let serving = thread::spawn(move || {
        let mut server = Server::connect_to(&path).unwrap();
        server.offer(offer(), doubling).unwrap();
        while server.callers() == 0 {
            server.turn(Some(Duration::from_secs(5))).unwrap();
        }
        while server.callers() > 0 {
            server.turn(Some(Duration::from_secs(5))).unwrap();
        }
    });
    let line = played.listener.accept().unwrap();
    grant_registration(&line, 4);
    let mut reference = announce(&line, 4);
    assert_eq!(reference.call(0, &21u32), Ok(42u32));
    assert_eq!(reference.call(1, &()), Ok("alarm".to_owned()));
    assert_eq!(
        reference.call::<_, u32>(2, &()),
        Err(Error::Call(CallError::Failed(77)))
    );
    assert_eq!(
        reference.call::<_, u32>(3, &()),
        Err(Error::Call(CallError::TooLarge))
    );
    assert_eq!(
        reference.call::<_, u32>(9, &()),
        Err(Error::Call(CallError::Method))
    );
    assert_eq!(
        reference.call::<_, u32>(0, "text"),
        Err(Error::Call(CallError::Arguments))
    );
    assert_eq!(
        reference.call::<_, String>(0, &1u32),
        Err(Error::Unreadable)
    );
    assert_eq!(
        reference.call::<_, u32>(0, &[0u8; CALL_FRAME][..]),
        Err(Error::TooLarge)
    );
    assert!(!reference.is_over());
    drop(reference);
    serving.join().unwrap();
}

#[test]
fn a_hang_up_is_not_a_time_out_and_a_late_answer_is_nobodys() {
    let (caller_end, service_end) = Channel::<CALL_FRAME>::pair().unwrap();
    let mut reference = Reference::new(caller_end.into(), meter(1));
    reference.set_patience(Duration::ZERO);
    assert_eq!(reference.call::<_, u32>(0, &1u32), Err(Error::TimedOut));
    let mut buffer = Buffer::new();
    let (late, _) = service_end
        .receive::<Call<'_>>(&mut buffer)
        .unwrap()
        .unwrap();
    for (id, result) in [(late.id, &[5u8][..]), (late.id + 1, &[6u8][..])] {
        let result = Ok(result);
        service_end.send(&CallAnswer { id, result }, &[]).unwrap();
    }
    assert_eq!(reference.call(0, &1u32), Ok(6u8));
    service_end.shutdown().unwrap();
    assert!(reference.is_over());
    assert_eq!(reference.call::<_, u32>(0, &1u32), Err(Error::HungUp));
}

#[test]
fn what_was_offered_and_watched_is_repeated_to_the_next_broker() {
    let played = Played::new();
    let path = played.path();
    let serving = thread::spawn(move || {
        let mut server = Server::connect_to(&path).unwrap();
        server.offer(offer(), doubling).unwrap();
        let interface = "energy.price".parse().unwrap();
        server.broker().watch(&interface).unwrap();
        while server.callers() < 2 {
            server.turn(Some(Duration::from_secs(5))).unwrap();
        }
        while server.callers() > 0 {
            server.turn(Some(Duration::from_secs(5))).unwrap();
        }
    });
    let line = played.listener.accept().unwrap();
    grant_registration(&line, 4);
    let watch = hear(&line);
    reply(&line, watch.id, Ok(Answer::Done));
    let mut before = announce(&line, 4);
    assert_eq!(before.call(0, &1u32), Ok(2u32));
    drop(line);

    assert_eq!(before.call(0, &2u32), Ok(4u32), "served without a broker");
    let line = played.listener.accept().unwrap();
    grant_registration(&line, 400);
    assert_eq!(hear(&line).verb, watch.verb);
    let mut after = announce(&line, 400);
    assert_eq!(after.call(0, &3u32), Ok(6u32));
    assert_eq!(before.call(0, &4u32), Ok(8u32));
    drop((before, after));
    serving.join().unwrap();
}

#[test]
fn a_request_under_way_is_made_again() {
    let played = Played::new();
    let path = played.path();
    let asking = thread::spawn(move || {
        let mut broker = Broker::connect_to(&path).unwrap();
        let query = Query::new("energy.meter".parse().unwrap(), VERSION);
        broker.find(&query)
    });
    let line = played.listener.accept().unwrap();
    hear(&line);
    drop(line);
    let line = played.listener.accept().unwrap();
    let request = hear(&line);
    let found = [7, 8].into_iter().collect();
    reply(&line, request.id, Ok(Answer::Found(found)));
    assert_eq!(asking.join().unwrap(), Ok(vec![7, 8]));
}

#[test]
fn watched_services_of_a_broker_that_died_are_gone() {
    let played = Played::new();
    let path = played.path();
    let watching = thread::spawn(move || {
        let mut broker = Broker::connect_to(&path).unwrap();
        broker.watch(&"energy.meter".parse().unwrap()).unwrap();
        let mut next = || broker.next_event(Duration::from_secs(5)).unwrap();
        assert!(matches!(next(), Some(Event::Appeared(service)) if service.id == 3));
        assert!(matches!(next(), Some(Event::Disappeared(3))));
    });
    let line = played.listener.accept().unwrap();
    let request = hear(&line);
    reply(&line, request.id, Ok(Answer::Done));
    line.send(&Told::Appeared(meter(3)), &[]).unwrap();
    drop(line);
    watching.join().unwrap();
}

#[test]
fn refusals_and_absence_have_their_own_words() {
    let nowhere = Broker::connect_to("/nowhere/broker".as_ref()).err();
    assert!(matches!(nowhere, Some(Error::Unreachable(_))));
    let played = Played::new();
    let path = played.path();
    let asking = thread::spawn(move || {
        let mut broker = Broker::connect_to(&path).unwrap();
        let query = Query::new("energy.meter".parse().unwrap(), VERSION);
        let refused = broker.register(offer()).unwrap_err();
        (refused, broker.obtain(&query).unwrap_err())
    });
    let line = played.listener.accept().unwrap();
    let request = hear(&line);
    reply(&line, request.id, Err(RegistryError::NotExported));
    let request = hear(&line);
    reply(&line, request.id, Ok(Answer::Found(Default::default())));
    let expected = (
        Error::Refused(RegistryError::NotExported),
        Error::Refused(RegistryError::NotFound),
    );
    assert_eq!(asking.join().unwrap(), expected);
}
