//! The shell over real sockets, with peers that the test plays
//!
//! The steward runs in a thread of its own; the test holds the other ends: init's, mgmt's, the
//! broker's, a hand's.

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;

use limen_channel::{Buffer, Channel, Descriptors};
use limen_proto::control::{Event, Request, UnitReport, Verb as InitVerb};
use limen_proto::grant::Decision;
use limen_proto::id::{Generation, UnitId, UnitRef};
use limen_proto::install::{Order, Report};
use limen_proto::limits::LINK_FRAME;
use limen_proto::manage::{Answer, Call, Caller, Push, Verb};
use limen_proto::posture::Posture;
use limen_proto::state::{Fault, UnitState};
use limen_proto::table::Role;
use serde::de::DeserializeOwned;

use super::{Config, Places, Shell};

struct Init {
    control: Channel,
    generation: u32,
}

fn receive<T: DeserializeOwned, const N: usize>(from: &Channel<N>) -> (T, Descriptors) {
    let mut buffer = Box::new(Buffer::<N>::new());
    from.receive(&mut buffer).unwrap().expect("a message")
}

impl Init {
    /// Starts a steward on `folder`, and tells it that nothing runs.
    fn start(folder: &Path) -> Self {
        let (control, theirs) = Channel::pair().unwrap();
        let places = Places {
            state: folder.join("state"),
            provision: folder.join("provision"),
            cgroups: folder.join("cgroups"),
            meminfo: "/proc/meminfo".into(),
            table: folder.join("units"),
            notes: folder.join("notes"),
        };
        thread::spawn(move || {
            let shell = Shell::new(Config { places }, theirs).unwrap();
            shell.run().map(|_| ())
        });
        let mut init = Self {
            control,
            generation: 0,
        };
        let (list, _) = init.next();
        assert_eq!(list.verb, InitVerb::List);
        init.agree(list.id);
        init
    }

    fn next(&mut self) -> (Request, Descriptors) {
        receive(&self.control)
    }

    fn agree(&self, id: u32) {
        let result = Ok(());
        self.control
            .send(&Event::Reply { id, result }, &[])
            .unwrap();
    }

    fn link<const N: usize>(&self, peer: Role) -> Channel<N> {
        let (ours, theirs) = Channel::<N>::pair().unwrap();
        self.control
            .send(&Event::Link { peer }, &[theirs.as_fd()])
            .unwrap();
        ours
    }

    fn report(&mut self, unit: UnitId, tag: u64) -> UnitReport {
        self.generation += 1;
        let report = UnitReport {
            unit: UnitRef {
                unit,
                generation: Generation(self.generation),
            },
            state: UnitState::Active,
            fault: Fault::NoFault,
            restarts: 0,
            pid: 1,
            exit: None,
            failed: None,
            tag,
            posture: Posture::default(),
            since_ms: 5,
            frozen: false,
            era: limen_proto::account::Era(1),
            spent: limen_proto::account::Counters::default(),
            spare: false,
        };
        self.control.send(&Event::Report(report), &[]).unwrap();
        report
    }

    /// Answers a hand's start and plays it; returns its channel and stream.
    fn hand(&mut self) -> (Channel<LINK_FRAME>, std::fs::File, Order) {
        loop {
            let (request, descriptors) = self.next();
            self.agree(request.id);
            if let InitVerb::StartHand { .. } = request.verb {
                let [channel, stream] = descriptors.into_array::<2>().unwrap();
                let channel = Channel::from(channel);
                let (order, _) = receive(&channel);
                return (channel, stream.into(), order);
            }
        }
    }
}

fn provisioned() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["state", "provision", "cgroups", "notes"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    for name in ["operator-ca.pem", "gateway.pem", "gateway.key"] {
        std::fs::write(folder.path().join("provision").join(name), name).unwrap();
    }
    folder
}

fn call(mgmt: &Channel<LINK_FRAME>, id: u32, caller: Caller, verb: Verb) {
    mgmt.send(&Call { id, caller, verb }, &[]).unwrap();
}

/// The next answer to this call, with what rode on it.
fn answer(mgmt: &Channel<LINK_FRAME>, wanted: u32) -> (Answer, Descriptors) {
    loop {
        let (push, descriptors) = receive::<Push, LINK_FRAME>(mgmt);
        if let Push::Reply { id, result } = push
            && id == wanted
        {
            return (result.unwrap(), descriptors);
        }
    }
}

fn contract() -> limen_proto::contract::Contract {
    let mut contract = crate::core::tests::contract();
    contract.disk = 1 << 20;
    contract.inodes = 100;
    contract
}

#[test]
fn a_provider_gets_a_vgw_and_a_bundle_over_real_sockets() {
    let folder = provisioned();
    let mut init = Init::start(folder.path());
    assert_eq!(init.next().0.verb, InitVerb::Ready);
    let mgmt = init.link::<LINK_FRAME>(Role::Management);
    let broker = init.link::<{ limen_proto::limits::CONTROL_FRAME }>(Role::Broker);
    assert_eq!(receive::<Decision, _>(&broker).0, Decision::Complete);

    call(&mgmt, 1, Caller::Management, Verb::Trust);
    let (Answer::Trust(trust), _) = answer(&mgmt, 1) else {
        panic!("no trust");
    };
    assert_eq!(trust.key, "gateway.key");

    let energy: limen_proto::name::Name = "energy".parse().unwrap();
    let create = Verb::CreateVgw {
        provider: energy.clone(),
        contract: contract(),
        authority: crate::core::tests::ENERGY_CA.to_owned(),
        keys: vec![crate::core::tests::KEY.to_owned()],
    };
    call(&mgmt, 2, Caller::Operator, create);
    let (channel, mut stream, order) = init.hand();
    assert_eq!(order, Order::RemoveAll);
    assert_eq!(
        stream.read(&mut [0]).unwrap(),
        0,
        "an order without an upload has none"
    );
    channel.send(&Report::Done, &[]).unwrap();
    drop(channel);
    let (start, _) = init.next();
    let InitVerb::StartVgw { spec, tag, .. } = start.verb else {
        panic!("{start:?}");
    };
    init.agree(start.id);
    let vgw = UnitId::Vgw(spec.slot);
    init.report(vgw, tag);
    let (Answer::Vgw(view), _) = answer(&mgmt, 2) else {
        panic!("no vgw");
    };
    assert_eq!((view.slot, view.state), (1, UnitState::Active));

    call(&mgmt, 3, Caller::Provider(energy), Verb::InstallBundle);
    let (channel, mut stream, order) = init.hand();
    assert!(matches!(order, Order::Install { .. }));
    let (upload, descriptors) = answer(&mgmt, 3);
    assert_eq!(upload, Answer::Upload);
    let write = descriptors.into_iter().next().unwrap();
    std::fs::File::from(write).write_all(b"bundle").unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    assert_eq!(
        received, b"bundle",
        "and the end of it: nobody else holds the stream"
    );
    let mut summary = crate::core::tests::summary("web", 1);
    summary.unpacked = 1000;
    channel.send(&Report::Admit(summary), &[]).unwrap();
    assert_eq!(receive::<Order, _>(&channel).0, Order::Go(Ok(())));
    channel.send(&Report::Done, &[]).unwrap();
    drop(channel);
    let (start, _) = init.next();
    let InitVerb::StartBundle { spec, tag, .. } = start.verb else {
        panic!("{start:?}");
    };
    init.agree(start.id);
    init.report(UnitId::Bundle(spec.slot, spec.index), tag);
    let (Answer::Bundle(bundle), _) = answer(&mgmt, 3) else {
        panic!("no bundle");
    };
    assert_eq!(bundle.unit, UnitState::Active);
    let told: Vec<Decision> = (0..2).map(|_| receive(&broker).0).collect();
    assert!(matches!(told[0], Decision::Provider { .. }));
    assert!(matches!(told[1], Decision::Bundle { .. }));
}

#[test]
fn a_hand_that_hangs_up_fails_its_call() {
    let folder = provisioned();
    let mut init = Init::start(folder.path());
    let mgmt = init.link::<LINK_FRAME>(Role::Management);
    let create = Verb::CreateVgw {
        provider: "energy".parse().unwrap(),
        contract: contract(),
        authority: crate::core::tests::ENERGY_CA.to_owned(),
        keys: vec![crate::core::tests::KEY.to_owned()],
    };
    call(&mgmt, 1, Caller::Operator, create);
    drop(init.hand());
    loop {
        let (push, _) = receive::<Push, LINK_FRAME>(&mgmt);
        if let Push::Reply { id: 1, result } = push {
            let refusal = result.unwrap_err();
            assert!(refusal.message.contains("try again"), "{}", refusal.message);
            break;
        }
    }
}

#[test]
fn a_steward_that_loses_init_ends_and_the_next_one_finds_its_state() {
    let folder = provisioned();
    let init = Init::start(folder.path());
    let mgmt = init.link::<LINK_FRAME>(Role::Management);
    call(&mgmt, 1, Caller::Management, Verb::Trust);
    answer(&mgmt, 1);
    drop(init);
    let mut buffer = Box::new(Buffer::<LINK_FRAME>::new());
    while let Ok(Some(_)) = mgmt.receive::<Push>(&mut buffer) {}
    std::fs::remove_dir_all(folder.path().join("provision")).unwrap();
    let init = Init::start(folder.path());
    let mgmt = init.link::<LINK_FRAME>(Role::Management);
    call(&mgmt, 1, Caller::Management, Verb::Trust);
    assert!(matches!(answer(&mgmt, 1).0, Answer::Trust(_)));
    call(&mgmt, 2, Caller::Operator, Verb::ShowCore);
    let (Answer::Core(core), _) = answer(&mgmt, 2) else {
        panic!("no core");
    };
    assert!(core.memory_total > 0);
    assert!(
        core.warnings
            .iter()
            .any(|warning| warning.contains("table of core units"))
    );
}

#[test]
fn a_flood_of_nonsense_ends_the_link_and_not_the_steward() {
    let folder = provisioned();
    let init = Init::start(folder.path());
    let mgmt = init.link::<LINK_FRAME>(Role::Management);
    // A frame of another protocol.
    mgmt.send(&Decision::Complete, &[]).unwrap();
    let mut buffer = Box::new(Buffer::<LINK_FRAME>::new());
    while let Ok(Some(_)) = mgmt.receive::<Push>(&mut buffer) {}
    let mgmt = init.link::<LINK_FRAME>(Role::Management);
    call(&mgmt, 1, Caller::Management, Verb::Trust);
    assert!(matches!(answer(&mgmt, 1).0, Answer::Trust(_)));
}
