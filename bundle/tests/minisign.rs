//! The Debian `minisign` tool and we accept each other's keys and signatures.
//!
//! Without the tool the test says so on its first line and passes: `cargo xtask setup` installs it.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use limen_bundle::inspect::inspect;
use limen_bundle::reader::Sealed;
use limen_bundle::sign::{SecretKey, attach, keygen, public_key, public_path};
use support::{Workshop, signed_by};

/// Runs the tool in the workshop; what it printed if it failed.
fn minisign(directory: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("minisign")
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .expect("minisign runs");
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn installed() -> bool {
    let found = Command::new("minisign")
        .arg("-v")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        eprintln!(
            "SKIPPED: minisign is not installed; run cargo xtask setup, or apt install minisign"
        );
    }
    found
}

#[test]
fn the_tool_verifies_our_signature() {
    if !installed() {
        return;
    }
    let workshop = Workshop::new();
    let (bundle, _) = workshop.signed();
    let opened = Sealed::read(&bundle[..])
        .expect("sealed")
        .open_untrusted()
        .expect("opened");
    fs::write(workshop.path("manifest"), opened.manifest_bytes()).expect("written");
    fs::write(
        workshop.path("manifest.minisig"),
        opened.signature().expect("signed").text(),
    )
    .expect("written");
    minisign(
        workshop.directory.path(),
        &["-V", "-m", "manifest", "-p", "energy.pub"],
    )
    .expect("it verifies");
    fs::write(workshop.path("manifest"), b"another").expect("written");
    minisign(
        workshop.directory.path(),
        &["-V", "-m", "manifest", "-p", "energy.pub"],
    )
    .expect_err("it does not");
}

#[test]
fn we_verify_what_the_tool_signed_with_its_key_and_with_ours() {
    if !installed() {
        return;
    }
    let workshop = Workshop::new();
    let unsigned = workshop.pack();
    let opened = Sealed::read(&unsigned[..])
        .expect("sealed")
        .open_untrusted()
        .expect("opened");
    fs::write(workshop.path("manifest"), opened.manifest_bytes()).expect("written");
    minisign(
        workshop.directory.path(),
        &["-G", "-W", "-s", "tool", "-p", "tool.pub"],
    )
    .expect("a key");
    keygen(&workshop.path("ours"), None).expect("a key");
    for name in ["tool", "ours"] {
        minisign(
            workshop.directory.path(),
            &["-S", "-s", name, "-m", "manifest"],
        )
        .expect("signed");
        let text = fs::read_to_string(workshop.path("manifest.minisig")).expect("a signature");
        let mut signed = Vec::new();
        attach(&unsigned[..], &mut signed, &text).expect("attached");
        let key = public_key(&workshop.path(&format!("{name}.pub"))).expect("a key");
        inspect(&signed[..], &[key]).expect("verified");
    }
}

#[test]
fn we_sign_with_the_tools_key() {
    if !installed() {
        return;
    }
    let workshop = Workshop::new();
    minisign(
        workshop.directory.path(),
        &["-G", "-W", "-s", "tool", "-p", "tool.pub"],
    )
    .expect("a key");
    let secret = SecretKey::load(&workshop.path("tool"), None).expect("a key");
    let signed = signed_by(&workshop.pack(), &secret);
    let key = public_key(&public_path(&workshop.path("tool"))).expect("a key");
    inspect(&signed[..], &[key]).expect("verified");
}
