//! Bundles that work, and what they find around themselves

use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use limen_channel::{Descriptors, Listener};
use limen_proto::contract::Guarantees;
use limen_proto::id::{BundleIndex, Digest, Slot};
use limen_proto::jail::{Answer, Task};
use limen_proto::spec::{BundleShare, BundleSpec, Readiness, Storage, Volume};
use limen_proto::table::DeviceClass;
use limen_sandbox::reap;

use crate::expect;
use crate::guest::{CGROUP, Job, check, limits, null, show, wait, words};
use crate::narrow;
use crate::vgw::Vgw;

/// What a bundle runs and what its output must contain; `!` before it, what it must not contain.
pub(crate) const SCRIPTS: &[(&str, &str, &[&str])] = &[
    (
        "identity",
        "id; cat /proc/self/status | busybox grep -E 'Cap|NoNew|Seccomp:'; hostname; cat /proc/self/cgroup; echo soft $(ulimit -Sn) hard $(ulimit -Hn)",
        &[
            "uid=1000 gid=1000",
            "CapEff:\t0000000000000000",
            "CapBnd:\t0000000000000000",
            "NoNewPrivs:\t1",
            "Seccomp:\t2",
            "energy",
            "0::/\n",
            "soft 1024 hard 2000",
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
        "echo in $(busybox pwd); echo kept > file; cat /var/lib/data/file; cp /bin/busybox /var/lib/data/echo; /var/lib/data/echo RAN; cp /bin/busybox /tmp/echo && /tmp/echo RAN; /bin/busybox dd if=/dev/zero of=/tmp/big bs=1M count=8; busybox df /tmp /var/lib/data",
        &["in /var/lib/data", "kept", "!RAN", "No space left"],
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
        "busybox dd if=/dev/zero of=/var/lib/data/big bs=1M count=60; rm -f /var/lib/data/big; i=0; while [ $i -lt 1200 ] && true > /var/lib/data/f$i; do i=$((i+1)); done; echo made $i; busybox rm -rf /var/lib/data/f*",
        &["Disk quota exceeded", "made ", "!made 1200"],
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

/// How long a script may take: none waits for anything, and a busy machine needs many times the
/// second or two of a quiet one.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) const DIGEST: Digest = Digest([7; 32]);

pub(crate) const FOREIGN: Digest = Digest([9; 32]);

pub(crate) fn store(slot: Slot) {
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
    // The hostile program stands in the place of one that this walk does not need.
    let programs = [(
        "adversary",
        fs::read("/usr/lib/limen/bin/limen-logger").unwrap(),
    )];
    for (name, content) in programs.into_iter().chain([("narrow", narrow::program())]) {
        let path = format!("{root}/bin/{name}");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // For who gets past a wall: what anybody may write, and what only root may read.
    for (name, text, mode) in [
        ("everybody", "", 0o666),
        ("nobody", "of root alone\n", 0o640),
    ] {
        let path = format!("{root}/etc/{name}");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let script = format!("{root}/bin/script");
    fs::write(&script, "#!/proc/self/exe\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let _ = symlink("/proc/self/exe", format!("{root}/bin/self"));
    // A bundle that would like its mounts to land elsewhere.
    let _ = symlink("/data", format!("{root}/run"));
    let _ = symlink("/", format!("{root}/dev"));
    let _ = symlink("bin", format!("{root}/sbin"));
    let volume = format!("/data/limen/tenant/{slot}/volumes/web/data");
    fs::create_dir_all(&volume).unwrap();
    // Root's, as limen-install leaves it: it is given to the bundle at its first start.
    fs::set_permissions(&volume, fs::Permissions::from_mode(0o700)).unwrap();
}

/// A bundle's own share of the disk: held where it is small, and where it is large nothing else is
/// in the way of the same program. Case C-07.
pub(crate) fn storage(slot: Slot, vgw: &Vgw) {
    let script = "cd /var/lib/data; busybox rm -rf *; busybox dd if=/dev/zero of=big bs=4k count=64; rm -f big; \
                  i=0; while [ $i -lt 20 ] && true > f$i; do i=$((i+1)); done; echo made $i; busybox rm -rf f*";
    let mut case = spec(slot, script);
    for (name, bytes, inodes, expected) in [
        (
            "own-storage",
            128 << 10,
            12,
            &["Disk quota exceeded", "made ", "!made 20"][..],
        ),
        (
            "own-storage-large",
            1 << 20,
            64,
            &["!Disk quota exceeded", "made 20"],
        ),
    ] {
        case.storage = Storage { bytes, inodes };
        let (text, failed) = run_bundle(slot, vgw, name, &case);
        check(name, &text, expected);
        expect(&format!("{name} ran"), failed.is_none(), &failed);
    }
}

/// A whole root file system of dynamically linked programs, when the image was given one as
/// `limen-mqtt` (a tar archive with Debian's mosquitto): it must start and listen.
pub(crate) fn foreign_root(slot: Slot, vgw: &Vgw) {
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

pub(crate) fn spec(slot: Slot, script: &str) -> BundleSpec {
    BundleSpec {
        slot,
        index: BundleIndex::new(0).unwrap(),
        name: "web".parse().unwrap(),
        digest: DIGEST,
        command: words(&["/bin/sh", "-c", script]),
        environment: words(&[]),
        directory: "/var/lib/data".try_into().unwrap(),
        user: None,
        jit: false,
        spare: false,
        limits: limits(),
        guarantees: Guarantees::default(),
        storage: Storage {
            bytes: 64 << 20,
            inodes: 4096,
        },
        temporary: 4 << 20,
        volumes: heapless::Vec::from_slice(&[Volume {
            name: "data".parse().unwrap(),
            path: "/var/lib/data".try_into().unwrap(),
        }])
        .unwrap(),
        ports: heapless::Vec::from_slice(&[80, 1883]).unwrap(),
        devices: heapless::Vec::new(),
        readiness: Readiness::Exec,
        ready_within_ms: 1000,
        stop_within_ms: 1000,
    }
}

pub(crate) fn device() -> DeviceClass {
    DeviceClass {
        name: "serial-p1".parse().unwrap(),
        node: "serial-p1".try_into().unwrap(),
        major: 4,
        minor: 64,
    }
}

pub(crate) fn bundle(slot: Slot, vgw: &Vgw, name: &str, script: &str, expected: &[&str]) {
    let (text, failed) = run_bundle(slot, vgw, name, &spec(slot, script));
    check(name, &text, expected);
    expect(&format!("{name} ran"), failed.is_none(), &failed);
}

/// Every life after the first enters the mounts that the first one made: the same walls, and nothing
/// of an earlier life inside them.
pub(crate) fn next_lives(slot: Slot, vgw: &Vgw) {
    const LOOK: &str = "cat /proc/self/mounts; ls -A /tmp; echo > /tmp/of-the-first";
    let (first, _, mounts) = run_life(slot, vgw, ("first life", &spec(slot, LOOK)), None, |_| ());
    expect("the first life leaves its mounts", mounts.is_some(), &());
    let mounts = mounts.as_ref();
    let (next, failed, again) =
        run_life(slot, vgw, ("next life", &spec(slot, LOOK)), mounts, |_| ());
    expect("the next life ran", failed.is_none(), &failed);
    expect("the next life makes none", again.is_none(), &());
    let (mut before, mut after): (Vec<_>, Vec<_>) =
        (first.lines().collect(), next.lines().collect());
    before.sort_unstable();
    after.sort_unstable();
    // /tmp is in both, and empty in both.
    expect(
        "both lives find the same",
        before == after,
        &(before, after),
    );
    for (name, script, expected) in SCRIPTS {
        let name = format!("{name}, in a next life");
        let (text, failed, _) = run_life(slot, vgw, (&name, &spec(slot, script)), mounts, |_| ());
        check(&name, &text, expected);
        expect(&format!("{name} ran"), failed.is_none(), &failed);
    }
}

/// Runs a bundle to its end. Its output, and the fault if there was one.
pub(crate) fn run_bundle(
    slot: Slot,
    vgw: &Vgw,
    name: &str,
    spec: &BundleSpec,
) -> (String, Option<Answer>) {
    run_bundle_while(slot, vgw, name, spec, |_| ())
}

/// The same; `meanwhile` is told its number once it runs.
pub(crate) fn run_bundle_while(
    slot: Slot,
    vgw: &Vgw,
    name: &str,
    spec: &BundleSpec,
    meanwhile: impl FnOnce(u32),
) -> (String, Option<Answer>) {
    let (text, failed, _) = run_life(slot, vgw, (name, spec), None, meanwhile);
    (text, failed)
}

/// The same in the mounts of an earlier life; and the mounts that it made itself.
fn run_life(
    slot: Slot,
    vgw: &Vgw,
    (name, spec): (&str, &BundleSpec),
    mounts: Option<&OwnedFd>,
    meanwhile: impl FnOnce(u32),
) -> (String, Option<Answer>, Option<OwnedFd>) {
    let run = format!("/run/limen/bundle/walk-{slot}");
    let _ = fs::remove_dir_all(&run);
    fs::create_dir_all(&run).unwrap();
    let _broker = Listener::<2048>::bind(Path::new(&format!("{run}/broker")), 4).unwrap();
    let _notify = UnixDatagram::bind(format!("{run}/notify")).unwrap();
    let job = Job::new("vgw-1/b0");
    // A next life finds its limits and its /tmp.
    let made = mounts.map(|_| ready(&job, slot, spec));
    let (mut reader, writer) = std::io::pipe().unwrap();
    let begun = Instant::now();
    let run = fs::File::open(&run).unwrap();
    let mut riders = vec![
        writer.as_fd(),
        vgw.reaper.as_fd(),
        vgw.users.as_fd(),
        run.as_fd(),
    ];
    riders.extend(made.iter().flatten().map(AsFd::as_fd));
    riders.extend(mounts.map(AsFd::as_fd));
    let (answer, passed, second) = job.start(
        &Task::Bundle {
            spec: spec.clone(),
            devices: heapless::Vec::from_slice(&[device()]).unwrap(),
            held: spec.spare,
            ready: made.is_some(),
        },
        &riders,
    );
    drop(riders);
    drop(writer);
    println!(
        "walk: bundle {name}: {answer:?} then {second:?} after {:?}",
        begun.elapsed()
    );
    if let Ok(Answer::Built { pid, .. }) = answer {
        meanwhile(pid);
    }
    // Whatever holds the pipe open longer than this is ended with its cgroup.
    let (done, late) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        let timeout = std::sync::mpsc::RecvTimeoutError::Timeout;
        if late.recv_timeout(PATIENCE) == Err(timeout) {
            expect("ends by itself", false, &PATIENCE);
            let _ = fs::write(format!("{CGROUP}/vgw-1/b0/cgroup.kill"), "1");
        }
    });
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    drop(done);
    show(name, &text);
    let mut passed = passed.into_iter();
    if let Some(pidfd) = passed.next() {
        println!("walk: bundle {name} ended: {:?}", wait(pidfd.as_fd()));
    }
    let group = format!("{CGROUP}/vgw-1/b0");
    let events = fs::read_to_string(format!("{group}/memory.events")).unwrap_or_default();
    if !events.contains("oom_kill 0") {
        println!("walk: bundle {name} ran out of memory");
    }
    fs::write(format!("{group}/cgroup.kill"), "1").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    while let Ok(Some(_)) = reap::reap_any() {}
    fs::remove_dir(group).unwrap();
    let failed = match answer {
        Ok(Answer::Failed { .. }) => answer.ok(),
        _ => second,
    };
    (text, failed, passed.next())
}

fn ready(job: &Job, slot: Slot, spec: &BundleSpec) -> Descriptors {
    let task = Task::Ready {
        slot,
        share: BundleShare {
            index: spec.index,
            limits: spec.limits,
            guarantees: spec.guarantees,
            storage: spec.storage,
        },
        temporary: spec.temporary,
    };
    let (answer, made, _) = job.start(&task, &[]);
    let done = matches!(answer, Ok(Answer::Done)) && !made.is_empty();
    expect("limits and /tmp are made ahead", done, &answer);
    made
}

pub(crate) fn timing(slot: Slot, vgw: &Vgw) {
    let run = format!("/run/limen/bundle/walk-{slot}");
    let _ = fs::remove_dir_all(&run);
    fs::create_dir_all(&run).unwrap();
    let _broker = Listener::<2048>::bind(Path::new(&format!("{run}/broker")), 4).unwrap();
    let _notify = UnixDatagram::bind(format!("{run}/notify")).unwrap();
    let mut fastest = Duration::MAX;
    let run = fs::File::open(&run).unwrap();
    let mut mounts = None;
    for _ in 0..20 {
        let job = Job::new("vgw-1/b0");
        let begun = Instant::now();
        let null = null();
        let mut riders = vec![
            null.as_fd(),
            vgw.reaper.as_fd(),
            vgw.users.as_fd(),
            run.as_fd(),
        ];
        riders.extend(mounts.as_ref().map(AsFd::as_fd));
        let (answer, passed, _) = job.start(
            &Task::Bundle {
                spec: spec(slot, "true"),
                devices: heapless::Vec::new(),
                held: false,
                ready: false,
            },
            &riders,
        );
        fastest = fastest.min(begun.elapsed());
        assert!(answer.is_ok());
        let mut passed = passed.into_iter();
        wait(passed.next().unwrap().as_fd());
        mounts = mounts.or_else(|| passed.next());
        fs::remove_dir(format!("{CGROUP}/vgw-1/b0")).unwrap();
    }
    println!("walk: fastest of 20 bundle starts: {fastest:?}");
}
