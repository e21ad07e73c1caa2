//! A contract for people: one fact a line, the whole of it

use limen_proto::contract::{Contract, Destination, Minimum, Protocol, Rate, Spent, Volume, Wan};

use crate::quantity::{show_bytes, show_rate};

/// Every key of the contract, in the order of the documentation. Use stands elsewhere.
pub(crate) fn facts(contract: &Contract) -> Vec<(&'static str, String)> {
    let limits = &contract.limits;
    let guaranteed = &contract.guarantees;
    vec![
        ("processor", processor(contract)),
        ("memory at most", show_bytes(limits.memory)),
        ("memory high", or_none(limits.memory_high, show_bytes)),
        ("memory guaranteed", or_none(guaranteed.memory, show_bytes)),
        ("processes at most", limits.processes.to_string()),
        ("descriptors at most", limits.descriptors.to_string()),
        (
            "disk",
            format!(
                "at most {}, {} entries",
                show_bytes(contract.disk),
                contract.inodes
            ),
        ),
        ("disk read", a_second(limits.read_rate)),
        ("disk written", a_second(limits.write_rate)),
        ("upload", rate(contract.upload)),
        ("download", rate(contract.download)),
        ("volume", volume(contract.volume)),
        ("connections", format!("at most {}", contract.connections)),
        ("wan", wan(contract)),
        ("lan", list(&contract.lan, destination)),
        (
            "published",
            list(&contract.publish, |port| {
                let protocol = word(port.protocol);
                format!("{protocol} {} to {}", port.outside, port.inside)
            }),
        ),
        ("devices", list(&contract.devices, ToString::to_string)),
        ("jit", contract.jit.to_string()),
        ("warm", contract.warm.to_string()),
        ("minimum", minimum(&contract.minimum)),
    ]
}

fn processor(contract: &Contract) -> String {
    let limits = &contract.limits;
    let mut parts = vec![match limits.cpu_percent {
        0 => "no limit".to_owned(),
        percent => format!("at most {percent} % of one core"),
    }];
    if limits.cpu_burst_ms > 0 {
        parts.push(format!("{} ms saved up", limits.cpu_burst_ms));
    }
    if contract.guarantees.cpu_percent > 0 {
        parts.push(format!("{} % guaranteed", contract.guarantees.cpu_percent));
    }
    parts.push(format!("weight {}", limits.cpu_weight));
    parts.join(", ")
}

fn or_none(value: u64, show: fn(u64) -> String) -> String {
    match value {
        0 => "-".to_owned(),
        some => show(some),
    }
}

fn a_second(bytes: u64) -> String {
    match bytes {
        0 => "unlimited".to_owned(),
        some => format!("at most {}/s", show_bytes(some)),
    }
}

fn rate(rate: Rate) -> String {
    match rate.burst {
        0 => show_rate(rate.bits),
        burst => format!(
            "{}, {} at once",
            show_rate(rate.bits),
            show_bytes(burst.into())
        ),
    }
}

fn volume(volume: Volume) -> String {
    match (volume.bytes, volume.then) {
        (0, _) => "unlimited".to_owned(),
        (bytes, Spent::Cut) => format!("{} a month, then cut off", show_bytes(bytes)),
        (bytes, Spent::Slow { bits }) => {
            format!("{} a month, then {}", show_bytes(bytes), show_rate(bits))
        }
    }
}

fn wan(contract: &Contract) -> String {
    match contract.wan {
        Wan::None => "none".to_owned(),
        Wan::All => "all".to_owned(),
        Wan::Listed => list(&contract.destinations, destination),
    }
}

fn destination(destination: &Destination) -> String {
    let protocol = destination.protocol.map_or("any", word);
    match destination.port {
        0 => format!("{protocol} {}", destination.network),
        port => format!("{protocol} {} port {port}", destination.network),
    }
}

fn word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    }
}

fn minimum(minimum: &Minimum) -> String {
    let mut words = Vec::new();
    if minimum.landlock_abi > 0 {
        words.push(format!("landlock-abi {}", minimum.landlock_abi));
    }
    for (asked, word) in [
        (minimum.memfd_exec_denied, "memfd-exec-denied"),
        (minimum.disk_quota, "disk-quota"),
        (minimum.shaped, "shaped"),
    ] {
        if asked {
            words.push(word.to_owned());
        }
    }
    list(&words, Clone::clone)
}

fn list<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    let parts: Vec<String> = items.iter().map(show).collect();
    if parts.is_empty() {
        "-".to_owned()
    } else {
        parts.join(", ")
    }
}
