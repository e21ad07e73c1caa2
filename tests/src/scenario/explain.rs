//! Denials are explained to whom they concern, and to nobody else

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Scene, wait_for_line, walls};
use crate::console::Console;
use crate::patience::wait_for;

fn explained(console: &Console, arguments: &[&str]) -> Result<Vec<Value>> {
    let denials = console.json(&[&["bundle", "explain"], arguments].concat())?;
    let list = denials.as_array().cloned();
    list.with_context(|| format!("not a list: {denials}"))
}

/// The hostile program's refused calls have names and remedies; paths and ports are answered from
/// manifest and contract.
pub(super) fn what_was_refused_is_explained(scene: &mut Scene) -> Result<()> {
    walls::with_adversary(
        scene,
        &walls::hostile("refused", &["A-08", "A-09"]),
        |console| {
            wait_for_line(console, "refused", 0, "attacks done")?;
            let denials = wait_for("refused calls are listed", || {
                let denials = explained(console, &["refused"])?;
                // Far more than ten lines: init lets the kernel write them.
                for call in ["mount", "umount2", "pivot_root", "unshare"] {
                    let what = format!("system call {call}");
                    let seen = denials.iter().find(|denial| denial["what"] == what);
                    let count = seen.and_then(|denial| denial["count"].as_u64());
                    ensure!(count > Some(0), "no {call}: {denials:?}");
                }
                Ok(denials)
            })?;
            let mount = denials
                .iter()
                .find(|denial| denial["what"] == "system call mount")
                .with_context(|| format!("mount is not among them: {denials:?}"))?;
            ensure!(mount["remedy"] == "nothing would allow it", "{mount}");
            let path = explained(console, &["refused", "--path", "/var/lib/adversary/x"])?;
            ensure!(
                path[0]["remedy"].to_string().contains("volume data"),
                "{path:?}"
            );
            let port = explained(console, &["refused", "--port", "443"])?;
            ensure!(
                port[0]["remedy"]
                    .to_string()
                    .contains("inward: not published"),
                "{port:?}"
            );
            // Another provider, and the operator, see a bundle that is not there.
            for other in [&scene.energy, &scene.operator] {
                other
                    .refused(&["bundle", "explain", "refused"])?
                    .says(&["there is no bundle refused"])?;
            }
            Ok(())
        },
    )?;
    ensure!(
        explained(&scene.alarm, &["mqtt"])?
            .iter()
            .all(|denial| !denial["what"].to_string().contains("system call mount")),
        "a neighbour is blamed"
    );
    scene.wait_for_page().map(drop)
}
