//! A spare: executed, and held before its program's first instruction

use std::fs;
use std::time::Duration;

use limen_proto::id::Slot;
use rustix::process::{Pid, Signal, kill_process};

use crate::bundle::{DIGEST, run_bundle_while, spec};
use crate::expect;
use crate::guest::{CGROUP, check};
use crate::vgw::Vgw;

/// Offsets within a page do not move, wherever a program is loaded.
const IN_PAGE: u64 = 0xfff;
/// For something that must not happen.
const LONG: Duration = Duration::from_millis(200);

/// limen-jail's stop is exact, and what init puts in its place, a frozen cgroup, outlasts a signal to go on:
/// that is in the power of who has the same uid.
pub(crate) fn spare(slot: Slot, vgw: &Vgw) {
    let mut spec = spec(slot, "echo RAN");
    spec.spare = true;
    let (text, failed) = run_bundle_while(slot, vgw, "spare", &spec, |process| {
        std::thread::sleep(LONG);
        let seen = (state(process), place(process), entry(slot));
        let stands = seen.0.starts_with('T') && seen.1 == seen.2;
        expect("a spare stands before its first instruction", stands, &seen);
        let group = format!("{CGROUP}/vgw-1/b0");
        let freeze = format!("{group}/cgroup.freeze");
        fs::write(&freeze, "1").unwrap();
        std::thread::sleep(LONG);
        let events = fs::read_to_string(format!("{group}/cgroup.events")).unwrap();
        expect("it is frozen there", events.contains("frozen 1"), &events);
        let number = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
        kill_process(number, Signal::CONT).unwrap();
        std::thread::sleep(LONG);
        let seen = (state(process), place(process), entry(slot));
        expect("a signal does not let it go on", seen.1 == seen.2, &seen);
        fs::write(&freeze, "0").unwrap();
    });
    check("spare", &text, &["RAN"]);
    expect("spare ran", failed.is_none(), &failed);
}

/// As `ps` shows it.
fn state(process: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("State:"));
    line.unwrap().trim().to_owned()
}

/// Where in a page its next instruction is.
fn place(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/syscall")).unwrap();
    let counter = text.split_whitespace().last()?.strip_prefix("0x")?;
    Some(u64::from_str_radix(counter, 16).ok()? & IN_PAGE)
}

/// Where in a page the first instruction of the bundle's program is: `e_entry` of elf(5).
fn entry(slot: Slot) -> Option<u64> {
    let path = format!("/data/limen/tenant/{slot}/store/{DIGEST}/root/bin/busybox");
    let program = fs::read(path).unwrap();
    let bytes = program.get(24..32)?.try_into().ok()?;
    Some(u64::from_le_bytes(bytes) & IN_PAGE)
}
