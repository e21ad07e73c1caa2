//! Memory that the core and idle virtual gateways take, and the start of six of them.
//!
//! System-wide differences of `MemAvailable`, because a cgroup's own account leaves out what the
//! kernel holds for it: namespaces, links, the accounts themselves. The zero point is the same box
//! with the probe as PID 1.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use limen_images::disk::{self, Provision};
use limen_images::machine::Machine;
use limen_images::qemu::{Configuration, Forward, Transport};
use serde_json::Value;

use super::console::Console;
use super::demonstration::last;
use super::guest::{Guest, Hardware, Stand};
use super::{Figures, Subject, least, program};
use crate::credentials::Credentials;
use crate::limenctl::Console as Limenctl;
use crate::ports::Wanted;
use crate::progress::Step;

/// Idle virtual gateways.
const PROVIDERS: [&str; 6] = ["p1", "p2", "p3", "p4", "p5", "p6"];

/// Between two readings.
const INTERVAL: Duration = Duration::from_secs(2);

/// So many readings in a row must agree: for half a minute after a change the kernel still gives
/// memory back, in steps.
const READINGS: usize = 8;

/// Readings that differ by no more agree, kB: a TLS session of the reader's own is about that.
const AGREE: u64 = 128;

/// For one boot.
const LIMIT: Duration = Duration::from_secs(300);

/// Where the probe's bundle is.
#[derive(Debug)]
pub(crate) struct Installed {
    /// The data disk.
    pub(crate) data: PathBuf,
    /// Slot of the virtual gateway.
    pub(crate) slot: u64,
    /// Digest of the bundle.
    pub(crate) digest: String,
}

/// Adds the figures; returns the box with its six virtual gateways and the probe's bundle.
pub(crate) fn measure(subject: &Subject<'_>, figures: &mut Figures) -> Result<Installed> {
    let folder = subject.folder.join("memory");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let mut house = House::boot(subject, &folder)?;
    let step = Step::start("memory of the idle core, and of six idle virtual gateways".to_owned());
    let idle = house.available()?;
    house.enrol(PROVIDERS[0])?;
    let one = house.available()?;
    for provider in &PROVIDERS[1..] {
        house.enrol(provider)?;
    }
    let six = house.available()?;
    step.done();
    let (slot, digest) = house.install(subject)?;
    house.machine.stop(crate::verbs::stop::LIMIT)?;
    let installed = Installed {
        data: folder.join("data.img"),
        slot,
        digest,
    };

    let bare = bare(subject, &installed.data)?;
    println!("MemAvailable, kB: bare {bare}, core {idle}, one {one}, six {six}");
    figures.add_bytes("memory-core", 1024 * bare.saturating_sub(idle));
    figures.add_bytes("memory-first-vgw", 1024 * idle.saturating_sub(one));
    figures.add_bytes("memory-vgw", 1024 * idle.saturating_sub(six) / 6);
    let together = 1024 * bare.saturating_sub(six);
    figures.add_bytes("G3", together);
    six_start(subject, &installed.data, figures)?;
    Ok(installed)
}

/// `MemAvailable` of the box without the core, kB.
fn bare(subject: &Subject<'_>, data: &Path) -> Result<u64> {
    let step = Step::start("the box without the core".to_owned());
    let stand = Stand {
        places: &[("limen-init", false)],
        environment: Vec::new(),
        without: &[],
        trees: &[],
    };
    let image = stand.image(subject)?;
    let mut guest = Guest::boot(&image, data, &subject.folder.join("boot"))?;
    let said = guest.hear(LIMIT, |console| console.done())?;
    step.done();
    Console(&said).memory("bare").context("no memory was said")
}

/// PID 1's first instruction to six active virtual gateways.
fn six_start(subject: &Subject<'_>, data: &Path, figures: &mut Figures) -> Result<()> {
    let image = Stand::WARM.image(subject)?;
    let mut times = Vec::new();
    for number in 1..=subject.boots {
        let step = Step::start(format!(
            "six virtual gateways on the instruction clock, {number}"
        ));
        let mut guest = Guest::boot(&image, data, &subject.folder.join("boot"))?;
        let said = guest.hear(LIMIT, |console| last(console, &PROVIDERS).is_some())?;
        times.extend(last(Console(&said), &PROVIDERS));
        step.done();
    }
    figures.add_instructions("G6", 1000 * least(&times)?);
    let step = Step::start("the same on the plain emulator's clock".to_owned());
    let mut guest = Guest::boot_on(Hardware::PLAIN, &image, data, &subject.folder.join("boot"))?;
    let said = guest.hear(LIMIT, |console| last(console, &PROVIDERS).is_some())?;
    if let Some(time) = last(Console(&said), &PROVIDERS) {
        figures.add_wall("G6", 1000 * time);
    }
    step.done();
    Ok(())
}

/// An ordinary box with the operator's and six providers' credentials.
struct House<'a> {
    subject: &'a Subject<'a>,
    folder: PathBuf,
    operator: Credentials,
    machine: Machine,
    ports: crate::ports::Ports,
}

impl<'a> House<'a> {
    fn boot(subject: &'a Subject<'a>, folder: &Path) -> Result<Self> {
        let step = Step::start("an ordinary boot of an empty box".to_owned());
        let operator = Credentials::open(&folder.join("operator"))?;
        let ports = Wanted::default().find()?;
        let data = folder.join("data.img");
        disk::ensure_disk(
            &data,
            512 << 20,
            &Provision {
                operator_ca: operator.authority("operator"),
                gateway_certificate: operator.certificate("gateway"),
                gateway_key: operator.key("gateway"),
            },
        )?;
        let mut configuration = Configuration::new(subject.image.clone(), data, folder.to_owned());
        configuration.forwards = vec![Forward {
            transport: Transport::Tcp,
            host: ports.management,
            guest: crate::verbs::run::MANAGEMENT,
        }];
        let house = Self {
            subject,
            folder: folder.to_owned(),
            operator,
            machine: configuration.spawn()?,
            ports,
        };
        let begun = Instant::now();
        while let Err(error) = house.console().json(&["vgw", "list"]) {
            ensure!(begun.elapsed() < LIMIT, "no answer from the box: {error:#}");
            thread::sleep(Duration::from_millis(500));
        }
        step.done();
        Ok(house)
    }

    fn console(&self) -> Limenctl<'_> {
        self.subject
            .limenctl
            .console(self.ports, &self.operator, "operator")
    }

    /// `MemAvailable` of the quiet box, kB.
    fn available(&self) -> Result<u64> {
        let begun = Instant::now();
        let mut readings = Vec::new();
        loop {
            thread::sleep(INTERVAL);
            let core = self.console().json(&["core", "show"])?;
            let bytes = core["memory-available"].as_u64();
            readings.push(bytes.context("`core show` has no memory-available")? / 1024);
            if let Some(reading) = agreed(&readings) {
                return Ok(reading);
            }
            ensure!(
                begun.elapsed() < LIMIT,
                "the box's memory does not settle: {readings:?}"
            );
        }
    }

    /// A provider's own credentials; its certificates are called energy's in there.
    fn credentials(&self, provider: &str) -> Result<Credentials> {
        let credentials = Credentials::open(&self.folder.join(provider))?;
        // The box is the operator's: its certificate comes from that authority.
        fs::copy(
            self.operator.authority("operator"),
            credentials.authority("operator"),
        )
        .context("cannot copy the operator's authority")?;
        Ok(credentials)
    }

    fn enrol(&self, provider: &str) -> Result<()> {
        let credentials = self.credentials(provider)?;
        let (secret, public) = (
            credentials.signing_key(STANDARD),
            credentials.signing_public(STANDARD),
        );
        self.subject.limenctl.keygen(&secret, &public)?;
        self.console().json(&[
            "vgw",
            "create",
            provider,
            "--authority",
            &credentials.authority(STANDARD).display().to_string(),
            "--signing-key",
            &public.display().to_string(),
            "--memory",
            "16MiB",
            "--disk",
            "16MiB",
            "--upload",
            "10Mbit",
            "--download",
            "10Mbit",
        ])?;
        Ok(())
    }

    /// Installs the probe as the first provider's bundle, and stops it: it shall be there, not run.
    fn install(&self, subject: &Subject<'_>) -> Result<(u64, String)> {
        let provider = PROVIDERS[0];
        let credentials = self.credentials(provider)?;
        let root = self.folder.join("root");
        fs::create_dir_all(root.join("bin"))?;
        fs::copy(program(subject.programs, "probe")?, root.join("bin/probe"))
            .context("cannot copy the probe")?;
        let manifest = self.folder.join("manifest.toml");
        fs::write(&manifest, MANIFEST)?;
        let bundle = self.folder.join("probe.bundle");
        subject.limenctl.pack(&manifest, &root, &bundle)?;
        subject
            .limenctl
            .sign(&bundle, &credentials.signing_key(STANDARD))?;
        let console = subject.limenctl.console(self.ports, &credentials, STANDARD);
        console.json(&["bundle", "install", &bundle.display().to_string()])?;
        console.json(&["bundle", "stop", "probe"])?;
        let bundles = console.json(&["bundle", "list"])?;
        let digest = bundles[0]["digest"].as_str();
        let vgw: Value = console.json(&["vgw", "list"])?;
        let slot = vgw[0]["slot"].as_u64();
        Ok((
            slot.context("`vgw list` has no slot")?,
            digest.context("`bundle list` has no digest")?.to_owned(),
        ))
    }
}

/// The middle of the last readings, when they agree.
fn agreed(readings: &[u64]) -> Option<u64> {
    let last = readings.get(readings.len().checked_sub(READINGS)?..)?;
    let mut sorted = last.to_vec();
    sorted.sort_unstable();
    let (least, most) = (sorted.first()?, sorted.last()?);
    (most - least <= AGREE).then(|| sorted[sorted.len() / 2])
}

/// Under which name a folder of credentials has those of its one provider.
const STANDARD: &str = "energy";

const MANIFEST: &str = r#"
format = 1
name = "probe"
version = "1.0.0"
provider = "p1"
counter = 1
description = "the bench's instrument"

[run]
command = ["/bin/probe", "stay"]
readiness = "exec"
ready-within-seconds = 10
stop-within-seconds = 2

[restart]
enable = false
minimum-wait-seconds = 1
maximum-wait-seconds = 1
multiplier = 1000
reset-seconds = 60
retries = 1

[limits]
memory = "8MiB"
processes = 4
temporary = "1MiB"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_still_comes_back_is_not_settled() {
        let rising: Vec<u64> = (0..20).map(|step| 180_000 + 40 * step).collect();
        assert_eq!(agreed(&rising), None);
        assert_eq!(agreed(&[183_788; READINGS - 1]), None);
        let settled = [&rising[..], &[183_788; READINGS]].concat();
        assert_eq!(agreed(&settled), Some(183_788));
    }
}
