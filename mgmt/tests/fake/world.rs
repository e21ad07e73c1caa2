//! What the fake steward's box holds

use limen_proto::contract::{Contract, Limits, Protocol, Publish, Rate};
use limen_proto::id::Digest;
use limen_proto::jail::Stored;
use limen_proto::manage::{Account, Bundle, Grant, Usage, Vgw};
use limen_proto::posture::{Compared, Posture};
use limen_proto::spec::Storage;
use limen_proto::state::{BundleState, Exit, Fault, UnitState};

/// Everything that can be managed.
pub struct World {
    pub vgws: Vec<Vgw>,
    /// Provider and bundle.
    pub bundles: Vec<(String, Bundle)>,
    pub grants: Vec<Grant>,
}

impl World {
    pub fn new() -> Self {
        Self {
            vgws: vec![vgw("energy", 1), vgw("alarm", 2)],
            bundles: vec![
                ("energy".into(), bundle("web")),
                ("energy".into(), bundle("meter")),
                ("alarm".into(), bundle("presence")),
            ],
            grants: vec![Grant {
                id: 1,
                exporter: "energy".parse().unwrap(),
                interface: "energy.meter".parse().unwrap(),
                consumer: "alarm".parse().unwrap(),
                created: 1_800_000_000,
                references: 1,
            }],
        }
    }
}

pub fn contract() -> Contract {
    let mut publish = heapless::Vec::new();
    let port = Publish {
        protocol: Protocol::Tcp,
        outside: 8080,
        inside: 80,
    };
    publish.push(port).unwrap();
    Contract {
        limits: Limits {
            cpu_percent: 50,
            memory: 64 << 20,
            processes: 64,
            ..Limits::ORDINARY
        },
        disk: 256 << 20,
        inodes: 4096,
        upload: Rate::of(10_000_000),
        download: Rate::of(20_000_000),
        publish,
        ..Contract::default()
    }
}

pub fn posture() -> Posture {
    Posture {
        landlock_abi: 6,
        seccomp: true,
        user_namespace: true,
        memfd_exec_denied: true,
        compared: Compared::Exact,
        disk_quota: true,
        shaped: true,
    }
}

pub fn vgw(provider: &str, slot: u16) -> Vgw {
    Vgw {
        provider: provider.parse().unwrap(),
        slot,
        enabled: true,
        frozen: false,
        spent: false,
        state: UnitState::Active,
        fault: Fault::NoFault,
        detail: String::new(),
        restarts: 0,
        address: [100, 96, 0, u8::try_from(slot + 1).unwrap()],
        contract: contract(),
        posture: posture(),
        // 2^53 + 1: what a float would round.
        usage: Usage {
            cpu_us: (1 << 53) + 1,
            memory: 3 << 20,
            processes: 4,
            ..Usage::default()
        },
        account: Account::default(),
        install: Account::default(),
        install_posture: Posture::default(),
        bundles: 2,
    }
}

pub fn bundle(name: &str) -> Bundle {
    Bundle {
        name: name.parse().unwrap(),
        version: "1.0.0".into(),
        counter: 1,
        description: format!("the {name} of a test"),
        digest: Digest([7; 32]),
        state: BundleState::Installed,
        enabled: true,
        unit: UnitState::Active,
        fault: Fault::NoFault,
        detail: String::new(),
        restarts: 2,
        spare: false,
        exit: Some(Exit::Signal(9)),
        posture: posture(),
        usage: Usage {
            cpu_us: 1234,
            memory: 1 << 20,
            processes: 1,
            ..Usage::default()
        },
        stored: Stored {
            bytes: 5000,
            inodes: 3,
        },
        storage: Storage {
            bytes: 1 << 20,
            inodes: 64,
        },
        account: Account::default(),
        ports: vec![("web".parse().unwrap(), Protocol::Tcp, 80)],
        exports: vec!["energy.meter".parse().unwrap()],
        imports: Vec::new(),
    }
}
