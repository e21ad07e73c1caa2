//! The kernel calls of a start, as a program of their own makes them (tests/floor)
//!
//! It says when each start was asked for, and this program, which it starts, when it began.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::{SAMPLES, sandbox};
use crate::payload;
use crate::samples::Samples;

/// Where the bench puts it.
const PROGRAM: &str = "/usr/bin/floor";
/// What it says before each start.
const ASKED: &str = "asked ";
/// Its kinds of start, and our names.
const KINDS: [(&str, &str); 2] = [("bundle", "floor-bundle"), ("vgw", "floor-vgw")];

/// Says both figures. The payload's root is the one that a sandbox was given before.
pub(super) fn measure() -> Result<()> {
    for (kind, name) in KINDS {
        samples(kind).with_context(|| name)?.show(name);
    }
    Ok(())
}

fn samples(kind: &str) -> Result<Samples> {
    let mut child = Command::new(PROGRAM)
        .args([kind, &SAMPLES.to_string()])
        .arg(sandbox::root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context(PROGRAM)?;
    let output = child.stdout.take().context("its output is a pipe")?;
    let (mut samples, mut asked) = (Samples::default(), None);
    for line in BufReader::new(output).lines() {
        let line = line.context("hear it")?;
        if let Some(time) = line.strip_prefix(ASKED) {
            asked = Some(time.parse().context("a time")?);
        } else if let (Some(asked), Some((first, _))) = (asked.take(), payload::read(&line)) {
            samples.add(asked, first);
        }
    }
    let status = child.wait().context("wait for it")?;
    ensure!(status.success(), "it ended with {status}");
    Ok(samples)
}
