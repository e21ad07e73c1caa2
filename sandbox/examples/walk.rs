//! Walks every task of limen-jail in a guest, as its PID 1, and looks at the result from inside
//!
//! Put it into an image under the name `limen-init`
//! (`cargo run -p limen-images --example boot -- 6.12 FOLDER 'walk: done'`). What it prints is for
//! people; it ends with `walk: done` when every expectation held and `walk: FAILED` otherwise.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a walk that stumbles shall say where"
)]

use std::ffi::CStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use limen_channel::{Buffer, Channel, Descriptors, Listener};
use limen_proto::contract::{Contract, Limits, Protocol, Publish, Wan};
use limen_proto::control::bundle_run_name;
use limen_proto::id::{BundleIndex, Digest, Slot};
use limen_proto::jail::{Answer, Step, Task};
use limen_proto::restart::RestartPolicy;
use limen_proto::spec::{BundleSpec, Readiness, VgwSpec, Volume};
use limen_proto::state::Exit;
use limen_proto::table::{Bind, CoreUnit, DeviceClass, Network, Role};
use limen_proto::words::Words;
use limen_sandbox::{reap, spawn};
use rustix::mount::MountFlags;

const CGROUP: &str = "/sys/fs/cgroup/limen";

fn main() {
    let whole = std::panic::catch_unwind(walk).is_ok();
    let held = whole && !FAILED.load(Ordering::Relaxed);
    println!("walk: {}", if held { "done" } else { "FAILED" });
    rustix::fs::sync();
    std::thread::sleep(Duration::from_millis(200));
    let _ = rustix::system::reboot(rustix::system::RebootCommand::PowerOff);
}

fn walk() {
    prepare();
    let slot = Slot::new(1).unwrap();
    println!(
        "walk: kernel {}",
        fs::read_to_string("/proc/sys/kernel/osrelease")
            .unwrap()
            .trim()
    );

    let answer = Job::new("core/hand").start(
        &Task::PrepareNetwork {
            uplink: "eth0".parse().unwrap(),
            listen: 8443,
        },
        &[],
    );
    println!("walk: prepare network: {:?}", answer.0);

    core_unit();

    let vgw = virtual_gateway(slot);
    store(slot);
    for (name, script, expected) in SCRIPTS {
        bundle(slot, &vgw, name, script, expected);
    }
    foreign_root(slot, &vgw);
    faults(slot, &vgw);
    timing(slot, &vgw);
    adjust(slot, &vgw);

    drop(vgw);
    let answer = Job::new("core/hand").start(&Task::DestroyVgw { slot }, &[]);
    expect("destroy", matches!(answer.0, Ok(Answer::Done)), &answer.0);
    expect(
        "vgw's cgroup is gone",
        !Path::new(CGROUP).join("vgw-1").exists(),
        &(),
    );
    let links = fs::read_dir("/sys/class/net").unwrap().count();
    expect(
        "link is gone",
        !Path::new("/sys/class/net/vgw1").exists(),
        &links,
    );
    while let Ok(Some((pid, exit))) = reap::reap_any() {
        println!("walk: reaped {pid:?} {exit:?}");
    }
}

/// What a bundle runs and what its output must contain; `!` before it, what it must not contain.
const SCRIPTS: &[(&str, &str, &[&str])] = &[
    (
        "identity",
        "id; cat /proc/self/status | busybox grep -E 'Cap|NoNew|Seccomp:'; hostname; cat /proc/self/cgroup; ulimit -n",
        &[
            "uid=1000 gid=1000",
            "CapEff:\t0000000000000000",
            "CapBnd:\t0000000000000000",
            "NoNewPrivs:\t1",
            "Seccomp:\t2",
            "energy",
            "0::/\n",
            "1024",
        ],
    ),
    (
        "root",
        "ls -la /; ls -la /dev /run/limen; cat /proc/self/mounts; touch /x; touch /bin/x; ls /proc; ls /sys; ls /proc/self/fd",
        &[
            "Read-only file system",
            "serial-p1",
            "broker",
            "notify",
            "!kcore",
            "!cpuinfo",
            "!/sys/",
        ],
    ),
    (
        "volume",
        "echo kept > /var/lib/data/file; cat /var/lib/data/file; cp /bin/busybox /var/lib/data/bb; /var/lib/data/bb echo RAN; cp /bin/busybox /tmp/bb && /tmp/bb echo RAN; /bin/busybox dd if=/dev/zero of=/tmp/big bs=1M count=8; busybox df /tmp /var/lib/data",
        &["kept", "!RAN", "No space left"],
    ),
    (
        "walls",
        "unshare -m true; mount -t tmpfs none /tmp; mknod /tmp/n b 8 0; kill -9 1; echo killed $?; chroot / true; ls /proc/1; cat /proc/1/environ; dmesg; busybox sysctl -w net.ipv4.ip_forward=1; hostname other; nice -n -5 true; ps",
        &["Operation not permitted", "!PWNED", "killed 1"],
    ),
    (
        "network",
        "busybox ip addr; busybox ip route; ping -c 1 -W 2 100.96.255.254; ping -c 1 -W 1 127.0.0.1; busybox ip link set uplink down; busybox httpd -f -p 80 -h / & sleep 1; busybox wget -q -O - http://127.0.0.1/etc/hello; kill $!",
        &["served page", "127.0.0.1"],
    ),
    (
        "quota",
        "busybox dd if=/dev/zero of=/var/lib/data/big bs=1M count=60; rm -f /var/lib/data/big; i=0; while [ $i -lt 1200 ] && : > /var/lib/data/f$i; do i=$((i+1)); done; echo made $i; busybox rm -rf /var/lib/data/f*",
        &["Disk quota exceeded", "!made 1200"],
    ),
    (
        "memory",
        "busybox tail -c 64m /dev/zero | busybox wc -c; echo SURVIVED",
        &["!SURVIVED"],
    ),
    (
        "forks",
        "i=0; while [ $i -lt 40 ]; do sleep 2 & i=$((i+1)); done; echo LOOPED",
        &["fork"],
    ),
];

static FAILED: AtomicBool = AtomicBool::new(false);

fn expect(what: &str, held: bool, seen: &dyn std::fmt::Debug) {
    if held {
        println!("walk: ok: {what}");
    } else {
        FAILED.store(true, Ordering::Relaxed);
        println!("walk: NOT: {what}: {seen:?}");
    }
}

fn prepare() {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount(
        c"cgroup2",
        c"/sys/fs/cgroup",
        c"cgroup2",
        flags,
        None::<&CStr>,
    )
    .unwrap();
    fs::create_dir_all(format!("{CGROUP}/core")).unwrap();
    for directory in ["/sys/fs/cgroup", CGROUP, &format!("{CGROUP}/core")] {
        fs::write(
            format!("{directory}/cgroup.subtree_control"),
            "+cpu +memory +pids",
        )
        .unwrap();
    }
    fs::create_dir_all("/run/limen/bundle").unwrap();
    let leaf = cgroup("core/selftest");
    expect(
        "a clone into a fresh cgroup lives",
        spawn::survives_in(leaf.as_fd()).unwrap(),
        &(),
    );
    fs::remove_dir(format!("{CGROUP}/core/selftest")).unwrap();
}

fn cgroup(name: &str) -> OwnedFd {
    let path = format!("{CGROUP}/{name}");
    fs::create_dir_all(&path).unwrap();
    File::open(path).unwrap().into()
}

/// One run of limen-jail.
struct Job {
    cgroup: OwnedFd,
}

impl Job {
    fn new(name: &str) -> Self {
        Self {
            cgroup: cgroup(name),
        }
    }

    /// First answer with its descriptors, second answer.
    fn start(
        &self,
        task: &Task,
        descriptors: &[BorrowedFd<'_>],
    ) -> (Result<Answer, String>, Descriptors, Option<Answer>) {
        let (ours, theirs) = Channel::<4096>::pair().unwrap();
        let jail = File::open("/usr/lib/limen/bin/limen-jail").unwrap();
        let child = spawn::spawn_into(
            self.cgroup.as_fd(),
            jail.as_fd(),
            &[c"limen-jail"],
            &[],
            &[(theirs.as_fd(), 3)],
        )
        .unwrap();
        drop(theirs);
        ours.send(task, descriptors).unwrap();
        let mut buffer = Buffer::new();
        let (answer, passed) = match ours.receive::<Answer>(&mut buffer) {
            Ok(Some((answer, passed))) => (Ok(answer), passed),
            Ok(None) => (Err("hung up".to_owned()), Descriptors::new()),
            Err(error) => (Err(error.to_string()), Descriptors::new()),
        };
        let second = match ours.receive::<Answer>(&mut buffer) {
            Ok(Some((answer, _))) => Some(answer),
            _ => None,
        };
        let end = wait(child.pidfd.as_fd());
        if end != Exit::Status(0) {
            println!("walk: jail ended with {end:?}");
        }
        (answer, passed, second)
    }
}

fn wait(pidfd: BorrowedFd<'_>) -> Exit {
    loop {
        if let Some(exit) = reap::reap(pidfd).unwrap() {
            return exit;
        }
        let mut poll = [rustix::event::PollFd::from_borrowed_fd(
            pidfd,
            rustix::event::PollFlags::IN,
        )];
        rustix::event::poll(&mut poll, None).unwrap();
    }
}

fn null() -> OwnedFd {
    File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .unwrap()
        .into()
}

fn limits() -> Limits {
    Limits {
        cpu_percent: 50,
        cpu_weight: 100,
        memory: 16 << 20,
        processes: 24,
    }
}

fn words(list: &[&str]) -> Words {
    Words::collect(list.iter().copied()).unwrap()
}

fn show(name: &str, text: &str) {
    for line in text.lines() {
        println!("  {name}| {line}");
    }
}

fn check(name: &str, text: &str, expected: &[&str]) {
    for part in expected {
        match part.strip_prefix('!') {
            Some(part) => expect(&format!("{name}: no {part:?}"), !text.contains(part), &()),
            None => expect(&format!("{name}: {part:?}"), text.contains(part), &()),
        }
    }
}

fn core_unit() {
    fs::create_dir_all("/data/limen/state").unwrap();
    chown("/data/limen/state", Some(900), Some(900)).unwrap();
    let unit = CoreUnit {
        name: "steward".parse().unwrap(),
        role: Role::Steward,
        command: words(&[
            "/usr/bin/busybox",
            "sh",
            "-c",
            "id; cd /; busybox ls -R / ; echo state > /data/limen/state/x && echo WROTE; echo >/usr/x; busybox ip link; echo $HELLO; kill -0 1 || echo NOKILL; cat /etc/passwd",
        ]),
        environment: words(&["HELLO=world"]),
        user: 900,
        capabilities: 1 << 10,
        network: Network::None,
        binds: heapless::Vec::from_slice(&[Bind {
            from: "/data/limen/state".try_into().unwrap(),
            to: "/data/limen/state".try_into().unwrap(),
            writable: true,
            executable: false,
        }])
        .unwrap(),
        limits: limits(),
        restart: RestartPolicy::NEVER,
        readiness: Readiness::Exec,
        ready_within_ms: 1000,
        stop_within_ms: 1000,
        watchdog_ms: 0,
        listen: 0,
    };
    let (mut reader, writer) = std::io::pipe().unwrap();
    let (control, theirs) = Channel::<4096>::pair().unwrap();
    let answer = Job::new("core/steward").start(
        &Task::Core { unit, slot: None },
        &[null().as_fd(), writer.as_fd(), theirs.as_fd()],
    );
    drop((writer, theirs));
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    show("core", &text);
    println!("walk: core: {:?} then {:?}", answer.0, answer.2);
    check(
        "core",
        &text,
        &["uid=900 gid=900", "WROTE", "world", "NOKILL", "!root:"],
    );
    let mut buffer = Buffer::new();
    let hung_up = matches!(control.receive::<u8>(&mut buffer), Ok(None));
    expect("core unit's end hangs up its control socket", hung_up, &());
    if let Some(pidfd) = answer.1.first() {
        println!("walk: core ended: {:?}", wait(pidfd.as_fd()));
    }
}

struct Vgw {
    reaper: OwnedFd,
    users: OwnedFd,
    network: OwnedFd,
}

fn contract() -> Contract {
    Contract {
        limits: Limits {
            memory: 32 << 20,
            processes: 64,
            ..limits()
        },
        disk: 40 << 20,
        inodes: 1000,
        upload: 10_000_000,
        download: 10_000_000,
        wan: Wan::All,
        publish: heapless::Vec::from_slice(&[Publish {
            protocol: Protocol::Tcp,
            outside: 8080,
            inside: 80,
        }])
        .unwrap(),
        devices: heapless::Vec::new(),
    }
}

fn virtual_gateway(slot: Slot) -> Vgw {
    fs::create_dir_all(format!("{CGROUP}/vgw-1")).unwrap();
    fs::write(
        format!("{CGROUP}/vgw-1/cgroup.subtree_control"),
        "+cpu +memory +pids",
    )
    .unwrap();
    let spec = VgwSpec {
        slot,
        provider: "energy".parse().unwrap(),
        contract: contract(),
    };
    let (mut reader, writer) = std::io::pipe().unwrap();
    let begun = Instant::now();
    let answer =
        Job::new("vgw-1/core").start(&Task::Vgw { spec }, &[null().as_fd(), writer.as_fd()]);
    println!(
        "walk: vgw: {:?} then {:?} after {:?}",
        answer.0,
        answer.2,
        begun.elapsed()
    );
    drop(writer);
    let mut descriptors = answer.1.into_iter();
    let Some(reaper) = descriptors.next() else {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        panic!("no vgw: {text}");
    };
    expect(
        "vgw is built and its reaper executed",
        matches!(answer.0, Ok(Answer::Built { .. })) && answer.2.is_none(),
        &answer.2,
    );
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = reader.read_to_string(&mut text);
        show("reaper", &text);
    });
    for file in ["memory.max", "pids.max", "cpu.max", "cpu.weight"] {
        let text = fs::read_to_string(format!("{CGROUP}/vgw-1/{file}")).unwrap();
        println!("walk: vgw {file} {}", text.trim());
    }
    Vgw {
        reaper,
        users: descriptors.next().unwrap(),
        network: descriptors.next().unwrap(),
    }
}

const DIGEST: Digest = Digest([7; 32]);
const FOREIGN: Digest = Digest([9; 32]);

fn store(slot: Slot) {
    let root = format!("/data/limen/tenant/{slot}/store/{DIGEST}/root");
    fs::create_dir_all(format!("{root}/bin")).unwrap();
    fs::create_dir_all(format!("{root}/var/lib/data")).unwrap();
    fs::create_dir_all(format!("{root}/etc")).unwrap();
    fs::create_dir_all(format!("{root}/proc")).unwrap();
    fs::write(format!("{root}/etc/hello"), "served page\n").unwrap();
    fs::copy("/usr/bin/busybox", format!("{root}/bin/busybox")).unwrap();
    fs::set_permissions(
        format!("{root}/bin/busybox"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    for applet in [
        "sh", "id", "cat", "ls", "touch", "cp", "mount", "unshare", "mknod", "ping", "sleep",
        "hostname", "ps", "nice", "chroot", "dmesg", "true",
    ] {
        let _ = symlink("busybox", format!("{root}/bin/{applet}"));
    }
    // A bundle that would like its mounts to land elsewhere.
    let _ = symlink("/data", format!("{root}/run"));
    let _ = symlink("/", format!("{root}/dev"));
    let _ = symlink("bin", format!("{root}/sbin"));
    let volume = format!("/data/limen/tenant/{slot}/volumes/web/data");
    fs::create_dir_all(&volume).unwrap();
    let owner = BundleIndex::new(0).unwrap().outer_id(slot);
    chown(&volume, Some(owner), Some(owner)).unwrap();
    fs::set_permissions(&volume, fs::Permissions::from_mode(0o700)).unwrap();
}

/// A whole root file system of dynamically linked programs, when the image was given one as
/// `limen-mqtt` (a tar archive with Debian's mosquitto): it must start and listen.
fn foreign_root(slot: Slot, vgw: &Vgw) {
    let archive = "/usr/lib/limen/bin/limen-mqtt";
    let root = format!("/data/limen/tenant/{slot}/store/{FOREIGN}/root");
    fs::create_dir_all(&root).unwrap();
    let unpacked = std::process::Command::new("/usr/bin/busybox")
        .args(["tar", "-xf", archive, "-C", &root])
        .status();
    if !unpacked.is_ok_and(|status| status.success()) {
        println!("walk: no foreign root in the image");
        return;
    }
    fs::create_dir_all(format!("{root}/var/lib/data")).unwrap();
    fs::copy("/usr/bin/busybox", format!("{root}/usr/busybox")).unwrap();
    fs::set_permissions(
        format!("{root}/usr/busybox"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    let script = "/usr/sbin/mosquitto -v & /usr/busybox sleep 2; \
                  /usr/busybox nc -w 1 127.0.0.1 1883 </dev/null && echo CONNECTED; kill $!";
    let mut foreign = spec(slot, script);
    foreign.digest = FOREIGN;
    foreign.command = words(&["/usr/busybox", "sh", "-c", script]);
    let (text, _) = run_bundle(slot, vgw, "mqtt", &foreign);
    check(
        "mqtt",
        &text,
        &["mosquitto version", "running", "CONNECTED"],
    );
}

/// Specs that cannot work, and the step that must say so.
fn faults(slot: Slot, vgw: &Vgw) {
    let plain = || spec(slot, "true");
    let mut cases = Vec::new();
    let mut case = plain();
    case.command = words(&["/bin/absent"]);
    cases.push(("absent program", case, Step::Exec));
    let mut case = plain();
    case.command = words(&["/etc/hello"]);
    cases.push(("program that is not executable", case, Step::Exec));
    let mut case = plain();
    case.digest = Digest([8; 32]);
    cases.push(("absent bundle", case, Step::Mounts));
    let mut case = plain();
    case.volumes[0].name = "other".parse().unwrap();
    cases.push(("absent volume", case, Step::Mounts));
    let mut case = plain();
    case.volumes[0].path = "/var/lib/absent".try_into().unwrap();
    cases.push(("absent mount point", case, Step::Mounts));
    let mut case = plain();
    case.volumes[0].path = "/sbin/x".try_into().unwrap();
    cases.push(("mount point behind a link", case, Step::Mounts));
    let mut case = plain();
    case.volumes[0].path = "/../data".try_into().unwrap();
    cases.push(("mount point above the root", case, Step::Mounts));
    let mut case = plain();
    case.index = BundleIndex::new(1).unwrap();
    cases.push(("another bundle's volume", case, Step::Mounts));
    let mut case = plain();
    case.limits.cpu_weight = 0;
    cases.push(("weight out of range", case, Step::Cgroup));
    for (name, spec, step) in cases {
        let (_, failed) = run_bundle(slot, vgw, name, &spec);
        let held = matches!(failed, Some(Answer::Failed { step: told, .. }) if told == step);
        expect(&format!("{name} fails at {step:?}"), held, &failed);
    }
    let mut small = plain();
    small.limits.memory = 65536;
    let (_, failed) = run_bundle(slot, vgw, "too little memory", &small);
    expect(
        "too little memory ends without an answer",
        failed.is_none(),
        &failed,
    );
}

fn spec(slot: Slot, script: &str) -> BundleSpec {
    BundleSpec {
        slot,
        index: BundleIndex::new(0).unwrap(),
        name: "web".parse().unwrap(),
        digest: DIGEST,
        command: words(&["/bin/sh", "-c", script]),
        environment: words(&[]),
        limits: limits(),
        temporary: 4 << 20,
        volumes: heapless::Vec::from_slice(&[Volume {
            name: "data".parse().unwrap(),
            path: "/var/lib/data".try_into().unwrap(),
        }])
        .unwrap(),
        devices: heapless::Vec::new(),
        readiness: Readiness::Exec,
        ready_within_ms: 1000,
        stop_within_ms: 1000,
    }
}

fn device() -> DeviceClass {
    DeviceClass {
        name: "serial-p1".parse().unwrap(),
        node: "serial-p1".try_into().unwrap(),
        major: 4,
        minor: 64,
    }
}

fn bundle(slot: Slot, vgw: &Vgw, name: &str, script: &str, expected: &[&str]) {
    let (text, failed) = run_bundle(slot, vgw, name, &spec(slot, script));
    check(name, &text, expected);
    expect(&format!("{name} ran"), failed.is_none(), &failed);
}

/// Runs a bundle to its end. Its output, and the fault if there was one.
fn run_bundle(slot: Slot, vgw: &Vgw, name: &str, spec: &BundleSpec) -> (String, Option<Answer>) {
    let run = format!("/run/limen/bundle/{}", bundle_run_name(slot, spec.index));
    let _ = fs::remove_dir_all(&run);
    fs::create_dir_all(&run).unwrap();
    let _broker = Listener::<2048>::bind(Path::new(&format!("{run}/broker")), 4).unwrap();
    let _notify = UnixDatagram::bind(format!("{run}/notify")).unwrap();
    let job = Job::new("vgw-1/b0");
    let (mut reader, writer) = std::io::pipe().unwrap();
    let begun = Instant::now();
    let (answer, passed, second) = job.start(
        &Task::Bundle {
            spec: spec.clone(),
            devices: heapless::Vec::from_slice(&[device()]).unwrap(),
        },
        &[
            null().as_fd(),
            writer.as_fd(),
            vgw.reaper.as_fd(),
            vgw.users.as_fd(),
        ],
    );
    drop(writer);
    println!(
        "walk: bundle {name}: {answer:?} then {second:?} after {:?}",
        begun.elapsed()
    );
    // Whatever holds the pipe open longer than this is ended with its cgroup.
    let (done, late) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        let timeout = std::sync::mpsc::RecvTimeoutError::Timeout;
        if late.recv_timeout(Duration::from_secs(8)) == Err(timeout) {
            println!("walk: too long; killed");
            let _ = fs::write(format!("{CGROUP}/vgw-1/b0/cgroup.kill"), "1");
        }
    });
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    drop(done);
    show(name, &text);
    if let Some(pidfd) = passed.first() {
        println!("walk: bundle {name} ended: {:?}", wait(pidfd.as_fd()));
    }
    fs::write(format!("{CGROUP}/vgw-1/b0/cgroup.kill"), "1").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    while let Ok(Some(_)) = reap::reap_any() {}
    fs::remove_dir(format!("{CGROUP}/vgw-1/b0")).unwrap();
    let failed = match answer {
        Ok(Answer::Failed { .. }) => answer.ok(),
        _ => second,
    };
    (text, failed)
}

fn timing(slot: Slot, vgw: &Vgw) {
    let run = format!(
        "/run/limen/bundle/{}",
        bundle_run_name(slot, BundleIndex::new(0).unwrap())
    );
    let _ = fs::remove_dir_all(&run);
    fs::create_dir_all(&run).unwrap();
    let _broker = Listener::<2048>::bind(Path::new(&format!("{run}/broker")), 4).unwrap();
    let _notify = UnixDatagram::bind(format!("{run}/notify")).unwrap();
    let mut fastest = Duration::MAX;
    for _ in 0..20 {
        let job = Job::new("vgw-1/b0");
        let begun = Instant::now();
        let (answer, passed, _) = job.start(
            &Task::Bundle {
                spec: spec(slot, "true"),
                devices: heapless::Vec::new(),
            },
            &[
                null().as_fd(),
                null().as_fd(),
                vgw.reaper.as_fd(),
                vgw.users.as_fd(),
            ],
        );
        fastest = fastest.min(begun.elapsed());
        assert!(answer.is_ok());
        wait(passed.first().unwrap().as_fd());
        fs::remove_dir(format!("{CGROUP}/vgw-1/b0")).unwrap();
    }
    println!("walk: fastest of 20 bundle starts: {fastest:?}");
}

fn adjust(slot: Slot, vgw: &Vgw) {
    let mut other = contract();
    other.limits.processes = 70;
    other.upload = 1_000_000;
    let answer = Job::new("core/hand").start(
        &Task::Adjust {
            slot,
            contract: other,
        },
        &[vgw.network.as_fd()],
    );
    expect("adjust", matches!(answer.0, Ok(Answer::Done)), &answer.0);
    let text = fs::read_to_string(format!("{CGROUP}/vgw-1/pids.max")).unwrap();
    expect("adjusted pids.max", text.trim() == "70", &text);
    rustix::process::pidfd_send_signal(&vgw.reaper, rustix::process::Signal::TERM).unwrap();
    let end = wait(vgw.reaper.as_fd());
    expect("the reaper ends when told", end == Exit::Status(0), &end);
}
