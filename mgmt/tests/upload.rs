//! POST /bundles: through the endpoint and into the hand
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]

mod client;
mod fake;

use std::io::Write;
use std::time::{Duration, Instant};

use client::{connect, exchange, post_bytes};
use fake::Stand;
use serde_json::{Value, json};

#[test]
fn a_bundle_arrives_whole_and_the_outcome_comes_back() {
    let stand = Stand::new();
    let bytes: Vec<u8> = (0..3_000_000_u32)
        .map(|number| number.to_le_bytes()[1])
        .collect();
    let request = post_bytes("/bundles", &bytes, "");
    let answer = exchange(
        &mut connect(&stand, Some(&stand.pki.energy.client())),
        &request,
    )
    .unwrap();
    assert_eq!(answer.status, 200);
    let digest = "07".repeat(32);
    assert_eq!(
        answer.json(),
        json!({"operation": "install", "state": "Installed", "name": "web", "version": "1.0.0",
               "digest": digest})
    );
    assert!(stand.steward.uploads.lock().unwrap()[0] == bytes);
}

#[test]
fn a_refusal_reaches_a_client_that_is_still_sending() {
    let stand = Stand::new();
    let mut bytes = b"forged".to_vec();
    bytes.resize(8_000_000, 7);
    let request = post_bytes("/bundles", &bytes, "");
    let answer = exchange(
        &mut connect(&stand, Some(&stand.pki.energy.client())),
        &request,
    )
    .unwrap();
    assert_eq!(
        (answer.status, &answer.json()["refusal"]),
        (422, &json!("Untrusted"))
    );
}

#[test]
fn an_early_success_reaches_it_too() {
    let stand = Stand::new();
    let mut bytes = b"again!".to_vec();
    bytes.resize(8_000_000, 7);
    let request = post_bytes("/bundles", &bytes, "");
    let mut stream = connect(&stand, Some(&stand.pki.energy.client()));
    assert_eq!(exchange(&mut stream, &request).unwrap().status, 200);
    let next = client::get_bytes("/");
    assert_eq!(
        exchange(&mut stream, &next).unwrap().status,
        200,
        "the connection is in step"
    );
}

#[test]
fn progress_comes_line_by_line_when_asked_for() {
    let stand = Stand::new();
    let request = post_bytes("/bundles", &[5; 1000], "Accept: application/x-ndjson\r\n");
    let answer = exchange(
        &mut connect(&stand, Some(&stand.pki.energy.client())),
        &request,
    )
    .unwrap();
    let lines: Vec<Value> = answer
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0], json!({"progress": {"done": 500, "total": 1000}}));
    assert_eq!(lines.last().unwrap()["result"]["name"], json!("web"));
}

#[test]
fn a_client_that_waits_to_be_told_is_told_to_go_on() {
    let stand = Stand::new();
    let mut stream = connect(&stand, Some(&stand.pki.energy.client()));
    let head =
        "POST /bundles HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    let go_on = exchange(&mut stream, head.as_bytes()).unwrap();
    assert_eq!(go_on.status, 100);
    assert_eq!(exchange(&mut stream, b"a bundle.").unwrap().status, 200);
    assert_eq!(stand.steward.uploads.lock().unwrap()[0], b"a bundle.");
}

#[test]
fn a_client_that_goes_away_ends_the_stream_early() {
    let stand = Stand::new();
    let mut stream = connect(&stand, Some(&stand.pki.energy.client()));
    let request = post_bytes("/bundles", b"first part, cut", "");
    let text = String::from_utf8(request)
        .unwrap()
        .replace("Content-Length: 15", "Content-Length: 999");
    stream.write_all(text.as_bytes()).unwrap();
    stream.flush().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    drop(stream);
    let start = Instant::now();
    while stand.steward.uploads.lock().unwrap().is_empty() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "the hand must see the end"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(stand.steward.uploads.lock().unwrap()[0], b"first part, cut");
}
