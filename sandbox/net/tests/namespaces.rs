//! Links, shaping and firewall in network namespaces of the test's own
//!
//! Needs root, as the box has it. The test program starts itself again inside fresh network and
//! mount namespaces (unshare of util-linux), so nothing of the host is touched.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs::File;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

use limen_proto::contract::{Contract, Protocol, Publish, Rate, Wan};
use limen_proto::id::Slot;

const INSIDE: &str = "LIMEN_NET_TEST_INSIDE";

/// Runs `body` in a network namespace of its own; says so when that is not possible here.
fn in_own_namespace(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let allowed = Command::new("unshare").args(["--net", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED {test}: network namespaces need root here");
        return;
    }
    let status = Command::new("unshare")
        .args(["--net", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{test} failed inside its namespace");
}

/// A process that keeps a network namespace.
struct Vgw(Child);

impl Vgw {
    fn new() -> Self {
        let child = Command::new("unshare")
            .args(["--net", "--", "sh", "-c", "echo ready; exec sleep 60"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut vgw = Self(child);
        let mut line = [0; 6];
        std::io::Read::read_exact(vgw.0.stdout.as_mut().unwrap(), &mut line).unwrap();
        vgw
    }

    fn namespace(&self) -> File {
        File::open(format!("/proc/{}/ns/net", self.0.id())).unwrap()
    }
}

impl Drop for Vgw {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn contract(publish: &[Publish], rate: u64, wan: Wan) -> Contract {
    Contract {
        upload: Rate::of(rate),
        download: Rate::of(rate),
        wan,
        publish: publish.iter().copied().collect(),
        ..Contract::default()
    }
}

fn web(outside: u16) -> Publish {
    Publish {
        protocol: Protocol::Tcp,
        outside,
        inside: 80,
    }
}

fn devices() -> String {
    std::fs::read_to_string("/proc/thread-self/net/dev").unwrap()
}

#[test]
fn a_link_comes_changes_and_goes_without_a_trace() {
    in_own_namespace("a_link_comes_changes_and_goes_without_a_trace", || {
        limen_net::prepare("eth0", 8443).unwrap();
        let before = devices();
        let (vgw, slot) = (Vgw::new(), Slot::new(3).unwrap());
        let namespace = vgw.namespace();
        let inside = namespace.as_fd();
        let first = contract(&[web(8080), web(8081)], 1_000_000, Wan::All);
        limen_net::build(slot, inside, &first, false).unwrap();
        assert!(devices().contains("vgw3:"));
        let inner = std::fs::read_to_string(format!("/proc/{}/net/route", vgw.0.id())).unwrap();
        assert!(
            inner
                .lines()
                .any(|line| line.starts_with("uplink\t00000000")),
            "{inner}"
        );

        limen_net::adjust(slot, inside, &contract(&[web(8082)], 0, Wan::None)).unwrap();
        limen_net::adjust(slot, inside, &first).unwrap();
        limen_net::destroy(slot).unwrap();
        limen_net::destroy(slot).unwrap();
        let gone = devices();
        assert_eq!(gone.lines().count(), before.lines().count(), "{gone}");
        // A later life of init finds the table of this one.
        limen_net::prepare("eth0", 8443).unwrap();
    });
}

#[test]
fn a_port_is_published_once_and_a_failed_link_is_undone() {
    in_own_namespace(
        "a_port_is_published_once_and_a_failed_link_is_undone",
        || {
            limen_net::prepare("eth0", 8443).unwrap();
            let (one, two) = (Vgw::new(), Vgw::new());
            let wish = contract(&[web(8080)], 0, Wan::None);
            let (first, second) = (Slot::new(1).unwrap(), Slot::new(2).unwrap());
            limen_net::build(first, one.namespace().as_fd(), &wish, false).unwrap();
            let fault =
                limen_net::build(second, two.namespace().as_fd(), &wish, false).unwrap_err();
            assert_eq!(fault.errno, rustix::io::Errno::EXIST, "{fault}");
            assert!(fault.object.contains("port 8080"), "{fault}");
            assert!(!devices().contains("vgw2:"), "the half-made link is gone");
            limen_net::destroy(first).unwrap();
            limen_net::build(second, two.namespace().as_fd(), &wish, false).unwrap();
        },
    );
}

#[test]
fn what_an_earlier_life_left_keeps_no_later_one_from_starting() {
    in_own_namespace(
        "what_an_earlier_life_left_keeps_no_later_one_from_starting",
        || {
            limen_net::prepare("eth0", 8443).unwrap();
            let slot = Slot::new(3).unwrap();
            let wish = contract(&[web(8080)], 0, Wan::All);
            let first = Vgw::new();
            limen_net::build(slot, first.namespace().as_fd(), &wish, false).unwrap();
            // Its namespace ends, and with it the link; nobody removes what the firewall has.
            drop(first);
            while devices().contains("vgw3:") {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            let second = Vgw::new();
            limen_net::build(slot, second.namespace().as_fd(), &wish, false).unwrap();
            limen_net::destroy(slot).unwrap();
        },
    );
}
