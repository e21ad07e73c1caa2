//! A virtual gateway: made, adjusted

use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use limen_proto::contract::{Contract, Limits, Protocol, Publish, Rate, Wan};
use limen_proto::id::Slot;
use limen_proto::jail::{Answer, Task};
use limen_proto::spec::VgwSpec;
use limen_proto::state::Exit;

use crate::expect;
use crate::guest::{CGROUP, Job, limits, show, wait};

pub(crate) struct Vgw {
    pub(crate) reaper: OwnedFd,
    pub(crate) users: OwnedFd,
    pub(crate) network: OwnedFd,
    /// Landlock's, of this kernel.
    pub(crate) landlock_abi: u8,
}

pub(crate) fn contract() -> Contract {
    Contract {
        limits: Limits {
            memory: 32 << 20,
            processes: 64,
            ..limits()
        },
        disk: 24 << 20,
        inodes: 1000,
        upload: Rate::of(10_000_000),
        download: Rate::of(10_000_000),
        wan: Wan::All,
        publish: heapless::Vec::from_slice(&[Publish {
            protocol: Protocol::Tcp,
            outside: 8080,
            inside: 80,
        }])
        .unwrap(),
        ..Contract::default()
    }
}

pub(crate) fn virtual_gateway(slot: Slot) -> Vgw {
    fs::create_dir_all(format!("{CGROUP}/vgw-1")).unwrap();
    fs::write(
        format!("{CGROUP}/vgw-1/cgroup.subtree_control"),
        "+cpu +memory +pids +io",
    )
    .unwrap();
    let spec = VgwSpec {
        slot,
        provider: "energy".parse().unwrap(),
        contract: contract(),
    };
    let (mut reader, writer) = std::io::pipe().unwrap();
    let begun = Instant::now();
    let answer = Job::new("vgw-1/core").start(&Task::Vgw { spec, held: false }, &[writer.as_fd()]);
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
        landlock_abi: match answer.0 {
            Ok(Answer::Built { posture, .. }) => posture.landlock_abi,
            _ => 0,
        },
    }
}

/// Tells the reaper to end, as init does.
pub(crate) fn end(vgw: &Vgw) {
    rustix::process::pidfd_send_signal(&vgw.reaper, rustix::process::Signal::TERM).unwrap();
    let end = wait(vgw.reaper.as_fd());
    expect("the reaper ends when told", end == Exit::Status(0), &end);
}
