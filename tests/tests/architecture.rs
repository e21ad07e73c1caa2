//! The house rules that a compiler does not check
//!
//! Dependencies point one way (docs/adr/0001), and unsafe code has one home.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Every crate of the workspace and the workspace crates that it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("limen-proto", &[]),
    ("limen-channel", &["limen-proto"]),
    ("limen-net", &["limen-proto"]),
    (
        "limen-sandbox",
        &["limen-proto", "limen-channel", "limen-net"],
    ),
    ("limen-bundle", &["limen-proto", "limen-channel"]),
    ("limen-broker", &["limen-proto", "limen-channel"]),
    ("limen-sdk", &["limen-proto", "limen-channel"]),
    (
        "limen-init",
        &["limen-proto", "limen-channel", "limen-sandbox"],
    ),
    ("limen-logger", &["limen-proto", "limen-channel"]),
    ("limen-early", &["limen-proto"]),
    ("limen-steward", &["limen-proto", "limen-channel"]),
    ("limen-mgmt", &["limen-proto", "limen-channel"]),
    ("limen-import", &["limen-bundle"]),
    ("limenctl", &["limen-proto", "limen-bundle", "limen-import"]),
    ("meter", &["limen-sdk"]),
    ("presence", &["limen-sdk", "meter"]),
    ("adversary", &["limen-sdk"]),
    ("probe", &["limen-proto", "limen-channel"]),
    ("floor", &["limen-proto", "limen-net"]),
    ("limen-cross", &[]),
    ("limen-images", &["limen-proto", "limen-cross"]),
    (
        "limen-tests",
        &["limen-proto", "limen-images", "limen-cross"],
    ),
    (
        "xtask",
        &["limen-cross", "limen-images", "limen-tests", "meter"],
    ),
];

/// Where unsafe code may stand. The adversary is an attacker and the floor a measure, not parts of the
/// box.
const UNSAFE_HOMES: &[&str] = &[
    "sandbox/src/sys/",
    "tests/adversary/",
    "tests/floor/src/sys.rs",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn arrows() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let members: Vec<_> = packages.iter().map(name).collect();
    packages
        .iter()
        .map(|package| {
            let uses = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                // A test may look at anything; the rule is for what is built into a program.
                .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
                .map(name)
                .filter(|used| members.contains(used))
                .collect();
            (name(package), uses)
        })
        .collect()
}

#[test]
fn every_crate_has_a_floor_and_no_arrow_runs_back() {
    let mut faults = Vec::new();
    for (package, uses) in arrows() {
        match ALLOWED.iter().find(|(known, _)| *known == package) {
            None => faults.push(format!("{package} has no place in the table")),
            Some((_, allowed)) => faults.extend(
                uses.iter()
                    .filter(|used| !allowed.contains(&used.as_str()))
                    .map(|used| format!("{package} must not depend on {used}")),
            ),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_table_itself_has_no_cycle() {
    for (at, (package, allowed)) in ALLOWED.iter().enumerate() {
        for used in *allowed {
            let place = ALLOWED.iter().position(|(known, _)| known == used);
            assert!(
                place.is_some_and(|place| place < at),
                "{package} -> {used} points up"
            );
        }
    }
}

#[test]
fn unsafe_code_has_one_home() {
    let mut faults = Vec::new();
    sources(&root(), &mut |path, text| {
        let relative = path
            .strip_prefix(root())
            .unwrap()
            .to_string_lossy()
            .into_owned();
        if UNSAFE_HOMES.iter().any(|home| relative.starts_with(home)) {
            return;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let opens = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"];
            if opens
                .iter()
                .any(|word| code.contains(word) && !code.contains('"'))
            {
                faults.push(format!("{relative}:{}: {line}", number + 1));
            }
        }
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_source_file_says_what_it_is() {
    let mut faults = Vec::new();
    sources(&root(), &mut |path, text| {
        let beside_its_code = path.file_name().is_some_and(|name| name == "tests.rs");
        if !beside_its_code && !text.starts_with("//!") {
            faults.push(format!("{} has no subtitle", path.display()));
        }
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Calls `look` with every Rust source file of the project.
fn sources(folder: &Path, look: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                sources(&path, look);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            look(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}
