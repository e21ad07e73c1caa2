//! Files of earlier images

use rusqlite::Connection;

use super::*;
use crate::state::{FILE, PREVIOUS, schema, seal};

/// A summary as version 2 had it.
const OLD_SUMMARY: &str = r#"{"digest":DIGEST,"name":"web","version":"1.0.0","counter":9,
    "description":"old","command":["/bin/thing"],"environment":[],"readiness":"notify",
    "ready_within_ms":10000,"stop_within_ms":1000,
    "restart":{"enable":true,"minimum-wait-ms":100,"maximum-wait-ms":30000,"multiplier":2000,
    "reset-ms":60000,"retries":0},
    "memory":8388608,"processes":8,"cpu_percent":20,"temporary":0,"volumes":[],"devices":[],
    "ports":[],"exports":[],"imports":[],"unpacked":1048576,"entries":10}"#;
/// A contract as version 2 had it.
const OLD_CONTRACT: &str = r#"{"limits":{"cpu-percent":50,"cpu-weight":100,"memory":67108864,
    "processes":64},"disk":1048576,"inodes":100,"upload":10000000,"download":0,"wan":"all",
    "publish":[{"protocol":"tcp","outside":8080,"inside":80}],"devices":[]}"#;

/// A folder whose file is as version 2 wrote it: one virtual gateway, one bundle.
fn of_version_2() -> tempfile::TempDir {
    let (folder, desired) = written(6);
    let connection = Connection::open(folder.path().join(FILE)).unwrap();
    let digest = serde_json::to_string(&desired.bundles.values().next().unwrap().summary.digest);
    let summary = OLD_SUMMARY.replace("DIGEST", &digest.unwrap());
    connection
        .execute("UPDATE vgw SET contract = ?1", [OLD_CONTRACT])
        .unwrap();
    connection
        .execute("UPDATE bundle SET summary = ?1", [summary])
        .unwrap();
    connection
        .execute_batch("DROP TABLE account; DROP TABLE month; ALTER TABLE vgw DROP COLUMN spent;")
        .unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
    seal::renew(&connection).unwrap();
    folder
}

#[test]
fn a_file_of_version_2_is_read_and_written_on() {
    let folder = of_version_2();
    let mut opened = good(folder.path());
    let contract = &opened.desired.vgws[&Slot::new(1).unwrap()].contract;
    assert_eq!(
        (contract.upload, contract.guarantees.memory),
        (Rate::of(10_000_000), 0)
    );
    assert_eq!(contract.connections, Contract::default().connections);
    let summary = &opened.desired.bundles.values().next().unwrap().summary;
    assert_eq!(
        summary.limits,
        Limits {
            cpu_percent: 20,
            memory: 8 << 20,
            processes: 8,
            ..Limits::ORDINARY
        }
    );
    assert!(summary.user.is_none() && !summary.jit && !summary.spare);
    commit(&mut opened.store, &mut opened.desired, &[Change::Clock(7)]);
    let desired = opened.desired;
    drop(opened.store);
    assert_eq!(good(folder.path()).desired, desired);
    let connection = Connection::open(folder.path().join(FILE)).unwrap();
    assert_eq!(schema::check(&connection).unwrap(), schema::VERSION);
}

#[test]
fn a_previous_generation_of_version_2_is_good_enough_to_fall_back_to() {
    let folder = of_version_2();
    std::fs::rename(folder.path().join(FILE), folder.path().join(PREVIOUS)).unwrap();
    std::fs::write(folder.path().join(FILE), b"not a database").unwrap();
    let opened = open(folder.path()).unwrap();
    assert!(opened.recovered, "{:?}", opened.notes);
    assert_eq!(opened.desired.bundles.len(), 2);
}
