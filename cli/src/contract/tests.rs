use limen_proto::contract::{Destination, Minimum, Protocol, Spent, Volume};

use super::*;

fn flags(toml: &str) -> (ContractFlags, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), toml).expect("written");
    let flags = ContractFlags {
        contract: Some(file.path().to_owned()),
        ..ContractFlags::default()
    };
    (flags, file)
}

#[test]
fn units_defaults_and_flags_make_one_contract() {
    let (mut given, _file) = flags(
        "disk = \"128MiB\"\nupload = \"10Mbit\"\ndownload = 20000000\n\
         [limits]\nmemory = \"64MiB\"\ncpu-percent = 50\n\
         [[publish]]\nprotocol = \"tcp\"\noutside = 8080\ninside = 80\n",
    );
    given.memory = Some("32MiB".to_owned());
    given.publish = vec!["udp:53:5353".parse().expect("a port")];
    let contract = given.contract(None).expect("a contract");
    assert_eq!(contract.limits.memory, 32 << 20, "the flag wins");
    assert_eq!(
        (contract.limits.cpu_weight, contract.limits.processes),
        (100, 64)
    );
    assert_eq!(
        (contract.disk, contract.upload),
        (128 << 20, Rate::of(10_000_000))
    );
    assert_eq!(
        (contract.download, contract.wan),
        (Rate::of(20_000_000), Wan::None)
    );
    assert_eq!(contract.publish.len(), 2);

    let change = ContractFlags {
        cpu_percent: Some(7),
        ..ContractFlags::default()
    };
    let changed = change.contract(Some(contract.clone())).expect("a contract");
    let mut expected = contract.clone();
    expected.limits.cpu_percent = 7;
    assert_eq!(changed, expected, "what is not given stays");

    let change = ContractFlags {
        publish: vec![Listed::None],
        ..ContractFlags::default()
    };
    let changed = change.contract(Some(contract)).expect("a contract");
    assert!(changed.publish.is_empty(), "none empties a list");
}

#[test]
fn a_file_may_say_everything() {
    let (given, _file) = flags(
        r#"
        disk = "128MiB"
        upload = { bits = "10Mbit", burst = "32KiB" }
        volume = { bytes = "10GiB", then = { slow = { bits = "64kbit" } } }
        connections = 500
        wan = "listed"
        jit = true
        warm = true
        [limits]
        memory = "64MiB"
        memory-high = "48MiB"
        cpu-percent = 50
        cpu-burst-ms = 20
        descriptors = 256
        read-rate = "4MiB"
        write-rate = 1000000
        [guarantees]
        memory = "16MiB"
        cpu-percent = 10
        [minimum]
        landlock-abi = 4
        [[destinations]]
        network = "192.0.2.0/24"
        protocol = "tcp"
        port = 443
        [[lan]]
        network = "192.168.1.7/32"
        "#,
    );
    let contract = given.contract(None).expect("a contract");
    assert_eq!(
        contract.upload,
        Rate {
            bits: 10_000_000,
            burst: 32 << 10
        }
    );
    assert_eq!(
        contract.volume,
        Volume {
            bytes: 10 << 30,
            then: Spent::Slow { bits: 64_000 }
        }
    );
    assert_eq!(contract.limits.memory_high, 48 << 20);
    assert_eq!(
        (contract.limits.read_rate, contract.limits.write_rate),
        (4 << 20, 1_000_000)
    );
    assert_eq!(contract.guarantees.memory, 16 << 20);
    assert_eq!(
        contract.minimum,
        Minimum {
            landlock_abi: 4,
            ..Minimum::default()
        }
    );
    assert_eq!(
        contract.destinations[0],
        Destination {
            network: "192.0.2.0/24".parse().expect("a network"),
            protocol: Some(Protocol::Tcp),
            port: 443
        }
    );
    assert_eq!((contract.lan.len(), contract.lan[0].port), (1, 0));
    assert!(contract.jit && contract.warm);
    // What the file may say, the gateway's own form says too.
    let written = serde_json::to_string(&contract).expect("JSON");
    assert_eq!(
        serde_json::from_str::<Contract>(&written).expect("a contract"),
        contract
    );
}

#[test]
fn contracts_of_the_time_before_stay_valid() {
    let old = r#"{"limits":{"cpu-percent":50,"cpu-weight":100,"memory":1048576,"processes":64},
        "disk":1,"inodes":2,"upload":3,"download":4,"wan":"all","publish":[],"devices":[]}"#;
    let contract: Contract = serde_json::from_str(old).expect("a contract");
    assert_eq!(
        (contract.upload, contract.download),
        (Rate::of(3), Rate::of(4))
    );
    assert_eq!(
        contract,
        Contract {
            limits: contract.limits,
            disk: 1,
            inodes: 2,
            upload: Rate::of(3),
            download: Rate::of(4),
            wan: Wan::All,
            ..Contract::default()
        }
    );
}

#[test]
fn what_is_unknown_or_missing_is_named() {
    for (toml, named) in [
        ("colour = 1", "colour"),
        ("[limits]\nmemory = \"64MB\"\n", "64MB"),
        ("[limits]\nmemory = 1\nmemroy = 2\n", "memroy"),
        ("[limits]\nmemory = 1\n", "--disk"),
        ("disk = 1", "--memory"),
        ("wan = \"some\"", "some"),
        ("devices = [\"Serial\"]", "name"),
        ("upload = { bit = 1 }", "bits and burst"),
        (
            "upload = { bits = 1, burst = \"4GiB\" }\ndisk = 1\n[limits]\nmemory = 1\n",
            "burst",
        ),
        ("volume = { bytes = 1, then = \"stop\" }", "stop"),
        ("[[destinations]]\nnetwork = \"10.0.0.1/8\"\n", "10.0.0.0/8"),
        ("[[lan]]\nnetwork = \"10.0.0.0/8\"\nports = 1\n", "ports"),
        ("[minimum]\nlandlock = 4\n", "landlock"),
    ] {
        let (given, _file) = flags(toml);
        let failure = given.contract(None).expect_err(toml);
        assert!(failure.to_string().contains(named), "{toml}: {failure}");
    }
}
