//! The state file: what was committed is found again, whatever happens to the bytes

mod damage;
mod migrate;
mod power;
mod roundtrip;

use std::path::Path;

use limen_proto::account::{Counters, Era};
use limen_proto::contract::{Contract, Destination, Limits, Protocol, Rate, Spent, Volume, Wan};
use limen_proto::id::{BundleIndex, Digest, Slot};
use limen_proto::install::{Summary, VolumeWish};
use limen_proto::month::Month;
use limen_proto::name::Name;
use limen_proto::restart::RestartPolicy;
use limen_proto::spec::Readiness;

use super::{Opened, Store, open};
use crate::core::accounts::{Account, Payer};
use crate::core::desired::{
    BundleRecord, Change, Desired, Draft, GrantRecord, Held, Identity, Phase, Seen, VgwRecord,
};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn vgw(number: u16, provider: &str) -> VgwRecord {
    VgwRecord {
        slot: Slot::new(number).unwrap(),
        provider: name(provider),
        enabled: true,
        frozen: false,
        spent: false,
        serial: u64::MAX,
        contract: Contract {
            limits: Limits {
                cpu_percent: 50,
                memory: 64 << 20,
                processes: 64,
                ..Limits::ORDINARY
            },
            disk: u64::MAX,
            inodes: 4096,
            upload: Rate::of(1),
            download: Rate { bits: 2, burst: 3 },
            volume: Volume {
                bytes: 4,
                then: Spent::Slow { bits: 5 },
            },
            wan: Wan::Listed,
            destinations: heapless::Vec::from_slice(&[Destination {
                network: "192.0.2.0/24".parse().unwrap(),
                protocol: Some(Protocol::Tcp),
                port: 443,
            }])
            .unwrap(),
            devices: heapless::Vec::from_slice(&[name("serial-p1")]).unwrap(),
            ..Contract::default()
        },
        adjust: false,
        phase: Phase::Standing,
        authority: "-----BEGIN CERTIFICATE-----".to_owned(),
        keys: vec!["key".to_owned()],
        created: 7,
    }
}

fn bundle(slot: u16, index: u16, of: &str) -> BundleRecord {
    BundleRecord {
        slot: Slot::new(slot).unwrap(),
        index: BundleIndex::new(index).unwrap(),
        held: Held::Installed,
        enabled: true,
        serial: 3,
        volumes: true,
        summary: Summary {
            digest: Digest([7; 32]),
            name: name(of),
            version: "1.0.0".to_owned(),
            counter: 9,
            description: "a \"quoted\" line\nand another".to_owned(),
            command: vec!["/bin/thing".to_owned()],
            environment: vec!["TZ=UTC".to_owned()],
            directory: "/var/thing".to_owned(),
            readiness: Readiness::Notify,
            ready_within_ms: 10_000,
            stop_within_ms: 1_000,
            restart: RestartPolicy::CORE,
            user: Some("mosquitto".parse().unwrap()),
            jit: true,
            spare: true,
            limits: Limits {
                memory: 8 << 20,
                processes: 8,
                ..Limits::ORDINARY
            },
            temporary: 0,
            volumes: vec![VolumeWish {
                name: name("data"),
                path: "/data".to_owned(),
                size: 1 << 20,
            }],
            devices: vec![name("serial-p1")],
            ports: vec![(name("http"), Protocol::Tcp, 80)],
            exports: vec![("energy.meter".parse().unwrap(), vec![name("alarm")])],
            imports: Vec::new(),
            unpacked: 1 << 20,
            entries: 10,
        },
        installed: 11,
    }
}

/// One commit a line: together they use every change.
fn history() -> Vec<Vec<Change>> {
    let slot = Slot::new(1).unwrap();
    let event = |text: &str, provider: Option<&str>| {
        Change::Event(Draft {
            time_ms: 1_700_000_000_000,
            actor: "operator".to_owned(),
            provider: provider.map(name),
            text: text.to_owned(),
            detail: "detail".to_owned(),
            alarm: false,
        })
    };
    let counters = |least| Counters::from_list(std::array::from_fn(|place| least << (4 * place)));
    let of_web = Payer::Bundle(slot, BundleIndex::new(0).unwrap());
    let account = Change::Account(
        Payer::Vgw(slot),
        Account {
            era: Era(u64::MAX),
            seen: counters(4),
            total: counters(u64::MAX >> 8),
            month: Month(24_311),
            counted: counters(5),
        },
    );
    let mut stopped = vgw(1, "energy");
    stopped.enabled = false;
    stopped.frozen = true;
    stopped.spent = true;
    stopped.phase = Phase::Removing;
    let mut leaving = bundle(1, 0, "web");
    leaving.held = Held::VolumesOnly;
    let seen = Seen {
        counter: 9,
        digest: Digest([7; 32]),
    };
    let grant = |id| GrantRecord {
        id,
        exporter: name("energy"),
        interface: "energy.meter".parse().unwrap(),
        consumer: name("alarm"),
        created: 5,
    };
    vec![
        vec![
            Change::Identity(Identity {
                certificate: "certificate".to_owned(),
                key: "key".to_owned(),
                operator: "operator".to_owned(),
            }),
            Change::Trust,
            event("provisioned", None),
        ],
        vec![
            Change::Vgw(vgw(1, "energy")),
            Change::Trust,
            event("created", Some("energy")),
        ],
        vec![Change::Vgw(vgw(2, "alarm")), Change::Trust],
        vec![Change::Leftover(slot, Digest([7; 32])), account.clone()],
        vec![
            Change::Seen(name("energy"), name("web"), seen),
            Change::NoLeftover(slot, Digest([7; 32])),
            Change::Month(Payer::Core(name("steward")), Month(24_310), counters(1)),
            Change::Month(of_web.clone(), Month(24_310), counters(2)),
            Change::Month(of_web.clone(), Month(24_311), counters(3)),
            Change::Bundle(bundle(1, 0, "web")),
            Change::Leftover(slot, Digest([6; 32])),
            event("installed", Some("energy")),
            event("installed again", Some("alarm")),
        ],
        vec![Change::Bundle(bundle(1, 1, "meter"))],
        vec![Change::Grant(grant(1)), Change::Grant(grant(2))],
        vec![Change::NoGrant(1)],
        vec![account, Change::NoMonth(of_web, Month(24_310))],
        vec![
            Change::Bundle(leaving),
            Change::NoBundle(slot, BundleIndex::new(1).unwrap()),
        ],
        vec![Change::Clock(1_700_000_001), Change::Clock(5)],
        vec![Change::Vgw(stopped)],
        vec![Change::NoVgw(slot), event("removed", Some("energy"))],
    ]
}

/// Commits to the store and to memory alike.
fn commit(store: &mut Store, desired: &mut Desired, changes: &[Change]) {
    let mut next = desired.clone();
    for change in changes {
        next.apply(change);
    }
    store.commit(changes, next.marks).unwrap();
    *desired = next;
}

fn good(folder: &Path) -> Opened {
    let opened = open(folder).unwrap();
    assert_eq!(opened.notes, [""; 0]);
    assert!(!opened.blind);
    opened
}

/// A folder with the first `commits` of the history in it, and what they came to.
fn written(commits: usize) -> (tempfile::TempDir, Desired) {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = good(folder.path());
    for changes in &history()[..commits] {
        commit(&mut opened.store, &mut opened.desired, changes);
    }
    opened.store.keep_generation().unwrap();
    (folder, opened.desired)
}
