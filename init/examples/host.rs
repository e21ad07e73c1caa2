//! Another init, under which limen-init is an ordinary process: for guests
//!
//! Put into an image in the place of limen-init, with the true one beside it as `limen-ordinary`.
//! It starts it, kills it while its units run, starts it again (the new self must end what the old
//! one left), tries a second one beside it (which must refuse), and asks it to end. The last line
//! is `host: done`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test program may end in the middle"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

const ORDINARY: &str = "/usr/lib/limen/bin/limen-ordinary";

fn main() {
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("cgroup2", "/sys/fs/cgroup", "cgroup2", flags, None).expect("cgroup v2");
    let mut first = start();
    until_active(&mut first);
    say("killing it");
    first.kill().expect("it runs");
    first.wait().expect("it ended");

    let mut second = start();
    until_active(&mut second);
    say("its next self is active");
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

fn start() -> Child {
    Command::new(ORDINARY)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts")
}

fn until_active(child: &mut Child) {
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    loop {
        let line = lines.next().expect("it lives").expect("text");
        println!("{}", line.trim_end());
        if line.contains("core active") {
            break;
        }
    }
    // Read on, or it would end up with a pipe that nobody reads.
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            println!("{}", line.trim_end());
        }
    });
}

fn say(line: &str) {
    println!("host: {line}");
}
