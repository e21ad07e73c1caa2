//! How exactly, and how soon, a contract is in force
//!
//! Read from the cgroup tree, which the steward's place can see: what the kernel holds a unit to,
//! not what somebody says that it does.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use limen_proto::control::Verb;
use limen_proto::id::UnitId;
use limen_proto::state::UnitState;

use crate::clock;
use crate::payload::SPIN;
use crate::samples::Samples;
use crate::timing::Links;
use crate::wishes::Wishes;

const TREE: &str = "/sys/fs/cgroup/limen";
/// For how long processor time is counted, milliseconds of the box.
const COUNTED: u64 = 3000;
/// Number of the first request whose answer is waited for; all others are 1.
const FIRST_NUMBER: u32 = 100;
/// Before it is counted, milliseconds.
const BEGUN: u64 = 500;

/// The share of a processor that a bundle gets which computes on more threads than there are
/// processors, in a virtual gateway that has half of one.
pub(crate) fn share(wishes: &Wishes, links: &mut Links) -> Result<()> {
    links.ask(wishes.start_vgw(wishes.slot)?)?;
    links.until(wishes.vgw(), UnitState::Active)?;
    links.ask(wishes.start_bundle(SPIN)?)?;
    links.first(wishes.bundle())?;
    clock::settle(BEGUN);
    let (begun, before) = (clock::now(), used(wishes)?);
    clock::settle(COUNTED);
    let took = clock::now().saturating_sub(begun) / 1000;
    let used = used(wishes)?.saturating_sub(before);
    let percent = Wishes::CPU_PERCENT;
    // Per mille of what the contract gives.
    let share = used * 100_000 / (took * u64::from(percent));
    println!("probe: share {share} per mille of {percent} %");
    stop(wishes.vgw(), links)
}

/// Request to change a virtual gateway's contract, to the answer that the kernel holds it to that,
/// while a bundle in it computes on more threads than there are processors, held back by nothing but
/// its weight.
pub(crate) fn adjusted(wishes: &Wishes, links: &mut Links) -> Result<()> {
    links.ask(wishes.start_unbounded_vgw()?)?;
    links.until(wishes.vgw(), UnitState::Active)?;
    links.ask(wishes.start_bundle(SPIN)?)?;
    links.first(wishes.bundle())?;
    let file = format!("{TREE}/vgw-{}/memory.max", wishes.slot);
    let mut samples = Samples::default();
    for number in 0..wishes.samples.min(20) {
        let memory = (24 + u64::from(number)) << 20;
        let change = Verb::Adjust {
            slot: wishes.slot,
            contract: wishes.unbounded(memory),
            shares: [].into_iter().collect(),
        };
        clock::settle(50);
        let asked = clock::now();
        links.answered(FIRST_NUMBER + number, change)?;
        samples.add(asked, clock::now());
        let kept = fs::read_to_string(&file).context("the limit")?;
        ensure!(kept == format!("{memory}\n"), "{file} has {kept}");
    }
    samples.show("adjusted");
    stop(wishes.vgw(), links)
}

fn stop(unit: UnitId, links: &Links) -> Result<()> {
    links.ask(Verb::Stop { unit })?;
    links.until(unit, UnitState::Idle)?;
    Ok(())
}

/// Processor time of the virtual gateway, microseconds.
fn used(wishes: &Wishes) -> Result<u64> {
    let path = format!("{TREE}/vgw-{}/cpu.stat", wishes.slot);
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("usage_usec "));
    line.and_then(|number| number.trim().parse().ok())
        .with_context(|| format!("{path} has no usage_usec"))
}
