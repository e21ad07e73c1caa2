//! Walks the links of virtual gateways: rates, walls, reach, counters
//!
//! `cargo xtask test --only walks` puts it into an image under the name `limen-init`. A line with
//! `wires: NOT: ` is an expectation that did not hold; it ends with `wires: done` when every one held
//! and `wires: FAILED` otherwise.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a walk that stumbles shall say where"
)]

mod cost;
mod echo;
mod flows;
mod frame;
mod ground;
mod load;
mod netlink;
mod rate;
mod reach;
mod rules;
mod shares;
mod space;
mod walls;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::flows::{flows_are_cut, links_fail_cleanly};
use crate::ground::Ground;
use crate::rate::rates_are_kept;
use crate::reach::{a_closed_link_carries_nothing, contracts_are_kept};
use crate::rules::each_rule_matters;
use crate::shares::{management_is_heard, shares_are_kept};
use crate::walls::frames_are_refused;

fn main() {
    let whole = std::panic::catch_unwind(walk).is_ok();
    let held = whole && !FAILED.load(Ordering::Relaxed);
    println!("wires: {}", if held { "done" } else { "FAILED" });
    if std::process::id() == 1 {
        rustix::fs::sync();
        std::thread::sleep(Duration::from_millis(200));
        let _ = rustix::system::reboot(rustix::system::RebootCommand::PowerOff);
    }
}

fn walk() {
    let ground = Ground::lay();
    cost::tell();
    frames_are_refused(&ground);
    contracts_are_kept(&ground);
    a_closed_link_carries_nothing(&ground);
    flows_are_cut(&ground);
    links_fail_cleanly(&ground);
    shares_are_kept(&ground);
    management_is_heard(&ground);
    each_rule_matters(&ground);
    rates_are_kept(&ground);
}

static FAILED: AtomicBool = AtomicBool::new(false);

fn expect(what: &str, held: bool, seen: &dyn std::fmt::Debug) {
    if held {
        println!("wires: ok: {what}");
    } else {
        FAILED.store(true, Ordering::Relaxed);
        println!("wires: NOT: {what}: {seen:?}");
    }
}
