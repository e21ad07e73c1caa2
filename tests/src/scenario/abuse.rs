//! Resource abuse: storms inside a bundle, and who stands by
//!
//! A signed bundle of alarm's takes more than its share, in every way that the adversary knows. What
//! must hold: its own wall holds it; the endpoint and energy's page answer all the while; no core
//! unit, no virtual gateway and no sibling in the same virtual gateway restarts; and when it is gone,
//! nothing of it is left.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Scene, bundle, log, uninstall};
use crate::bystander::{self, Lives, Watched};
use crate::console::Console;
use crate::manifest::Manifest;
use crate::patience::wait_for;

/// How a storm shows that a wall held it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// The storm says so.
    Held,
    /// The kernel killed it, whole.
    Killed,
    /// One of the two: kernel memory is refused to some calls, and makes the kernel kill in others.
    HeldOrKilled,
    /// Nothing to see from inside: it is slowed down.
    Slowed,
}

/// Storms of one kind, in one bundle.
struct Kind {
    name: &'static str,
    storms: &'static [&'static str],
    evidence: Evidence,
}

/// Cases C-01 to C-11 of the threat catalogue.
const KINDS: &[Kind] = &[
    Kind {
        name: "processes",
        storms: &["forks", "threads", "zombies", "orphans"],
        evidence: Evidence::Held,
    },
    Kind {
        name: "anonymous",
        storms: &["anonymous"],
        evidence: Evidence::Killed,
    },
    Kind {
        name: "files",
        storms: &["temporary", "memory-files", "shared-memory"],
        evidence: Evidence::HeldOrKilled,
    },
    Kind {
        name: "buffers",
        storms: &["pipes", "sockets", "datagrams", "backlog"],
        evidence: Evidence::HeldOrKilled,
    },
    Kind {
        name: "objects",
        storms: &["epolls", "watches", "timers", "locks", "in-flight"],
        evidence: Evidence::HeldOrKilled,
    },
    Kind {
        name: "disk",
        storms: &[
            "disk-data",
            "disk-inodes",
            "disk-sparse",
            "disk-deleted",
            "attributes",
            "deep-tree",
            "syncs",
        ],
        evidence: Evidence::Held,
    },
    Kind {
        name: "log",
        storms: &["log"],
        evidence: Evidence::Slowed,
    },
    Kind {
        name: "processor",
        storms: &["spin", "futexes", "calls", "faults", "entropy"],
        evidence: Evidence::Slowed,
    },
];

/// One kind after the other. Cases C-01 to C-10.
pub(super) fn each_kind_hits_its_own_wall(scene: &mut Scene) -> Result<()> {
    let lasting = Duration::from_secs(if scene.long { 60 } else { 6 });
    for kind in KINDS {
        one_kind(scene, kind, lasting).with_context(|| format!("storm {}", kind.name))?;
    }
    Ok(())
}

/// How the endpoint and a neighbour's page answer while nobody attacks (`quiet`), under each kind of
/// storm, and under all at once: for the bench. Whatever the scenarios demand holds here, too.
///
/// # Errors
/// A wall did not hold, or somebody else was stalled for good.
pub fn answers_under_storms(
    scene: &mut Scene,
    lasting: Duration,
) -> Result<Vec<(&'static str, Watched)>> {
    let mut all = vec![("quiet", watch(scene, lasting)?.0)];
    for kind in KINDS {
        let watched = one_kind(scene, kind, lasting);
        all.push((
            kind.name,
            watched.with_context(|| format!("storm {}", kind.name))?,
        ));
    }
    all.push(("all", every_storm_at_once(scene, lasting)?));
    Ok(all)
}

/// Each storm alone, for `--long`. Cases C-01 to C-10.
pub(super) fn each_storm_hits_its_own_wall(scene: &mut Scene) -> Result<()> {
    if !scene.long {
        println!("    each storm alone: with --long");
        return Ok(());
    }
    for kind in KINDS {
        for storm in kind.storms {
            let alone = Kind {
                name: kind.name,
                storms: std::slice::from_ref(storm),
                evidence: kind.evidence,
            };
            one_kind(scene, &alone, Duration::from_secs(8))
                .with_context(|| format!("storm {storm}"))?;
        }
    }
    Ok(())
}

/// Every storm at once, in every virtual gateway at once. Case C-12.
pub(super) fn all_at_once_stall_nobody_else(scene: &mut Scene) -> Result<()> {
    let lasting = Duration::from_secs(if scene.long { 1800 } else { 15 });
    every_storm_at_once(scene, lasting).map(drop)
}

fn every_storm_at_once(scene: &mut Scene, lasting: Duration) -> Result<Watched> {
    let before = bystander::lives(&scene.operator)?;
    let quiet = Quiet::read(scene)?;
    install(scene, "alarm", "all", &["all"])?;
    install(scene, "energy", "all", &["all"])?;
    let watched = watch(scene, lasting)?;
    println!("    all at once: {watched}");
    let after = bystander::lives(&scene.operator)?;
    uninstall(&scene.alarm, "all")?;
    uninstall(&scene.energy, "all")?;
    same_lives(&before, &after)?;
    quiet.wait_for(scene)?;
    scene.wait_for_demonstration()?;
    Ok(watched.0)
}

fn one_kind(scene: &Scene, kind: &Kind, lasting: Duration) -> Result<Watched> {
    let before = bystander::lives(&scene.operator)?;
    let siblings = siblings(scene)?;
    let quiet = Quiet::read(scene)?;
    install(scene, "alarm", kind.name, kind.storms)?;
    let watched = watch(scene, lasting)?;
    let evidence = evidence(&scene.alarm, kind);
    let after = bystander::lives(&scene.operator)?;
    let siblings_after = self::siblings(scene)?;
    uninstall(&scene.alarm, kind.name)?;
    println!("    {:<10} {watched}; {}", kind.storms.join(" "), evidence?);
    same_lives(&before, &after)?;
    ensure!(
        siblings == siblings_after,
        "siblings restarted: {siblings} then {siblings_after}"
    );
    quiet.wait_for(scene)?;
    Ok(watched.0)
}

fn watch(scene: &Scene, lasting: Duration) -> Result<Told> {
    let page = scene.gateway.variable("LIMEN_PORT_ENERGY_WEB")?;
    bystander::watch(&scene.operator, page, lasting).map(Told)
}

struct Told(Watched);

impl std::fmt::Display for Told {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "endpoint {}; page {}", self.0.endpoint, self.0.page)
    }
}

/// What held it, in a few words.
fn evidence(console: &Console, kind: &Kind) -> Result<String> {
    wait_for("a wall", || {
        let now = bundle(console, kind.name)?;
        let killed = now["restarts"].as_u64().unwrap_or(0) > 0 || now["fault"] != "NoFault";
        let lines = log(console, kind.name)?;
        ensure!(
            lines.iter().any(|line| line.starts_with("storm ")),
            "it did not begin: {now} {lines:?}"
        );
        let held: Vec<_> = lines
            .iter()
            .filter(|line| line.contains(" held "))
            .map(|line| line.trim_start_matches("storm ").to_owned())
            .collect();
        if let Some(open) = lines.iter().find(|line| line.contains(" allowed")) {
            return Ok(Err(anyhow::anyhow!("no wall: {open}")));
        }
        let shown = match kind.evidence {
            Evidence::Held => !held.is_empty(),
            Evidence::Killed => killed,
            Evidence::HeldOrKilled => killed || !held.is_empty(),
            Evidence::Slowed => true,
        };
        ensure!(shown, "{now} {lines:?}");
        let killed = if killed { "killed; " } else { "" };
        Ok(Ok(format!("{killed}{}", held.join(", "))))
    })?
}

fn same_lives(before: &Lives, after: &Lives) -> Result<()> {
    ensure!(before == after, "restarted: {before:?} then {after:?}");
    Ok(())
}

/// Restarts of alarm's own bundles.
fn siblings(scene: &Scene) -> Result<Value> {
    let mqtt = bundle(&scene.alarm, "mqtt")?["restarts"].clone();
    let presence = bundle(&scene.alarm, "presence")?["restarts"].clone();
    Ok(Value::Array(vec![mqtt, presence]))
}

/// What both virtual gateways hold while nobody attacks.
#[derive(Debug)]
pub(super) struct Quiet(Vec<(String, u64, u64)>);

/// Memory that comes and goes by itself, and names of files that the kernel remembers until somebody
/// needs the memory: charged to the virtual gateway that they were used in, bytes. Half of what a
/// storm may take.
const ROOM: u64 = 6 << 20;

impl Quiet {
    pub(super) fn read(scene: &Scene) -> Result<Self> {
        let vgws = scene.operator.json(&["vgw", "list"])?;
        let vgws = vgws.as_array().context("a list")?;
        let read = |vgw: &Value| {
            let number = |key: &str| {
                vgw[key]
                    .as_u64()
                    .with_context(|| format!("no {key} in {vgw}"))
            };
            Ok((
                vgw["provider"].to_string(),
                number("process-count")?,
                number("memory-usage")?,
            ))
        };
        vgws.iter().map(read).collect::<Result<_>>().map(Self)
    }

    /// Until it is so again.
    pub(super) fn wait_for(&self, scene: &Scene) -> Result<()> {
        wait_for("nothing is left of the storm", || {
            let now = Self::read(scene)?;
            let same = self.0.len() == now.0.len()
                && self.0.iter().zip(&now.0).all(|(before, after)| {
                    before.0 == after.0 && before.1 == after.1 && after.2 <= before.2 + ROOM
                });
            ensure!(same, "{self:?}, now {now:?}");
            Ok(())
        })
    }
}

/// Installs some storms in one bundle.
fn install(scene: &Scene, provider: &str, name: &str, storms: &[&str]) -> Result<()> {
    let manifest = self::storms(provider, name, storms);
    scene.install(&manifest, &[("/bin/adversary", &scene.adversary)])?;
    // One that is killed at once is installed all the same.
    bundle(scene.provider(provider), name).map(drop)
}

/// The manifest of some storms.
pub(super) fn storms(provider: &str, name: &str, storms: &[&str]) -> Manifest {
    let command = [&["/bin/adversary", "storm"], storms].concat();
    Manifest::new(provider, name, &command)
        .restarting(0)
        .with("run.ready-within-seconds", 60)
        .with("run.stop-within-seconds", 1)
        .with("restart.multiplier", 2000)
        .with("limits.memory", "12MiB")
        .with("limits.processes", 40)
        .with("limits.temporary", "2MiB")
        .keeping("2MiB")
}
