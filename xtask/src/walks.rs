//! Walks: guests in which a program of ours stands where one of the core's does.
//!
//! Scenarios drive a whole box from outside. A walk is inside, next to the part that it walks through,
//! and so reaches what no client can ask for: single tasks of limen-jail, system calls that fail,
//! a steward that is killed by its own wish, limen-init as an ordinary process. It passes when the
//! guest has said `NAME: done`, has then ended by itself, and has complained of nothing before; its
//! console stays in `target/walks/KERNEL/NAME/serial.log`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use limen_cross::{Built, Target};
use limen_images::disk::{self, Provision};
use limen_images::image::Image;
use limen_images::machine::Machine;
use limen_images::qemu::{Clock, Configuration};

use crate::credentials::Credentials;
use crate::progress::Step;
use crate::scenarios::KERNELS;
use crate::turn::{Shared, Turn};
use crate::variant::{self, Place, Variant};
use crate::verbs::build;
use crate::workspace::Workspace;

/// One of `limen_cross::program::WALKS`, and where it stands.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Its name among the stages.
    pub(crate) stage: &'static str,
    /// The program, and the first word of what it says.
    name: &'static str,
    /// Which programs of the core it replaces, and under which name it finds each.
    places: &'static [(&'static str, Option<&'static str>)],
    /// Whether the hostile program stands in the place of the logger.
    hostile: bool,
    /// What its guest's clock follows.
    clock: Clock,
    /// Most bytes a second that its data disk takes, if that matters.
    disk_write_rate: Option<u32>,
}

/// Every walk.
pub(crate) const WALKS: &[Walk] = &[
    Walk {
        stage: "walks in guests: walk",
        name: "walk",
        places: &[("limen-init", None)],
        hostile: true,
        clock: Clock::Host,
        // An SD card: who writes faster must wait for it, and not be killed for what waits.
        disk_write_rate: Some(2_500_000),
    },
    Walk {
        stage: "walks in guests: tour",
        name: "tour",
        places: &[("limen-steward", None)],
        hostile: false,
        clock: Clock::Host,
        disk_write_rate: None,
    },
    Walk {
        stage: "walks in guests: host",
        name: "host",
        places: &[("limen-init", Some("limen-ordinary"))],
        hostile: false,
        clock: Clock::Host,
        disk_write_rate: None,
    },
    Walk {
        stage: "walks in guests: wires",
        name: "wires",
        places: &[("limen-init", None)],
        hostile: false,
        // It measures rates: a busy machine must not count as a slow link.
        clock: Clock::Instructions,
        disk_write_rate: None,
    },
    Walk {
        stage: "walks in guests: cycles",
        name: "cycles",
        places: &[
            ("limen-init", Some("limen-ordinary")),
            ("limen-steward", None),
        ],
        hostile: false,
        clock: Clock::Host,
        disk_write_rate: None,
    },
];

/// For the longest walk on a busy machine, several times over.
const LIMIT: Duration = Duration::from_secs(360);
/// The same, when there is time.
const LONG_LIMIT: Duration = Duration::from_secs(3600);

/// Of the walk `cycles`: starts and stops, and processes that limen-init inherits.
const CYCLES: (u32, u32) = (50, 500);
/// The same, when there is time.
const LONG_CYCLES: (u32, u32) = (1000, 200_000);

/// From its last word to the emulator's end; init gives units seconds to stop.
const END: Duration = Duration::from_secs(30);

/// Plays one walk on every kernel; `long` takes hours rather than minutes.
pub(crate) fn play(workspace: &Workspace, walk: &Walk, long: bool) -> Result<()> {
    let _turn = Turn::wait(
        workspace,
        Shared::Guests,
        &format!("the walk {}", walk.name),
    )?;
    let core = build::programs(workspace, Target::Aarch64)?;
    let walks = build::walks(workspace)?;
    let builder = build::images(workspace);
    let folder = workspace.target().join("walks");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let credentials = Credentials::open(&folder.join("credentials"))?;
    let system = folder.join(format!("{}.squashfs", walk.name));
    let by = program(&walks, walk.name)?;
    let places = walk.places.iter();
    let places: Vec<_> = places
        .map(|&(name, kept_as)| Place { name, by, kept_as })
        .collect();
    let variant = Variant {
        places: &places,
        trees: &[],
    };
    let hostile = with_adversary(&core)?;
    let others = if walk.hostile { &hostile } else { &core };
    let (cycles, orphans) = if long { LONG_CYCLES } else { CYCLES };
    let (cycles, orphans) = (format!("CYCLES={cycles}"), format!("ORPHANS={orphans}"));
    variant.write(&builder, others, &system, |table| {
        let all = table.units.iter_mut();
        for unit in all.filter(|unit| unit.name.as_str() == "steward") {
            unit.environment.push(&cycles)?;
            unit.environment.push(&orphans)?;
        }
        Ok(())
    })?;
    for kernel in KERNELS {
        let ordinary = build::image(&builder, kernel.name, &core)?;
        let step = Step::start(format!("{} on kernel {}", walk.name, kernel.name));
        let guest = Guest {
            image: variant::with_system(&ordinary, system.clone()),
            folder: folder.join(kernel.name).join(walk.name),
            credentials: &credentials,
        };
        guest.play(walk, long)?;
        step.done();
    }
    Ok(())
}

/// The core's programs, with the hostile one where no walk needs what is there.
fn with_adversary(core: &[Built]) -> Result<Vec<Built>> {
    let adversary = program(core, "adversary")?;
    let replace = |built: &Built| Built {
        program: built.program,
        path: match built.program.name {
            "limen-logger" => adversary.to_owned(),
            _ => built.path.clone(),
        },
    };
    Ok(core.iter().map(replace).collect())
}

fn program<'a>(built: &'a [Built], name: &str) -> Result<&'a Path> {
    let found = built.iter().find(|built| built.program.name == name);
    found
        .map(|built| built.path.as_path())
        .with_context(|| format!("{name} was not built"))
}

/// A box for one walk, with a data disk that nobody has written to.
struct Guest<'a> {
    image: Image,
    folder: PathBuf,
    credentials: &'a Credentials,
}

impl Guest<'_> {
    fn play(self, walk: &Walk, long: bool) -> Result<()> {
        let limit = if long { LONG_LIMIT } else { LIMIT };
        let mut machine = self.boot(walk, long)?;
        let log = machine.serial_log();
        let ended = machine
            .wait_for(&format!("{}: done", walk.name), limit)
            // The box's end is a part of each walk.
            .and_then(|_| machine.wait(END));
        let console = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
        let console = String::from_utf8_lossy(&console);
        let failures = failures(walk.name, &console);
        // Also after the last word: a steward that panicked is started again, and may get that far.
        if ended.is_ok() && failures.is_empty() {
            return Ok(());
        }
        let why = match ended {
            Ok(_) => machine.last_words(),
            Err(error) => format!("{error:#}"),
        };
        bail!(
            "{} failed; its console is in {}\n{}\n{why}",
            walk.name,
            log.display(),
            failures.join("\n")
        )
    }

    fn boot(self, walk: &Walk, long: bool) -> Result<Machine> {
        let data = self.folder.join("data.img");
        if data.exists() {
            fs::remove_file(&data).with_context(|| format!("cannot remove {}", data.display()))?;
        }
        let provision = Provision {
            operator_ca: self.credentials.authority("operator"),
            gateway_certificate: self.credentials.certificate("gateway"),
            gateway_key: self.credentials.key("gateway"),
        };
        disk::ensure_disk(&data, DISK, &provision)?;
        let mut configuration = Configuration::new(self.image, data, self.folder);
        configuration.clock = walk.clock;
        configuration.disk_write_rate = walk.disk_write_rate;
        if long {
            configuration.kernel_words.push("walk=long".to_owned());
        }
        configuration.spawn()
    }
}

/// Size of the data disk, bytes.
const DISK: u64 = 256 << 20;

/// The lines that say what did not hold: they may stand far above the console's last words.
fn failures<'a>(walk: &str, console: &'a str) -> Vec<&'a str> {
    let marker = format!("{walk}: NOT: ");
    console
        .lines()
        .filter(|line| line.contains(&marker) || line.contains("panicked at"))
        .collect()
}

#[cfg(test)]
mod tests {
    use limen_cross::program;

    use super::*;

    #[test]
    fn every_walk_that_can_be_built_is_played() {
        let built: Vec<_> = program::WALKS.iter().map(|walk| walk.name).collect();
        let played: Vec<_> = WALKS.iter().map(|walk| walk.name).collect();
        assert_eq!(built, played);
    }

    #[test]
    fn what_did_not_hold_is_found_wherever_it_stands() {
        let console = "walk: ok: a\nwalk: NOT: b: 1\nwalk: ok: c\nwalk: FAILED\n";
        assert_eq!(failures("walk", console), ["walk: NOT: b: 1"]);
        let console =
            "steward: thread 'main' (1) panicked at init/examples/tour.rs:9:\ntour: done\n";
        assert_eq!(failures("tour", console).len(), 1);
    }
}
