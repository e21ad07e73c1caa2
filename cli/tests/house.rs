//! limenctl, endpoint, steward and limen-install together, as they stand
//!
//! What a gateway does without a kernel: certificates, contracts, signatures, the store, grants and the
//! audit are real; only init is played, and starts what it is asked to without starting anything. The
//! scenarios on an emulated box have the rest.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]
#![allow(unreachable_pub, reason = "modules of a test")]

#[path = "../../mgmt/tests/fake/pki.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod pki;

#[path = "house/init.rs"]
mod init;

use std::fs;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Command, Output};

use limen_channel::Channel;
use limen_proto::control::Event;
use limen_proto::id::{Generation, UnitId, UnitRef};
use limen_proto::limits::{CONTROL_FRAME, LINK_FRAME};
use limen_proto::table::Role;
use limen_steward::shell::{Config, Places, Shell};
use pki::{Identity, Pki};
use serde_json::{Value, json};
use tempfile::TempDir;

struct House {
    folder: TempDir,
    url: String,
    pki: Pki,
    /// The endpoint ends with it.
    _mgmt: Channel<CONTROL_FRAME>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::new();
        let trust = pki.trust();
        let path = |name: &str| folder.path().join(name);
        for name in ["state", "provision", "cgroups", "notes", "tenants"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::write(path("provision/operator-ca.pem"), &trust.operator).unwrap();
        fs::write(path("provision/gateway.pem"), &trust.certificate).unwrap();
        fs::write(path("provision/gateway.key"), &trust.key).unwrap();
        let places = Places {
            state: path("state"),
            provision: path("provision"),
            cgroups: path("cgroups"),
            meminfo: "/proc/meminfo".into(),
            table: path("units"),
            notes: path("notes"),
        };
        let (steward, theirs) = Channel::pair().unwrap();
        std::thread::spawn(move || Shell::new(Config { places }, theirs).unwrap().run());
        let (mgmt, theirs) = Channel::pair().unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let tasks = tokio::task::LocalSet::new();
            runtime.block_on(tasks.run_until(limen_mgmt::control::run(theirs)))
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let unit = UnitRef {
            unit: UnitId::Core(2),
            generation: Generation(1),
        };
        mgmt.send(&Event::Listener { unit }, &[listener.as_fd()])
            .unwrap();
        let (left, right) = Channel::<LINK_FRAME>::pair().unwrap();
        let link = |peer| Event::Link { peer };
        mgmt.send(&link(Role::Steward), &[left.as_fd()]).unwrap();
        steward
            .send(&link(Role::Management), &[right.as_fd()])
            .unwrap();
        let init = init::Init::new(steward, &path("tenants"));
        std::thread::spawn(move || init.serve());
        let url = format!("https://{}", listener.local_addr().unwrap());
        let house = Self {
            folder,
            url,
            pki,
            _mgmt: mgmt,
        };
        house.furnish();
        house
    }

    /// Everybody's files, and two providers on the box.
    fn furnish(&self) {
        fs::write(self.path("ca.pem"), &self.pki.gateway.certificate).unwrap();
        self.keep("operator", &self.pki.operator.client());
        for (name, authority) in [("energy", &self.pki.energy), ("alarm", &self.pki.alarm)] {
            self.keep(name, &authority.client());
            fs::write(self.path(&format!("{name}-ca.pem")), &authority.certificate).unwrap();
            self.good(
                name,
                &["bundle", "keygen", "--secret", &format!("{name}.sign")],
            );
            self.good(
                "operator",
                &self
                    .create(name, "16MiB")
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>(),
            );
        }
    }

    fn create(&self, name: &str, memory: &str) -> Vec<String> {
        let (authority, key) = (format!("{name}-ca.pem"), format!("{name}.sign.pub"));
        let words = [
            "vgw",
            "create",
            name,
            "--memory",
            memory,
            "--disk",
            "8MiB",
            "--authority",
            &authority,
            "--signing-key",
            &key,
        ];
        words.map(str::to_owned).into()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn keep(&self, name: &str, identity: &Identity) {
        fs::write(self.path(&format!("{name}.pem")), &identity.certificate).unwrap();
        fs::write(self.path(&format!("{name}.key")), &identity.key).unwrap();
    }

    fn run(&self, who: &str, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_limenctl"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("LIMEN_URL", &self.url)
            .env("LIMEN_CA", "ca.pem")
            .env("LIMEN_CERT", format!("{who}.pem"))
            .env("LIMEN_KEY", format!("{who}.key"))
            .output()
            .unwrap()
    }

    fn good(&self, who: &str, arguments: &[&str]) -> String {
        let output = self.run(who, arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{who} {arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, who: &str, arguments: &[&str]) -> Value {
        let all: Vec<&str> = std::iter::once("--json")
            .chain(arguments.iter().copied())
            .collect();
        serde_json::from_str(&self.good(who, &all)).unwrap()
    }

    /// What may not change by anything that is refused.
    fn state(&self) -> Value {
        let mut state = json!([
            self.json("operator", &["vgw", "list"]),
            self.json("energy", &["bundle", "list"]),
            self.json("energy", &["grant", "list"]),
        ]);
        for entry in state[0].as_array_mut().unwrap() {
            // What is being used changes by itself.
            entry
                .as_object_mut()
                .unwrap()
                .retain(|key, _| !key.ends_with("usage"));
        }
        state
    }

    /// Refused by the gateway with these words, recorded, and nothing changed.
    fn refused(&self, who: &str, arguments: &[&str], words: &[&str]) {
        let (before, events) = (self.state(), self.events());
        let output = self.run(who, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        println!("{said}");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        for word in words {
            assert!(said.contains(word), "\"{word}\" is not in: {said}");
        }
        assert_eq!(self.state(), before, "{arguments:?} changed something");
        assert!(self.events() > events, "{arguments:?} left no event");
    }

    fn events(&self) -> u64 {
        let all = self.json("operator", &["audit"]);
        let last = all.as_array().unwrap().last().cloned().unwrap_or_default();
        last["number"].as_u64().unwrap_or(0)
    }

    /// A bundle file of the given manifest head.
    fn bundle(&self, file: &str, name: &str, provider: &str, counter: u32, key: Option<&str>) {
        let root = self.path("root/bin");
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("hello"), [0x7f, b'E', b'L', b'F'].repeat(50_000)).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(root.join("hello"), executable).unwrap();
        let manifest = format!(
            "format = 1\nname = \"{name}\"\nversion = \"1.0.{counter}\"\nprovider = \"{provider}\"\n\
             counter = {counter}\n[run]\ncommand = [\"/bin/hello\"]\nreadiness = \"exec\"\n\
             ready-within-seconds = 5\nstop-within-seconds = 5\n[limits]\nmemory = \"4MiB\"\n\
             processes = 4\ntemporary = \"1MiB\"\n\
             [[exports]]\ninterface = \"energy.meter\"\nversion = \"1.0\"\nto = [\"alarm\"]\n"
        );
        fs::write(self.path("manifest.toml"), manifest).unwrap();
        let mut words = vec!["bundle", "pack", "manifest.toml", "root", file];
        words.extend(["--architecture", std::env::consts::ARCH]);
        if let Some(key) = key {
            words.extend(["--sign", key]);
        }
        self.good(provider, &words);
    }
}

#[test]
fn a_provider_deploys_updates_shares_and_removes() {
    let house = House::new();
    house.bundle("one.bundle", "meter", "energy", 1, Some("energy.sign"));
    let installed = house.json("energy", &["bundle", "install", "one.bundle"]);
    assert_eq!(
        (&installed["name"], &installed["state"]),
        (&json!("meter"), &json!("Installed"))
    );
    let list = house.json("energy", &["bundle", "list"]);
    assert_eq!(
        (&list[0]["unit-state"], &list[0]["version"]),
        (&json!("Active"), &json!("1.0.1"))
    );
    house.bundle("two.bundle", "meter", "energy", 2, Some("energy.sign"));
    house.json("energy", &["bundle", "install", "two.bundle"]);
    assert_eq!(
        house.json("energy", &["bundle", "list"])[0]["version"],
        json!("1.0.2")
    );
    house.refused("energy", &["bundle", "install", "one.bundle"], &["counter"]);

    house.good("energy", &["grant", "add", "energy.meter", "alarm"]);
    assert_eq!(
        house.json("alarm", &["grant", "list"])[0]["exporter"],
        json!("energy")
    );
    house.good("energy", &["grant", "revoke", "energy.meter", "alarm"]);
    assert_eq!(house.json("operator", &["grant", "list"]), json!([]));

    house.good("energy", &["bundle", "stop", "meter"]);
    assert_eq!(
        house.json("energy", &["bundle", "show", "meter"])["unit-state"],
        json!("Idle")
    );
    house.refused("energy", &["bundle", "stop", "meter"], &["already stopped"]);
    house.good("energy", &["bundle", "start", "meter"]);
    house.good("energy", &["bundle", "uninstall", "meter"]);
    assert_eq!(house.json("energy", &["bundle", "list"]), json!([]));
    let own = house.json("energy", &["audit"]);
    let texts = own.to_string();
    assert!(
        texts.contains("installed a bundle") && texts.contains("updated a bundle"),
        "{texts}"
    );
    assert_eq!(house.json("alarm", &["bundle", "list"]), json!([]));
}

#[test]
fn bundles_that_are_not_good_change_nothing_and_are_recorded() {
    let house = House::new();
    house.bundle("good.bundle", "web", "energy", 1, Some("energy.sign"));
    house.json("energy", &["bundle", "install", "good.bundle"]);

    house.bundle("unsigned.bundle", "thing", "energy", 1, None);
    house.refused(
        "energy",
        &["bundle", "install", "unsigned.bundle"],
        &["sign"],
    );
    house.bundle("foreign.bundle", "thing", "energy", 1, Some("alarm.sign"));
    house.refused("energy", &["bundle", "install", "foreign.bundle"], &["key"]);
    house.bundle("other.bundle", "thing", "alarm", 1, Some("energy.sign"));
    house.refused("energy", &["bundle", "install", "other.bundle"], &["alarm"]);
    house.bundle("whole.bundle", "thing", "energy", 1, Some("energy.sign"));
    let bytes = fs::read(house.path("whole.bundle")).unwrap();
    for (cut, at) in [bytes.len() - 1, bytes.len() / 2, 30].iter().enumerate() {
        let name = format!("cut-{cut}.bundle");
        fs::write(house.path(&name), &bytes[..*at]).unwrap();
        house.refused("energy", &["bundle", "install", &name], &[]);
    }
    for (flip, at) in [3, 40, bytes.len() / 2, bytes.len() - 5].iter().enumerate() {
        let mut broken = bytes.clone();
        broken[*at] ^= 4;
        let name = format!("flip-{flip}.bundle");
        fs::write(house.path(&name), broken).unwrap();
        house.refused("energy", &["bundle", "install", &name], &[]);
    }
    fs::write(house.path("noise.bundle"), [9; 100]).unwrap();
    house.refused(
        "energy",
        &["bundle", "install", "noise.bundle"],
        &["bundle"],
    );
    // And the good one is still taken after all that.
    house.json("energy", &["bundle", "install", "whole.bundle"]);
}

#[test]
fn wishes_that_cannot_be_granted_change_nothing_and_are_recorded() {
    let house = House::new();
    let run = |who: &str, words: &[String], said: &[&str]| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        house.refused(who, &words, said);
    };
    run(
        "operator",
        &house.create("energy", "8MiB"),
        &["already", "energy"],
    );
    fs::write(house.path("acme-ca.pem"), &house.pki.stranger.certificate).unwrap();
    house.good("operator", &["bundle", "keygen", "--secret", "acme.sign"]);
    run("operator", &house.create("acme", "16384GiB"), &["memory"]);
    fs::copy(house.path("alarm-ca.pem"), house.path("acme-ca.pem")).unwrap();
    run("operator", &house.create("acme", "8MiB"), &["alarm", "own"]);
    fs::write(house.path("acme-ca.pem"), "no certificate").unwrap();
    run("operator", &house.create("acme", "8MiB"), &["certificate"]);
    house.good("operator", &["vgw", "stop", "alarm"]);
    house.refused("operator", &["vgw", "stop", "alarm"], &["already"]);
    house.good("operator", &["vgw", "start", "alarm"]);
    house.refused(
        "alarm",
        &[
            "object",
            "read",
            "limen:type=Bundle,provider=energy,name=web",
        ],
        &["for you"],
    );
    house.refused("alarm", &["vgw", "show", "energy"], &["for you"]);
    house.refused(
        "energy",
        &["grant", "add", "energy.meter", "nobody"],
        &["energy.meter"],
    );
}

#[test]
fn a_plan_tells_and_changes_nothing() {
    let house = House::new();
    let before = (house.state(), house.events());
    let plan = |words: &[&str]| {
        let mut all = vec!["--json", "vgw", "plan"];
        all.extend(words);
        let output = house.run("operator", &all);
        let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), plan)
    };
    let wish = ["third", "--memory", "32MiB", "--disk", "8MiB"];
    let (code, fits) = plan(&wish);
    assert_eq!((code, &fits["fits"]), (Some(0), &json!(true)), "{fits}");
    let asked = |plan: &Value, key: &str| {
        let resources = plan["resources"].as_array().unwrap();
        let one = resources.iter().find(|one| one["key"] == key);
        one.unwrap()["asked"].clone()
    };
    assert_eq!(asked(&fits, "limits.memory"), json!(32 << 20));
    // Of one that exists, what is not given stays.
    let (code, own) = plan(&["energy", "--guarantee-memory", "8MiB"]);
    assert_eq!(code, Some(0), "{own}");
    assert_eq!(asked(&own, "limits.memory"), json!(16 << 20));
    assert_eq!(asked(&own, "guarantees.memory"), json!(8 << 20));
    let (code, huge) = plan(&["energy", "--disk", "9999999GiB"]);
    assert_eq!((code, &huge["fits"]), (Some(1), &json!(false)));
    assert_eq!(huge["displaced"][0]["provider"], json!("alarm"));
    let table = house.run(
        "operator",
        &["vgw", "plan", "energy", "--memory", "9999999GiB"],
    );
    let said = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(
        said.contains("FOR CONTRACTS") && said.contains("obstacle: "),
        "{said}"
    );
    let refused = house.run("energy", &["vgw", "plan", "energy", "--memory", "8MiB"]);
    assert_eq!(refused.status.code(), Some(1));
    let after = (house.state(), house.events());
    assert_eq!(after, before);
}

#[test]
fn contracts_that_are_wrong_are_refused_by_the_key() {
    let house = House::new();
    for (words, said) in [
        (&["--memory", "0"][..], "limits.memory is 0 bytes"),
        (&["--memory", "18446744073709551615"], "limits.memory"),
        (&["--memory-high", "17MiB"], "limits.memory-high is 17 MiB"),
        (
            &["--guarantee-memory", "17MiB"],
            "guarantees.memory is 17 MiB",
        ),
        (&["--processes", "0"], "limits.processes is 0"),
        (&["--processes", "4294967295"], "limits.processes"),
        (&["--descriptors", "1"], "limits.descriptors is 1"),
        (&["--cpu-weight", "0"], "limits.cpu-weight is 0"),
        (&["--cpu-percent", "65535"], "limits.cpu-percent"),
        (&["--cpu-burst-ms", "1"], "limits.cpu-burst-ms needs"),
        (&["--guarantee-cpu", "65535"], "guarantees.cpu-percent"),
        (&["--disk", "0"], "disk is 0 bytes"),
        (&["--inodes", "4294967295"], "inodes"),
        (&["--write-rate", "1"], "limits.write-rate is 1 bytes"),
        (&["--upload", "1"], "upload.bits is 1"),
        (&["--download-burst", "1MiB"], "download.burst needs"),
        (&["--volume-then", "64kbit"], "volume.then needs"),
        (&["--connections", "0"], "connections is 0"),
        (&["--wan", "listed"], "destinations is empty"),
        (
            &["--destination", "192.0.2.1"],
            "destinations are for wan = listed",
        ),
        (&["--lan", "127.0.0.1"], "lan: 127.0.0.1/32"),
        (
            &["--publish", "tcp:8443:80", "--publish", "tcp:8443:81"],
            "publish names tcp port 8443",
        ),
        (&["--device", "camera"], "camera"),
        (&["--minimum", "shaped"], "minimum.shaped needs"),
    ] {
        let mut all = vec!["vgw", "limit", "energy"];
        all.extend(words);
        house.refused("operator", &all, &[said]);
    }
}

#[test]
fn a_removed_provider_is_nobody_at_once() {
    let house = House::new();
    house.good("alarm", &["vgw", "list"]);
    house.good("operator", &["vgw", "remove", "alarm", "--discard-volumes"]);
    let start = std::time::Instant::now();
    loop {
        let output = house.run("alarm", &["vgw", "list"]);
        if output.status.code() == Some(3) {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains("no authority"), "{said}");
            break;
        }
        assert!(start.elapsed().as_secs() < 10, "alarm is still somebody");
    }
    assert_eq!(
        house.json("operator", &["vgw", "list"])[0]["provider"],
        json!("energy")
    );
    let audit = house.json("operator", &["audit"]).to_string();
    assert!(audit.contains("no pinned authority"), "{audit}");
}
