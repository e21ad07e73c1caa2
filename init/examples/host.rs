//! Another init, under which limen-init is an ordinary process: for guests
//!
//! Put into an image in the place of limen-init, with the true one beside it as `limen-ordinary`
//! (`cargo xtask test --only walks`). It starts it, kills it while its units run, starts it again (the
//! new self must end what the old one left), tries a second one beside it (which must refuse), and
//! asks it to end. Where the data disk holds virtual gateways with bundles, it also kills a reaper:
//! the bundles must come back with it. The last line is `host: done`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test program may end in the middle"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const ORDINARY: &str = "/usr/lib/limen/bin/limen-ordinary";

fn main() {
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("cgroup2", "/sys/fs/cgroup", "cgroup2", flags, None).expect("cgroup v2");
    let (mut first, lines) = start();
    wait_for(&lines, PATIENCE, "core active").expect("a core");
    say("killing it");
    first.kill().expect("it runs");
    first.wait().expect("it ended");

    let (mut second, lines) = start();
    wait_for(&lines, PATIENCE, "core active").expect("a core");
    say("its next self is active");
    kill_a_reaper(&lines);
    let third = Command::new(ORDINARY).status().expect("it starts");
    assert!(!third.success(), "two of them at once");
    say("a second one refused");

    let pid = i32::try_from(second.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a number"), Signal::TERM).expect("it runs");
    assert!(second.wait().expect("it ended").success());
    let left = std::fs::read_to_string("/sys/fs/cgroup/limen/cgroup.events");
    let left = left.expect("the tree");
    assert!(left.contains("populated 0"), "{left}");
    say("done");
    let _ = rustix::system::reboot(rustix::system::RebootCommand::PowerOff);
}

/// Kills the first reaper whose bundle runs, if there is one.
fn kill_a_reaper(lines: &Receiver<String>) {
    let mut providers = std::fs::read_dir("/data/limen/tenant").expect("a data disk");
    if providers.next().is_none() {
        return say("no virtual gateway on this disk");
    }
    let reaper = wait_for(lines, PATIENCE, "limen: unit vgw-1 ").expect("a virtual gateway");
    let pid = reaper
        .split_whitespace()
        .find_map(|word| word.strip_prefix("pid="));
    let pid = pid.and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw);
    wait_for(lines, PATIENCE, "limen: unit vgw-1/b0 ").expect("a bundle");
    kill_process(pid.expect("a number"), Signal::KILL).expect("it runs");
    say("reaper killed");
    for word in ["Active NoFault"; 2] {
        wait_for(lines, PATIENCE, word).expect("virtual gateway and bundle come back");
    }
    // What else runs there comes back as well, and says so.
    while wait_for(lines, Duration::from_secs(3), "Active NoFault").is_some() {}
}

/// Longest wait for one line.
const PATIENCE: Duration = Duration::from_secs(15);

/// Starts it; its lines are shown, and come back through the channel.
fn start() -> (Child, Receiver<String>) {
    let mut child = Command::new(ORDINARY)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            println!("{}", line.trim_end());
            let _ = sender.send(line);
        }
    });
    (child, receiver)
}

fn wait_for(lines: &Receiver<String>, patience: Duration, what: &str) -> Option<String> {
    let until = Instant::now().checked_add(patience)?;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let line = lines.recv_timeout(left).ok()?;
        if line.contains(what) {
            return Some(line);
        }
    }
}

fn say(line: &str) {
    println!("host: {line}");
}
