//! As the steward: asks init for lives, one after the other, and times them
//!
//! Nothing else happens on the box meanwhile: it has no provider, and the bench leaves out the
//! core units that face the network. Before each sample there is a pause, so that what the kernel
//! still does for the life before (removing a network namespace, say) is not counted.

use anyhow::{Context as _, Result};
use limen_proto::control::Verb;
use limen_proto::id::{Slot, UnitId};
use limen_proto::state::UnitState;

use crate::payload::{EXIT, STAY};
use crate::samples::Samples;
use crate::timing::Links;
use crate::wishes::Wishes;
use crate::{clock, enforced, memory};

/// Pause before a sample, milliseconds.
const PAUSE: u64 = 200;

/// For memory to stop moving, milliseconds.
const REST: u64 = 20_000;
/// Virtual gateways between two looks at memory.
const CHUNK: usize = 9;

/// Measures everything, then switches off.
pub(crate) fn run() -> Result<()> {
    let wishes = Wishes::read()?;
    let mut links = Links::open()?;
    clock::settle(3000);
    if wishes.load {
        enforced::adjusted(&wishes, &mut links)?;
    } else if wishes.samples > 0 {
        virtual_gateways(&wishes, &mut links)?;
        parked_virtual_gateways(&wishes, &mut links)?;
        bundles(&wishes, &mut links)?;
        restarts(&wishes, &mut links)?;
        warm_restarts(&wishes, &mut links)?;
        growth(&wishes, &links)?;
        match wishes.brief {
            true => enforced::adjusted(&wishes, &mut links)?,
            false => enforced::share(&wishes, &mut links)?,
        }
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
        let asked = links.ask(wishes.start_vgw(wishes.slot)?)?;
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

/// The same where it was parked.
fn parked_virtual_gateways(wishes: &Wishes, links: &mut Links) -> Result<()> {
    let unit = wishes.vgw();
    let (mut active, mut inhabited) = (Samples::default(), Samples::default());
    for _ in 0..wishes.samples {
        links.ask(wishes.park_vgw()?)?;
        links.parked(unit)?;
        clock::settle(PAUSE);
        let asked = links.ask(wishes.start_warm_vgw()?)?;
        active.add(asked, links.until(unit, UnitState::Active)?);
        links.ask(wishes.start_bundle(STAY)?)?;
        inhabited.add(asked, links.first(wishes.bundle())?);
        clock::settle(PAUSE);
        links.ask(Verb::Stop { unit })?;
        links.until(unit, UnitState::Idle)?;
    }
    active.show("vgw-parked");
    inhabited.show("vgw-parked-and-bundle");
    Ok(())
}

/// A cold bundle in a running virtual gateway. Both are left running.
fn bundles(wishes: &Wishes, links: &mut Links) -> Result<()> {
    links.ask(wishes.start_vgw(wishes.slot)?)?;
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
    killed_again_and_again(wishes, links, "restart", false)
}

/// The same where a spare stands ready.
fn warm_restarts(wishes: &Wishes, links: &mut Links) -> Result<()> {
    links.ask(wishes.start_warm_vgw()?)?;
    links.until(wishes.vgw(), UnitState::Active)?;
    links.ask(wishes.start_bundle_with(STAY, true)?)?;
    links.first(wishes.bundle())?;
    killed_again_and_again(wishes, links, "restart-warm", true)
}

/// Ends with everything stopped.
fn killed_again_and_again(
    wishes: &Wishes,
    links: &mut Links,
    name: &str,
    warm: bool,
) -> Result<()> {
    let unit = wishes.bundle();
    let mut successor = Samples::default();
    for _ in 0..wishes.samples {
        if warm {
            links.spare(unit)?;
        }
        clock::settle(PAUSE);
        let asked = links.ask(Verb::Kill { unit })?;
        successor.add(asked, links.first(unit)?);
    }
    successor.show(name);
    stopped(wishes, links)
}

/// Stops the bundle, then its virtual gateway.
fn stopped(wishes: &Wishes, links: &Links) -> Result<()> {
    let unit = wishes.bundle();
    links.ask(Verb::Stop { unit })?;
    links.until(unit, UnitState::Idle)?;
    links.ask(Verb::Stop { unit: wishes.vgw() })?;
    links.until(wishes.vgw(), UnitState::Idle)?;
    Ok(())
}

/// What one more virtual gateway costs when it is the only one, and when it is the last that fits.
fn growth(wishes: &Wishes, links: &Links) -> Result<()> {
    let slots: Vec<Slot> = (0..).map_while(|number| Slot::new(number).ok()).collect();
    let (last, others) = slots.split_last().context("a table without slots")?;
    once_more(wishes, links, *last, "vgw-alone")?;
    let mut free = Vec::new();
    let mut look = || -> Result<()> {
        if !wishes.brief {
            free.push(rested()?);
        }
        Ok(())
    };
    look()?;
    for some in others.chunks(CHUNK) {
        for slot in some {
            links.ask(wishes.start_vgw(*slot)?)?;
            links.until(UnitId::Vgw(*slot), UnitState::Active)?;
        }
        if some.len() == CHUNK {
            look()?;
        }
    }
    once_more(wishes, links, *last, "vgw-last")?;
    if !wishes.brief {
        grown(&free)?;
    }
    for slot in others {
        let unit = UnitId::Vgw(*slot);
        links.ask(Verb::Stop { unit })?;
        links.until(unit, UnitState::Idle)?;
    }
    Ok(())
}

/// What so many virtual gateways more took each time.
fn grown(free: &[u64]) -> Result<()> {
    let taken: Vec<_> = free
        .windows(2)
        .map(|pair| pair[0].saturating_sub(pair[1]) / CHUNK as u64)
        .collect();
    println!("probe: memory of one more, by {CHUNK}: {taken:?} kB");
    // The very first brings what all share.
    let (second, final_one) = (taken.get(1), taken.last());
    println!(
        "probe: memory vgw-few {} kB",
        second.context("too few slots")?
    );
    println!(
        "probe: memory vgw-many {} kB",
        final_one.context("too few slots")?
    );
    Ok(())
}

/// Starts and stops one virtual gateway a few times, beside whatever runs.
fn once_more(wishes: &Wishes, links: &Links, slot: Slot, name: &str) -> Result<()> {
    let mut samples = Samples::default();
    let unit = UnitId::Vgw(slot);
    for _ in 0..wishes.samples.min(20) {
        clock::settle(PAUSE);
        let asked = links.ask(wishes.start_vgw(slot)?)?;
        samples.add(asked, links.until(unit, UnitState::Active)?);
        clock::settle(PAUSE);
        links.ask(Verb::Stop { unit })?;
        links.until(unit, UnitState::Idle)?;
    }
    samples.show(name);
    Ok(())
}

/// Available memory, kB, once it has stopped moving.
fn rested() -> Result<u64> {
    clock::settle(REST);
    memory::available()
}

/// A bundle whose program ends at once, restarted at once. init shows its own size meanwhile.
fn soak(wishes: &Wishes, links: &Links) -> Result<()> {
    links.ask(wishes.start_vgw(wishes.slot)?)?;
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
