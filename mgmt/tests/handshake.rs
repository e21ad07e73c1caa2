//! Who gets in: certificates, epochs of trust, limits at the door
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]

mod client;
mod fake;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use client::{connect, exchange, get, get_bytes};
use fake::Stand;
use fake::pki::Identity;

const WHO: &str = "/jolokia/version";

fn role(stand: &Stand, identity: &Identity) -> String {
    get(stand, identity, WHO).json()["value"]["info"]["limen"]["provider"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn refusal(stand: &Stand, identity: Option<&Identity>) -> String {
    let error = exchange(&mut connect(stand, identity), &get_bytes(WHO));
    error.expect_err("the handshake must fail").to_string()
}

fn eventually(what: &str, check: impl Fn() -> bool) {
    let start = Instant::now();
    while !check() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_authority_that_verifies_decides_the_role() {
    let stand = Stand::new();
    assert_eq!(role(&stand, &stand.pki.operator.client()), "core");
    assert_eq!(role(&stand, &stand.pki.energy.client()), "energy");
    assert_eq!(role(&stand, &stand.pki.alarm.client()), "alarm");
}

#[test]
fn nobody_else_sends_a_byte_of_http() {
    let stand = Stand::new();
    let pki = &stand.pki;
    for (identity, alert, note) in [
        (None, "CertificateRequired", "showed no certificate"),
        (
            Some(pki.stranger.client()),
            "UnknownCA",
            "no pinned authority",
        ),
        (Some(pki.energy.expired()), "CertificateExpired", "expired"),
        (
            Some(pki.energy.future()),
            "CertificateExpired",
            "not valid yet",
        ),
        (
            Some(pki.energy.server_only()),
            "BadCertificate",
            "not for clients",
        ),
        (
            Some(pki.energy.authority_as_leaf()),
            "BadCertificate",
            "invalid",
        ),
    ] {
        let refusal = refusal(&stand, identity.as_ref());
        println!("{note}: {refusal}");
        assert!(
            refusal.contains(alert) || refusal.contains("alert"),
            "{note}: {refusal}"
        );
        eventually(note, || {
            stand.steward.notes().iter().any(|text| text.contains(note))
        });
    }
    let calls = stand.steward.calls.lock().unwrap();
    use limen_proto::manage::Caller;
    assert!(
        calls
            .iter()
            .all(|(caller, _)| *caller == Caller::Management),
        "{calls:?}"
    );
}

#[test]
fn nothing_is_resumed_and_no_authority_is_named() {
    let stand = Stand::new();
    let mut stream = connect(&stand, Some(&stand.pki.energy.client()));
    exchange(&mut stream, &get_bytes(WHO)).unwrap();
    assert_eq!(stream.conn.tls13_tickets_received(), 0);
    assert_eq!(
        stream.conn.protocol_version(),
        Some(rustls::ProtocolVersion::TLSv1_3)
    );
    assert_eq!(stream.conn.alpn_protocol(), None);
}

#[test]
fn older_versions_of_tls_are_refused() {
    let stand = Stand::new();
    let identity = stand.pki.energy.client();
    let mut stream = client::connect_with(&stand, Some(&identity), &[&rustls::version::TLS12]);
    let error = exchange(&mut stream, &get_bytes(WHO)).expect_err("TLS 1.2");
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
}

#[test]
fn removed_authority_ends_its_connections_and_no_others() {
    let stand = Stand::new();
    let (energy, alarm) = (stand.pki.energy.client(), stand.pki.alarm.client());
    let mut ending = connect(&stand, Some(&energy));
    let mut staying = connect(&stand, Some(&alarm));
    exchange(&mut ending, &get_bytes(WHO)).unwrap();
    exchange(&mut staying, &get_bytes(WHO)).unwrap();
    stand.steward.change_trust(|trust| {
        trust
            .providers
            .retain(|(name, _)| name.as_str() != "energy");
    });
    assert_eq!(
        ending.sock.read(&mut [0; 64]).unwrap_or(0),
        0,
        "closed without a request"
    );
    exchange(&mut staying, &get_bytes(WHO)).unwrap();
    assert!(!refusal(&stand, Some(&energy)).is_empty());
}

#[test]
fn a_rotated_authority_is_another_holder() {
    let stand = Stand::new();
    let energy = stand.pki.energy.client();
    let next = fake::pki::Authority::new("energy, next");
    let pem = next.certificate.clone();
    assert_eq!(role(&stand, &energy), "energy");
    stand.steward.change_trust(|trust| {
        for (name, authority) in &mut trust.providers {
            if name.as_str() == "energy" {
                *authority = pem.clone();
            }
        }
    });
    eventually("the new authority counts", || {
        exchange(&mut connect(&stand, Some(&next.client())), &get_bytes(WHO)).is_ok()
    });
    refusal(&stand, Some(&energy));
}

#[test]
fn a_broken_authority_takes_the_box_from_nobody_else() {
    let stand = Stand::new();
    stand.steward.change_trust(|trust| {
        for (name, authority) in &mut trust.providers {
            if name.as_str() == "energy" {
                *authority = "no certificate".to_owned();
            }
        }
    });
    eventually("it is told", || {
        stand
            .steward
            .notes()
            .iter()
            .any(|text| text.contains("authority of energy"))
    });
    assert_eq!(role(&stand, &stand.pki.alarm.client()), "alarm");
}

#[test]
fn a_shared_authority_makes_nobody_of_two_providers_and_the_operator_stays() {
    let stand = Stand::new();
    let operator = stand.pki.operator.certificate.clone();
    let energy = stand.pki.energy.certificate.clone();
    stand.steward.change_trust(|trust| {
        trust.providers.push(("zebra".parse().unwrap(), energy));
        trust.providers.push(("mimic".parse().unwrap(), operator));
    });
    eventually("the new epoch is in force", || {
        exchange(
            &mut connect(&stand, Some(&stand.pki.energy.client())),
            &get_bytes(WHO),
        )
        .is_err()
    });
    assert_eq!(role(&stand, &stand.pki.operator.client()), "core");
    assert_eq!(role(&stand, &stand.pki.alarm.client()), "alarm");
}

#[test]
fn certificates_begin_when_they_like_while_the_clock_is_wrong() {
    let stand = Stand::new();
    // A floor in 2080: this machine's clock is behind it, so not-before does not count.
    stand
        .steward
        .change_trust(|trust| trust.not_before = 3_471_292_800);
    let future = stand.pki.energy.future();
    eventually("the new floor is in force", || {
        exchange(&mut connect(&stand, Some(&future)), &get_bytes(WHO)).is_ok()
    });
    refusal(&stand, Some(&stand.pki.energy.expired()));
}

#[test]
fn strangers_do_not_hold_the_door() {
    let stand = Stand::new();
    let idle: Vec<TcpStream> = (0..300)
        .map(|_| TcpStream::connect(stand.address).unwrap())
        .collect();
    let start = Instant::now();
    assert_eq!(role(&stand, &stand.pki.energy.client()), "energy");
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    drop(idle);
}

#[test]
fn a_slow_head_holds_one_place_only_until_it_is_needed() {
    let stand = Stand::new();
    let energy = stand.pki.energy.client();
    let mut slow: Vec<_> = (0..16).map(|_| connect(&stand, Some(&energy))).collect();
    for stream in &mut slow {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
        stream.flush().unwrap();
    }
    assert_eq!(role(&stand, &energy), "energy");
}
