//! Contracts that are wrong in themselves: every key at its edges

use limen_proto::contract::{Contract, Destination, Protocol, Rate, Spent, Volume, Wan};
use limen_proto::manage::RefusalKind;

use super::house::*;
use crate::core::sound::sound;

type Case = (fn(&mut Contract), &'static str);

fn to(network: &str, protocol: Option<Protocol>, port: u16) -> Destination {
    Destination {
        network: network.parse().unwrap(),
        protocol,
        port,
    }
}

#[test]
fn zero_maximum_and_contradiction_are_refused_by_the_key() {
    let cases: &[Case] = &[
        (|c| c.limits.memory = 0, "limits.memory is 0 bytes"),
        (
            |c| c.limits.memory_high = 1,
            "limits.memory-high is 1 bytes",
        ),
        (|c| c.limits.memory_high = u64::MAX, "limits.memory-high is"),
        (
            |c| c.limits.memory_high = (64 << 20) + 1,
            "with limits.memory 64 MiB",
        ),
        (|c| c.limits.processes = 0, "limits.processes is 0"),
        (
            |c| c.limits.processes = u32::MAX,
            "limits.processes is 4294967295, outside of 2 to 32768",
        ),
        (
            |c| c.limits.descriptors = 0,
            "limits.descriptors is 0, outside of 64",
        ),
        (|c| c.limits.descriptors = u32::MAX, "limits.descriptors is"),
        (
            |c| c.limits.cpu_weight = 10_001,
            "limits.cpu-weight is 10001",
        ),
        (
            |c| c.limits.cpu_burst_ms = 51,
            "limits.cpu-burst-ms is 51; with limits.cpu-percent 50",
        ),
        (
            |c| {
                c.limits.cpu_percent = 0;
                c.limits.cpu_burst_ms = 1;
            },
            "limits.cpu-burst-ms needs limits.cpu-percent",
        ),
        (|c| c.limits.read_rate = 1, "limits.read-rate is 1 bytes"),
        (
            |c| c.limits.write_rate = 16_383,
            "limits.write-rate is 15.9 KiB",
        ),
        (
            |c| c.guarantees.cpu_percent = 51,
            "guarantees.cpu-percent is 51",
        ),
        (|c| c.guarantees.memory = u64::MAX, "guarantees.memory is"),
        (
            |c| {
                c.limits.memory_high = 32 << 20;
                c.guarantees.memory = 33 << 20;
            },
            "guarantees.memory is 33 MiB; with limits.memory-high 32 MiB",
        ),
        (|c| c.disk = 0, "disk is 0 bytes"),
        (|c| c.inodes = 0, "inodes is 0"),
        (|c| c.upload = Rate::of(1), "upload.bits is 1"),
        (|c| c.download = Rate::of(u64::MAX), "download.bits is"),
        (|c| c.upload.burst = 1, "upload.burst needs upload.bits"),
        (
            |c| {
                c.download = Rate {
                    bits: 8_000,
                    burst: 1,
                }
            },
            "download.burst is 1 bytes",
        ),
        (
            |c| {
                c.download = Rate {
                    bits: 8_000,
                    burst: u32::MAX,
                }
            },
            "download.burst is",
        ),
        (
            |c| c.volume.then = Spent::Slow { bits: 8_000 },
            "volume.then needs volume.bytes",
        ),
        (
            |c| {
                c.volume = Volume {
                    bytes: 1,
                    then: Spent::Slow { bits: 0 },
                }
            },
            "volume.then.slow.bits is 0",
        ),
        (
            |c| {
                c.upload = Rate::of(8_000);
                c.volume = Volume {
                    bytes: 1,
                    then: Spent::Slow { bits: 8_001 },
                }
            },
            "volume.then.slow.bits is 8001; with upload 8000",
        ),
        (|c| c.connections = 0, "connections is 0"),
        (|c| c.wan = Wan::Listed, "destinations is empty"),
        (
            |c| c.destinations.push(to("192.0.2.0/24", None, 0)).unwrap(),
            "destinations are for wan = listed",
        ),
        (
            |c| c.lan.push(to("192.0.2.0/24", None, 80)).unwrap(),
            "lan: port 80 needs a protocol",
        ),
        (
            |c| c.lan.push(to("127.0.0.1/32", None, 0)).unwrap(),
            "lan: 127.0.0.1/32 is a program's own",
        ),
        (
            |c| c.lan.push(to("100.96.0.2/32", None, 0)).unwrap(),
            "lan: 100.96.0.2/32 belongs",
        ),
        (
            |c| c.lan.extend([to("10.0.0.0/8", None, 0); 2]),
            "lan names",
        ),
        (|c| c.publish.push(publish(0)).unwrap(), "publish: port 0"),
        (
            |c| c.devices.extend([name("a"), name("a")]),
            "devices names \"a\" twice",
        ),
        (
            |c| c.minimum.shaped = true,
            "minimum.shaped needs upload and download",
        ),
    ];
    assert_eq!(sound(&contract()), Ok(()));
    for (change, text) in cases {
        let mut wish = contract();
        change(&mut wish);
        let refusal = sound(&wish).expect_err(text);
        assert_eq!(refusal.kind, RefusalKind::Invalid, "{text}");
        assert!(
            refusal.message.contains(text),
            "{text}: {}",
            refusal.message
        );
    }
}

#[test]
fn edges_that_the_kernel_takes_are_sound() {
    let cases: &[fn(&mut Contract)] = &[
        |c| c.limits.cpu_burst_ms = 50,
        |c| c.limits.memory_high = 64 << 20,
        |c| c.guarantees.memory = 64 << 20,
        |c| c.guarantees.cpu_percent = 50,
        |c| {
            c.limits.cpu_percent = 0;
            c.guarantees.cpu_percent = u16::MAX;
        },
        |c| c.limits.descriptors = 1 << 20,
        |c| {
            c.upload = Rate {
                bits: 8_000,
                burst: 3_200,
            }
        },
        |c| {
            c.wan = Wan::Listed;
            c.destinations
                .push(to("0.0.0.0/0", Some(Protocol::Tcp), 443))
                .unwrap();
        },
    ];
    for (place, change) in cases.iter().enumerate() {
        let mut wish = contract();
        change(&mut wish);
        assert_eq!(sound(&wish), Ok(()), "case {place}");
    }
}
