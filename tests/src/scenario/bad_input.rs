//! Bad input: a clear refusal, an event, and no change of state

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::Scene;
use crate::bundle::{Recipe, make};
use crate::console::Console;
use crate::manifest::Manifest;
use crate::patience::wait_for;

fn manifest() -> Manifest {
    Manifest::new("energy", "spare", &["/bin/spare"])
}

/// A bundle of energy's, with another manifest or another key.
fn spare(scene: &Scene, folder: &Path, manifest: &Manifest, key: Option<&str>) -> Result<PathBuf> {
    let recipe = Recipe {
        manifest,
        programs: &[("/bin/spare", &scene.adversary)],
    };
    let key = key.map(|key| scene.gateway.variable(key)).transpose()?;
    make(
        scene.gateway.limenctl(),
        folder,
        &recipe,
        key.map(Path::new),
    )
}

/// Unsigned, foreign-signed, truncated, bit-flipped, of another provider, too large, unknown keys.
pub(super) fn bad_bundles_change_nothing(scene: &mut Scene) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let before = scene.energy.json(&["bundle", "list"])?;
    let refused = |file: &Path, words: &[&str]| {
        let path = file.to_str().context("a plain name")?;
        let events = last_event(&scene.energy)?;
        let outcome = scene.energy.refused(&["bundle", "install", path])?;
        outcome.says(words)?;
        match outcome.status {
            // By the box: it says so in its audit trail too.
            Some(1) => {
                let now = last_event(&scene.energy)?;
                ensure!(
                    now > events,
                    "no event: {}{}",
                    outcome.command,
                    outcome.error
                );
                Ok(())
            }
            // By limenctl, before anything was sent: it is not even a bundle.
            Some(4) => Ok(()),
            other => bail!("not a refusal but {other:?}: {}", outcome.error),
        }
    };
    let fresh = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(&path).map(|()| path)
    };

    refused(
        &spare(scene, &fresh("unsigned")?, &manifest(), None)?,
        &["sign"],
    )?;
    let foreign = Some("LIMEN_SIGNING_ALARM");
    refused(
        &spare(scene, &fresh("foreign")?, &manifest(), foreign)?,
        &["sign"],
    )?;
    let own = Some("LIMEN_SIGNING_ENERGY");
    let other = manifest().with("provider", "alarm");
    refused(&spare(scene, &fresh("other")?, &other, own)?, &["provider"])?;
    let greedy = manifest().with("limits.memory", "512MiB");
    refused(&spare(scene, &fresh("greedy")?, &greedy, own)?, &["memory"])?;
    let open = manifest().with("limits.descriptors", 100_000);
    refused(
        &spare(scene, &fresh("open")?, &open, own)?,
        &["descriptors"],
    )?;

    let good = fs::read(spare(scene, &fresh("good")?, &manifest(), own)?)?;
    let damaged = folder.path().join("damaged.bundle");
    for cut in [0, 3, good.len() / 3, good.len() - 1] {
        fs::write(&damaged, good.get(..cut).unwrap_or_default())?;
        refused(&damaged, &[])?;
    }
    for place in [0, 40, 200, good.len() / 2, good.len() - 5] {
        let mut bytes = good.clone();
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= 0x10;
        }
        fs::write(&damaged, &bytes)?;
        refused(&damaged, &[])?;
    }
    unknown_keys_are_named(scene, folder.path())?;

    let after = scene.energy.json(&["bundle", "list"])?;
    let names = |list: &serde_json::Value| -> Vec<String> {
        list.as_array()
            .into_iter()
            .flatten()
            .map(|entry| entry["name"].to_string())
            .collect()
    };
    ensure!(
        names(&before) == names(&after),
        "something was installed: {after}"
    );
    let audit = scene.energy.json(&["audit"])?.to_string();
    ensure!(
        audit.contains("sign"),
        "no event about a refused signature: {audit}"
    );
    Ok(())
}

/// Number of the newest event that a caller may see.
fn last_event(console: &Console) -> Result<u64> {
    let audit = console.json(&["audit"])?;
    let last = audit.as_array().and_then(|events| events.last());
    Ok(last.and_then(|event| event["number"].as_u64()).unwrap_or(0))
}

/// The packing tool refuses what the box would refuse, and says where.
fn unknown_keys_are_named(scene: &Scene, folder: &Path) -> Result<()> {
    let with = |key, value: &str| manifest().with(key, value).to_string();
    for (name, text, word) in [
        ("unknown", with("extra.key", "some"), "extra"),
        ("malformed", "format = \n".to_owned(), "manifest"),
        (
            "burst",
            manifest().with("limits.cpu-burst-ms", 1).to_string(),
            "limits.cpu-burst-ms",
        ),
        (
            "high",
            with("limits.memory-high", "5MiB"),
            "limits.memory-high",
        ),
        ("rate", with("limits.read-rate", "0KiB"), "limits.read-rate"),
        ("user", with("run.user", "../root"), "run.user"),
        (
            "version",
            manifest().with("format", 99).to_string(),
            "format",
        ),
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.join("root"))?;
        fs::write(path.join("manifest.toml"), text)?;
        let output = Command::new(scene.gateway.limenctl())
            .args(["bundle", "pack"])
            .args([
                path.join("manifest.toml"),
                path.join("root"),
                path.join("out.bundle"),
            ])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            !output.status.success() && said.contains(word),
            "{name}: {said}"
        );
    }
    Ok(())
}

/// Unknown providers, bundles, interfaces, grants; what a role does not have.
pub(super) fn bad_calls_change_nothing(scene: &mut Scene) -> Result<()> {
    for arguments in [
        &["vgw", "show", "nobody"][..],
        &["vgw", "stop", "nobody"],
        &["vgw", "remove", "nobody"],
        &["object", "read", "limen:type=Nothing"],
        &["object", "read", "no colon"],
        &["object", "exec", "limen:type=Core", "noSuchOperation"],
    ] {
        scene.operator.refused(arguments)?;
    }
    for arguments in [
        &["bundle", "start", "nothing"][..],
        &["bundle", "uninstall", "nothing"],
        &["bundle", "logs", "nothing"],
        &["grant", "add", "energy.nothing", "alarm"],
        &["grant", "add", "energy.meter", "nobody"],
        &["grant", "revoke", "4711"],
        &["vgw", "stop", "energy"],
        &["vgw", "stop", "alarm"],
        &["core", "power-off"],
        &["core", "kill", "broker"],
    ] {
        scene.energy.refused(arguments)?;
    }
    // Removing what holds data needs to be said twice.
    scene.operator.refused(&["vgw", "remove", "energy"])?;
    scene.wait_for_demonstration()
}

/// No certificate, one of a foreign authority, a server that is not ours: no byte of an answer.
pub(super) fn bad_certificates_get_no_answer(scene: &mut Scene) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let subject = "/CN=mallory";
    let output = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "2", "-subj", subject, "-keyout"])
        .arg(path("key.pem"))
        .arg("-out")
        .arg(path("certificate.pem"))
        .output()
        .context("cannot execute openssl")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mallory = scene
        .energy
        .with_certificate(&path("certificate.pem"), &path("key.pem"));
    mallory.refused(&["vgw", "list"])?.says(&["certificate"])?;
    scene
        .energy
        .trusting(&path("certificate.pem"))
        .refused(&["vgw", "list"])?;

    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--insecure", "--max-time", "20"])
        .arg(format!(
            "{}/jolokia/version",
            scene.gateway.variable("LIMEN_URL")?
        ))
        .output()
        .context("cannot execute curl")?;
    ensure!(
        !output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
    wait_for("a note of the refused handshakes", || {
        let audit = scene.operator.json(&["audit"])?.to_string();
        ensure!(audit.contains("showed no certificate"), "{audit}");
        Ok(())
    })?;
    // Energy's certificate is good for energy alone.
    scene
        .energy
        .refused(&["object", "read", "limen:type=VirtualGateway,provider=alarm"])?;
    scene.energy.run(&["vgw", "list"])?.succeeded().map(drop)
}
