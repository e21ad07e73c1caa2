//! A box that is booted to be measured.
//!
//! It gets a copy of a data disk, so that every boot finds the same, and its power is cut when
//! enough was heard: on the instruction clock nothing else can be learnt from its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use limen_images::image::Image;
use limen_images::machine::Machine;
use limen_images::qemu::{Clock, Configuration};

use super::Subject;
use super::console::Console;
use crate::process;
use crate::variant::{self, Place, Variant};

/// What a box is emulated with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hardware {
    /// What its clock follows.
    pub(crate) clock: Clock,
    /// How many processors it has.
    pub(crate) processors: u8,
}

impl Hardware {
    /// For figures in instructions.
    const MEASURED: Self = Self {
        clock: Clock::Instructions,
        processors: 2,
    };

    /// For the same figures on the plain emulator's clock.
    pub(crate) const PLAIN: Self = Self {
        clock: Clock::Host,
        processors: 2,
    };
}

/// A running box.
#[derive(Debug)]
pub(crate) struct Guest(Machine);

impl Guest {
    /// Boots it in `folder` on the instruction clock, with a copy of the data disk.
    pub(crate) fn boot(image: &Image, data: &Path, folder: &Path) -> Result<Self> {
        Self::boot_on(Hardware::MEASURED, image, data, folder)
    }

    /// The same on other hardware.
    pub(crate) fn boot_on(
        Hardware { clock, processors }: Hardware,
        image: &Image,
        data: &Path,
        folder: &Path,
    ) -> Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let copy = folder.join("data.img");
        process::run(
            Command::new("cp")
                .args(["--sparse=always", "--force"])
                .args([data, &copy]),
        )?;
        let mut configuration = Configuration::new(image.clone(), copy, folder.to_owned());
        configuration.clock = clock;
        configuration.processors = processors;
        if clock == Clock::Host {
            // The probe's pauses cost nothing on the other clock.
            configuration.kernel_words.push("probe.brief".to_owned());
        }
        Ok(Self(configuration.spawn()?))
    }

    /// Waits until the console has said enough, and returns what it said. Whoever watches sees each figure
    /// when it is there: some boots take minutes.
    pub(crate) fn hear(
        &mut self,
        limit: Duration,
        enough: impl Fn(Console<'_>) -> bool,
    ) -> Result<String> {
        let begun = Instant::now();
        let mut told = 0;
        loop {
            let ended = self.0.wait(Duration::ZERO).is_ok();
            let bytes = fs::read(self.0.serial_log()).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            for figure in Console(&text).figures().skip(told) {
                eprintln!("      {figure}");
                told += 1;
            }
            if enough(Console(&text)) {
                return Ok(text);
            }
            if let Some(why) = Console(&text).failure() {
                bail!("the probe in the guest failed: {why}");
            }
            if ended || begun.elapsed() > limit {
                bail!(
                    "the box {} before it had said enough; its last words:\n{}",
                    if ended { "ended" } else { "ran out of time" },
                    self.0.last_words()
                );
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// The probe in the places of some of the core's programs.
#[derive(Debug)]
pub(crate) struct Stand<'a> {
    /// Which programs it replaces, and whether each stays beside it, as `NAME.real`.
    pub(crate) places: &'a [(&'a str, bool)],
    /// What it finds in the environment of units with those programs.
    pub(crate) environment: Vec<String>,
    /// Units that are left out.
    pub(crate) without: &'a [&'a str],
    /// Folders that are laid over the root.
    pub(crate) trees: &'a [PathBuf],
}

impl Stand<'_> {
    /// The probe before limen-init: everything that a boot reads is in memory when it begins.
    pub(crate) const WARM: Stand<'static> = Stand {
        places: &[("limen-init", true)],
        environment: Vec::new(),
        without: &[],
        trees: &[],
    };

    /// Writes a system image with the probe in those places.
    pub(crate) fn image(&self, subject: &Subject<'_>) -> Result<Image> {
        let target = subject.folder.join("system.squashfs");
        let probe = super::program(subject.programs, "probe")?;
        let names: Vec<_> = self
            .places
            .iter()
            .map(|(name, _)| format!("{name}.real"))
            .collect();
        let places: Vec<_> = self
            .places
            .iter()
            .zip(&names)
            .map(|((name, keeps), kept)| Place {
                name,
                by: probe,
                kept_as: keeps.then_some(kept.as_str()),
            })
            .collect();
        let variant = Variant {
            places: &places,
            trees: self.trees,
        };
        let replaced = |word: &str| self.places.iter().any(|(name, _)| word.ends_with(name));
        variant.write(subject.builder, subject.programs, &target, |table| {
            table
                .units
                .retain(|unit| !self.without.contains(&unit.name.as_str()));
            for unit in &mut table.units {
                let runs_it = unit.command.iter().any(replaced);
                for word in self.environment.iter().filter(|_| runs_it) {
                    unit.environment.push(word)?;
                }
            }
            Ok(())
        })?;
        Ok(variant::with_system(subject.image, target))
    }
}
