//! The data disk as the file system's own tools see it

use std::fs;
use std::path::Path;

use anyhow::Result;
use limen_images::disk::{Provision, SMALLEST, ensure_disk};
use limen_images::tool;

fn provision(folder: &Path) -> Result<Provision> {
    let file = |name: &str| -> Result<_> {
        let path = folder.join(name);
        fs::write(&path, format!("content of {name}"))?;
        Ok(path)
    };
    Ok(Provision {
        operator_ca: file("ca")?,
        gateway_certificate: file("chain")?,
        gateway_key: file("key")?,
    })
}

fn ask(disk: &Path, request: &str) -> Result<String> {
    tool::text(tool::command("debugfs").args(["-R", request]).arg(disk))
}

#[test]
fn a_new_disk_has_quotas_owners_and_certificates() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let disk = folder.path().join("run/data.img");
    let provision = provision(folder.path())?;
    assert!(ensure_disk(&disk, SMALLEST, &provision)?);

    let features = ask(&disk, "features")?;
    assert!(
        features.contains(" quota") && features.contains(" project"),
        "{features}"
    );
    let books = ask(&disk, "show_super_stats -h")?;
    assert!(
        books.contains("User quota inode:") && books.contains("Project quota inode:"),
        "{books}"
    );
    let state = ask(&disk, "stat /limen/state")?;
    assert!(
        state.contains("User:   900") && state.contains("Mode:  0700"),
        "{state}"
    );
    let key = ask(&disk, "stat /limen/provision/gateway.key")?;
    assert!(
        key.contains("User:   900") && key.contains("Mode:  0400"),
        "{key}"
    );
    assert_eq!(
        ask(&disk, "cat /limen/provision/gateway.pem")?,
        "content of chain"
    );
    tool::output(tool::command("e2fsck").args(["-f", "-n"]).arg(&disk))?;
    Ok(())
}

#[test]
fn a_disk_that_is_there_is_the_boxs_own() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let disk = folder.path().join("data.img");
    fs::write(&disk, "not even a disk")?;
    assert!(!ensure_disk(&disk, SMALLEST, &provision(folder.path())?)?);
    assert_eq!(fs::read_to_string(&disk)?, "not even a disk");
    Ok(())
}

#[test]
fn a_failure_leaves_no_half_disk() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let disk = folder.path().join("run/data.img");
    let mut provision = provision(folder.path())?;
    assert!(ensure_disk(&disk, SMALLEST - 1, &provision).is_err());
    provision.gateway_key = folder.path().join("absent");
    let error = ensure_disk(&disk, SMALLEST, &provision)
        .map_or_else(|error| format!("{error:#}"), |_| String::new());
    assert!(error.contains("absent"), "{error}");
    assert!(!disk.exists() && fs::read_dir(folder.path().join("run"))?.next().is_none());
    Ok(())
}
