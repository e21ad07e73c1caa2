//! As the steward: asks init for lives, one after the other, and times them
//!
//! Nothing else happens on the box meanwhile: it has no provider, and the bench leaves out the
//! core units that face the network. Before each sample there is a pause, so that what the kernel
//! still does for the life before (removing a network namespace, say) is not counted.

use anyhow::Result;
use limen_proto::control::Verb;
use limen_proto::state::UnitState;

use crate::clock;
use crate::payload::{EXIT, STAY};
use crate::samples::Samples;
use crate::timing::Links;
use crate::wishes::Wishes;

/// Pause before a sample, milliseconds.
const PAUSE: u64 = 200;

/// Measures everything, then switches off.
pub(crate) fn run() -> Result<()> {
    let wishes = Wishes::read()?;
    let mut links = Links::open()?;
    clock::settle(3000);
    if wishes.samples > 0 {
        virtual_gateways(&wishes, &mut links)?;
        bundles(&wishes, &mut links)?;
        restarts(&wishes, &mut links)?;
    }
    if wishes.soak > 0 {
        soak(&wishes, &links)?;
    }
    println!("probe: done");
    clock::settle(500);
    links.ask(Verb::Shutdown { reboot: false })?;
    clock::sleep_for_ever()
}

/// A whole cold virtual gateway: until it is active, and until its first bundle's first instruction.
fn virtual_gateways(wishes: &Wishes, links: &mut Links) -> Result<()> {
    let (mut active, mut inhabited) = (Samples::default(), Samples::default());
    let mut gone = Samples::default();
    for _ in 0..wishes.samples {
        clock::settle(PAUSE);
        let asked = links.ask(wishes.start_vgw()?)?;
        active.add(asked, links.until(wishes.vgw(), UnitState::Active)?);
        links.ask(wishes.start_bundle(STAY)?)?;
        inhabited.add(asked, links.first(wishes.bundle())?);
        clock::settle(PAUSE);
        let stop = wishes.vgw();
        let asked = links.ask(Verb::Stop { unit: stop })?;
        gone.add(asked, links.until(stop, UnitState::Idle)?);
    }
    active.show("vgw-active");
    inhabited.show("vgw-and-bundle");
    gone.show("vgw-stop");
    Ok(())
}

/// A cold bundle in a running virtual gateway. Both are left running.
fn bundles(wishes: &Wishes, links: &mut Links) -> Result<()> {
    links.ask(wishes.start_vgw()?)?;
    links.until(wishes.vgw(), UnitState::Active)?;
    let (mut first, mut active) = (Samples::default(), Samples::default());
    for _ in 0..wishes.samples {
        clock::settle(PAUSE);
        let asked = links.ask(wishes.start_bundle(STAY)?)?;
        active.add(asked, links.until(wishes.bundle(), UnitState::Active)?);
        first.add(asked, links.first(wishes.bundle())?);
        clock::settle(PAUSE);
        let unit = wishes.bundle();
        links.ask(Verb::Stop { unit })?;
        links.until(unit, UnitState::Idle)?;
    }
    first.show("bundle");
    active.show("bundle-active");
    Ok(())
}

/// SIGKILL of a bundle's program to its successor's first instruction.
fn restarts(wishes: &Wishes, links: &mut Links) -> Result<()> {
    let unit = wishes.bundle();
    links.ask(wishes.start_bundle(STAY)?)?;
    links.first(unit)?;
    let mut successor = Samples::default();
    for _ in 0..wishes.samples {
        clock::settle(PAUSE);
        let asked = links.ask(Verb::Kill { unit })?;
        successor.add(asked, links.first(unit)?);
    }
    successor.show("restart");
    links.ask(Verb::Stop { unit })?;
    links.until(unit, UnitState::Idle)?;
    links.ask(Verb::Stop { unit: wishes.vgw() })?;
    links.until(wishes.vgw(), UnitState::Idle)?;
    Ok(())
}

/// A bundle whose program ends at once, restarted at once. init shows its own size meanwhile.
fn soak(wishes: &Wishes, links: &Links) -> Result<()> {
    links.ask(wishes.start_vgw()?)?;
    links.until(wishes.vgw(), UnitState::Active)?;
    let unit = wishes.bundle();
    let begun = links.ask(wishes.start_bundle(EXIT)?)?;
    let ended = links.restarted(unit, wishes.soak)?;
    links.ask(Verb::Stop { unit })?;
    links.until(unit, UnitState::Idle)?;
    let each = ended.saturating_sub(begun) / u64::from(wishes.soak);
    println!("probe: soak {} restarts, {each} ns each", wishes.soak);
    Ok(())
}
