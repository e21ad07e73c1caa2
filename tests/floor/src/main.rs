//! The physical floor: the kernel calls of a start, one after the other, and nothing else
//!
//! What a start costs is the kernel's work and ours. This program does the kernel's part alone:
//! `floor bundle COUNT FILES` starts a program in a virtual gateway that is there, `floor vgw COUNT
//! FILES` a whole virtual gateway with its first program, both with every wall that the box puts up.
//! There is no supervisor, no request, no report, no posture, no record, no quota on the disk, and
//! nothing is checked that the kernel does not check.
//!
//! | file | noun |
//! | --- | --- |
//! | `home` | a virtual gateway: its cgroup, its users, its first process |
//! | `bundle` | a program in it |
//! | `root` | a root file system |
//! | `identity` | who a process is |
//! | `rules` | Landlock |
//! | `filter` | the system-call filter |
//! | `sys` | raw calls |
//!
//! Each start prints `asked NANOSECONDS` before its first call; the program that is started prints
//! its own first line behind it (tests/probe, `payload`). The difference is the probe's to take.

mod bundle;
mod filter;
mod home;
mod identity;
mod root;
mod rules;
mod sys;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use home::{Home, Place};

/// Between two starts: what the kernel still does for the last one is not counted.
const PAUSE: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("floor: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    let [_, kind, count, files] = words else {
        bail!("say `floor bundle COUNT FILES` or `floor vgw COUNT FILES`");
    };
    let count: u32 = count.parse().context("COUNT")?;
    let files = Path::new(files);
    let place = Place::prepare()?;
    match *kind {
        "bundle" => {
            let home = Home::start(&place)?;
            for _ in 0..count {
                begin()?;
                bundle::live(&home, files)?;
            }
            home.end(&place)?;
        }
        "vgw" => {
            for _ in 0..count {
                begin()?;
                let home = Home::start(&place)?;
                bundle::live(&home, files)?;
                home.end(&place)?;
            }
        }
        other => bail!("{other} is neither bundle nor vgw"),
    }
    place.remove()
}

/// The last thing before a start.
fn begin() -> Result<()> {
    std::thread::sleep(PAUSE);
    let now = sys::now()?;
    println!("asked {now}");
    Ok(())
}
