//! As PID 1: what exists on the box, before and after

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::{DIGEST, INHABITED, MARK, PROGRAM, SLOW, STAY, own, say};

const ORDINARY: &str = "/usr/lib/limen/bin/limen-ordinary";
/// Lives after which limen-jail is killed: some of the first crowd wait for it then. Once, for a life
/// that two ends of limen-jail met has failed, and this program hears of lives too late to tell them apart.
const KILL: u64 = 83;
/// How long limen-init is watched while nothing happens, and the most processor time that it may use of
/// that, a tenth. Waking up for nothing takes all of it.
const WATCHED: Duration = Duration::from_secs(2);
const BUSY: Duration = Duration::from_millis(200);
/// Silence of limen-init behind which something hangs, and its last lines that are shown then.
const SILENCE: Duration = Duration::from_secs(45);
const LAST: usize = 24;
/// After the mark, for what ends by itself a little later.
const REST: Duration = Duration::from_secs(2);
/// Pages of PID 1 that are touched for the first time late, kB: as the soak has it.
const GROWTH: u64 = 16;
/// What the kernel keeps of a life for a while and counts as taken, kB, and how many kB of one life
/// it may seem to lose. A page table, a cgroup or a network namespace that stayed would be more.
const KEPT: u64 = 4096;
const KEPT_EACH: u64 = 8;

/// Everything that a life must not leave behind.
#[derive(Debug, PartialEq, Eq)]
struct Census {
    /// Zombies included, the kernel's own left out.
    processes: usize,
    mounts: usize,
    links: usize,
    cgroups: usize,
    /// limen-init's.
    descriptors: usize,
    /// Those of the limen-jail that stays: a user namespace for each slot, and what it has ready.
    ready: usize,
}

pub(super) fn main() {
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("cgroup2", "/sys/fs/cgroup", "cgroup2", flags, None).expect("cgroup v2");
    for slot in 1..=INHABITED {
        install(slot);
    }
    let mut init = Command::new(ORDINARY)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = lines(&mut init);
    let mark = format!("limen: unit vgw-{MARK} ");
    let slow = format!("limen: unit vgw-1/b{SLOW} ");
    let mut before: Option<(Census, u64, u64)> = None;
    let mut lives = 0;
    let mut last = VecDeque::new();
    while let Some(line) = next(&lines, &last) {
        // What a start that fails fails for; nothing else says it.
        // An inspection of what crashes meanwhile fails as it should.
        let is_told = line.contains("limen-init: ") && !line.contains("Inspect(");
        if is_told || line.contains(" step=") {
            say(&line);
        }
        last.push_back(line.clone());
        if last.len() > LAST {
            last.pop_front();
        }
        if line.contains(" Active ") && line.contains("vgw-") {
            lives += 1;
            if lives == KILL {
                kill_jail();
            }
        }
        if line.contains(&slow) && line.contains(" Active ") {
            watch_slow_end(&init, &line);
        }
        if !line.contains(&mark) || !line.contains(" Idle ") {
            continue;
        }
        std::thread::sleep(REST);
        watch(&init, "at rest");
        let now = (Census::take(&init), resident(&init), available());
        say(&format!("{now:?} after {lives} lives"));
        match before.take() {
            None => before = Some(now),
            Some(first) => {
                compare(&first, &now, lives);
                break;
            }
        }
    }
    let pid = i32::try_from(init.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a number"), Signal::TERM).expect("it runs");
    init.wait().expect("it ended");
    say("done");
    let _ = rustix::system::reboot(rustix::system::RebootCommand::PowerOff);
}

/// Kills the limen-jail that stays: of those in its cgroup, who holds most.
fn kill_jail() {
    let numbers = fs::read_to_string("/sys/fs/cgroup/limen/core/jail/cgroup.procs");
    let numbers = numbers.expect("its cgroup");
    let numbers = numbers.lines().filter_map(|line| line.parse::<i32>().ok());
    let holds =
        |number: &i32| fs::read_dir(format!("/proc/{number}/fd")).map_or(0, Iterator::count);
    let stays = numbers.max_by_key(holds).and_then(Pid::from_raw);
    if let Some(stays) = stays {
        let _ = kill_process(stays, Signal::KILL);
        say("limen-jail killed");
    }
}

/// Holds the first process of a virtual gateway at its end: it waits for a process of its namespace, and
/// that one's parent, this program, does not reap it yet. limen-init must wait without turning in circles.
fn watch_slow_end(init: &Child, line: &str) {
    let mut words = line.split_whitespace();
    let number = words.find_map(|word| word.strip_prefix("pid="));
    let inside = fs::File::open(format!("/proc/{}/ns/pid", number.expect("a bundle")));
    let inside = inside.expect("it runs");
    // A thread of its own: what it does to its children concerns no other.
    let born = std::thread::spawn(move || {
        let kind = Some(rustix::thread::LinkNameSpaceType::ProcessID);
        rustix::thread::move_into_link_name_space(inside.as_fd(), kind).expect("its namespace");
        own().arg(STAY).spawn().expect("a child in there")
    });
    let mut child = born.join().expect("a child");
    let status = format!("/proc/{}/status", child.id());
    let has_ended = || fs::read_to_string(&status).is_ok_and(|text| text.contains("\nState:\tZ"));
    while !has_ended() {
        std::thread::sleep(Duration::from_millis(50));
    }
    watch(init, "while a virtual gateway ends");
    child.wait().expect("a child");
}

/// Watches how much processor time limen-init uses while it has nothing to do.
fn watch(init: &Child, when: &str) {
    let before = used(init);
    std::thread::sleep(WATCHED);
    let used = used(init).saturating_sub(before);
    say(&format!("limen-init used {} us {when}", used.as_micros()));
    if used > BUSY {
        say(&format!("NOT: limen-init turns in circles {when}"));
    }
}

/// Processor time that it has used.
fn used(init: &Child) -> Duration {
    let text = fs::read_to_string(format!("/proc/{}/schedstat", init.id())).expect("it runs");
    let nanoseconds = text
        .split_whitespace()
        .next()
        .and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}

/// What limen-init says, read whether or not anybody has time: it must not wait for its reader.
fn lines(init: &mut Child) -> Receiver<String> {
    let lines = BufReader::new(init.stderr.take().expect("a pipe")).lines();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let _ = sender.send(line.trim_end().to_owned());
        }
    });
    receiver
}

/// The next line; none when limen-init has ended. A long silence is shown once, with all that waits.
fn next(lines: &Receiver<String>, last: &VecDeque<String>) -> Option<String> {
    match lines.recv_timeout(SILENCE) {
        Err(RecvTimeoutError::Timeout) => {
            show(last);
            lines.recv().ok()
        }
        heard => heard.ok(),
    }
}

/// What was heard last, and where each process waits in the kernel.
fn show(last: &VecDeque<String>) {
    say(&format!("silent for {} s", SILENCE.as_secs()));
    last.iter().for_each(|line| say(line));
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let file = |name: &str| fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        if !file("cmdline").is_empty() {
            let calls = file("stack");
            let calls: Vec<_> = calls.split_whitespace().collect();
            let name = entry.file_name();
            say(&format!(
                "{name:?} {} {}",
                file("comm").trim(),
                calls.join(" ")
            ));
        }
    }
}

fn compare(first: &(Census, u64, u64), last: &(Census, u64, u64), lives: u64) {
    if first.0 != last.0 {
        say(&format!("NOT: {:?} became {:?}", first.0, last.0));
    }
    if last.1 > first.1 + GROWTH {
        say(&format!(
            "NOT: limen-init grew from {} to {} kB",
            first.1, last.1
        ));
    }
    if last.2 + KEPT + KEPT_EACH * lives < first.2 {
        say(&format!("NOT: {} kB free became {}", first.2, last.2));
    }
}

impl Census {
    fn take(init: &Child) -> Self {
        let of_init = |name: &str| format!("/proc/{}/{name}", init.id());
        let count = |path: &str| fs::read_dir(path).expect("a folder").count();
        let mounts = fs::read_to_string(of_init("mountinfo")).expect("its mounts");
        Self {
            processes: processes(),
            mounts: mounts.lines().count(),
            links: count("/sys/class/net"),
            cgroups: cgroups(Path::new("/sys/fs/cgroup")),
            descriptors: count(&of_init("fd")),
            ready: jail().map_or(0, |number| count(&format!("/proc/{number}/fd"))),
        }
    }
}

/// The limen-jail that stays: the oldest.
fn jail() -> Option<u32> {
    let numbers = fs::read_dir("/proc").expect("/proc").flatten();
    let named = numbers.filter(|entry| {
        fs::read_to_string(entry.path().join("comm")).is_ok_and(|name| name.trim() == "limen-jail")
    });
    let numbers = named.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.min()
}

/// Processes that are not kthreadd's children.
fn processes() -> usize {
    let numbers = fs::read_dir("/proc").expect("/proc").flatten();
    let own = numbers.filter(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // `pid (name) state ppid …`; a name may hold anything but the last bracket.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| {
            let mut words = rest.split_whitespace();
            words.nth(1).map(str::to_owned)
        });
        let kernel = |number: &str| number == "2";
        parent.is_some_and(|parent| !kernel(&parent)) && entry.file_name() != "2"
    });
    own.count()
}

fn cgroups(folder: &Path) -> usize {
    let inside = fs::read_dir(folder).into_iter().flatten().flatten();
    let below = inside.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    below.map(|entry| 1 + cgroups(&entry.path())).sum()
}

/// Resident set, kB.
fn resident(init: &Child) -> u64 {
    field(&format!("/proc/{}/status", init.id()), "VmRSS:")
}

fn available() -> u64 {
    field("/proc/meminfo", "MemAvailable:")
}

fn field(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).expect("a file of /proc");
    let rest = text.lines().find_map(|line| line.strip_prefix(name));
    let number = rest.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("kB")
}

/// Puts this program where limen-install would have put it.
fn install(slot: u16) {
    let root = format!("/data/limen/tenant/{slot}/store/{DIGEST}/root");
    let target = format!("{root}{PROGRAM}");
    let folder = Path::new(&target).parent().expect("a path");
    fs::create_dir_all(folder).expect("a data disk");
    fs::copy("/proc/self/exe", &target).expect("room");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o755)).expect("own file");
}
