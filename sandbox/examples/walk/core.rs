//! A core unit

use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::chown;

use limen_channel::{Buffer, Channel};
use limen_proto::jail::Task;
use limen_proto::restart::RestartPolicy;
use limen_proto::spec::Readiness;
use limen_proto::table::{Bind, CoreUnit, Network, Role};

use crate::expect;
use crate::guest::{Job, check, limits, show, wait, words};

pub(crate) fn core_unit() {
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
        &[writer.as_fd(), theirs.as_fd()],
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
