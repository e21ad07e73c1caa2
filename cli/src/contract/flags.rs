//! The contract's flags, and the small languages of their values

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use limen_proto::contract::{Destination, Ipv4Network, Minimum, Protocol, Publish, Spent};
use limen_proto::name::Name;

use crate::quantity;

/// The contract's flags.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Contract")]
pub(crate) struct ContractFlags {
    /// The contract in a file (TOML); flags win over it
    #[arg(long, value_name = "FILE")]
    pub(super) contract: Option<PathBuf>,
    /// Most memory, such as 64MiB
    #[arg(long, value_name = "SIZE")]
    pub(super) memory: Option<String>,
    /// Memory above which it is slowed down and reclaimed from; 0 is none
    #[arg(long, value_name = "SIZE")]
    pub(super) memory_high: Option<String>,
    /// Memory that is never taken away for others [default: 0]
    #[arg(long, value_name = "SIZE")]
    pub(super) guarantee_memory: Option<String>,
    /// Most processor time, percent of one core; 0 is no limit
    #[arg(long, value_name = "PERCENT")]
    pub(super) cpu_percent: Option<u16>,
    /// Unused processor time that may be saved up, milliseconds; at most as many as percent
    #[arg(long, value_name = "MILLISECONDS")]
    pub(super) cpu_burst_ms: Option<u16>,
    /// Share when processors are short, 1 to 10000 [default: 100]
    #[arg(long, value_name = "WEIGHT")]
    pub(super) cpu_weight: Option<u16>,
    /// Processor time that it has for certain, percent of one core [default: 0]
    #[arg(long, value_name = "PERCENT")]
    pub(super) guarantee_cpu: Option<u16>,
    /// Most processes and threads [default: 64]
    #[arg(long, value_name = "COUNT")]
    pub(super) processes: Option<u32>,
    /// Most descriptors of each process [default: 4096]
    #[arg(long, value_name = "COUNT")]
    pub(super) descriptors: Option<u32>,
    /// Most bytes a second read from the data disk, such as 4MiB; 0 is no limit
    #[arg(long, value_name = "SIZE")]
    pub(super) read_rate: Option<String>,
    /// Most bytes a second written to the data disk; 0 is no limit
    #[arg(long, value_name = "SIZE")]
    pub(super) write_rate: Option<String>,
    /// Most disk: bundles and volumes together, such as 128MiB
    #[arg(long, value_name = "SIZE")]
    pub(super) disk: Option<String>,
    /// Most files, directories and links on disk [default: 4096]
    #[arg(long, value_name = "COUNT")]
    pub(super) inodes: Option<u32>,
    /// Most bits a second from the virtual gateway outwards, such as 10Mbit; 0 is no limit
    #[arg(long, value_name = "RATE")]
    pub(super) upload: Option<String>,
    /// Bytes that may leave at once after a pause, such as 32KiB; 0 leaves the choice to the gateway
    #[arg(long, value_name = "SIZE")]
    pub(super) upload_burst: Option<String>,
    /// Most bits a second towards the virtual gateway; 0 is no limit
    #[arg(long, value_name = "RATE")]
    pub(super) download: Option<String>,
    /// Bytes that may arrive at once after a pause; 0 leaves the choice to the gateway
    #[arg(long, value_name = "SIZE")]
    pub(super) download_burst: Option<String>,
    /// Most bytes in a calendar month, both directions together; 0 is no limit
    #[arg(long, value_name = "SIZE")]
    pub(super) volume: Option<String>,
    /// What happens when they are spent: cut, or a rate to slow down to [default: cut]
    #[arg(long, value_name = "CUT|RATE", value_parser = spent)]
    pub(super) volume_then: Option<Spent>,
    /// Most connections that the box tracks for it at once [default: 1024]
    #[arg(long, value_name = "COUNT")]
    pub(super) connections: Option<u32>,
    /// Where it may connect to by itself: none, all, or listed (the destinations)
    #[arg(long, value_name = "REACH", value_parser = ["none", "all", "listed"])]
    pub(super) wan: Option<String>,
    /// What it may reach beyond the uplink, [PROTOCOL:]NETWORK[:PORT], such as tcp:192.0.2.0/24:443
    #[arg(long, value_name = "DESTINATION")]
    pub(super) destination: Vec<Listed<Destination>>,
    /// What it may reach in the box's own networks, written likewise
    #[arg(long, value_name = "DESTINATION")]
    pub(super) lan: Vec<Listed<Destination>>,
    /// A port of the box that leads inside, PROTOCOL:OUTSIDE:INSIDE, such as tcp:8080:80
    #[arg(long, value_name = "PORT")]
    pub(super) publish: Vec<Listed<Publish>>,
    /// A device class that its bundles may use, such as serial-p1
    #[arg(long, value_name = "CLASS")]
    pub(super) device: Vec<Listed<Name>>,
    /// Whether bundles that declare it may make code at run time [default: false]
    #[arg(long, value_name = "BOOLEAN")]
    pub(super) jit: Option<bool>,
    /// Whether it is kept parked while it is stopped, and spares of its programs ready [default: false]
    #[arg(long, value_name = "BOOLEAN")]
    pub(super) warm: Option<bool>,
    /// Isolation below which it is not started, with commas between: landlock-abi=N,
    /// memfd-exec-denied, disk-quota, shaped; or none
    #[arg(long, value_name = "WORDS", value_parser = minimum)]
    pub(super) minimum: Option<Minimum>,
}

/// One entry of a list, or `none`: the list is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listed<T> {
    None,
    One(T),
}

/// A value that is written as one word.
pub(super) trait Word: Sized {
    fn read(text: &str) -> Result<Self, String>;
}

impl<T: Word> FromStr for Listed<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            text => T::read(text).map(Self::One),
        }
    }
}

impl Word for Name {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error| format!("{error}"))
    }
}

impl Word for Publish {
    fn read(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let parsed = match parts.as_slice() {
            [transport, outside, inside] => {
                protocol(transport).zip(port(outside).zip(port(inside)))
            }
            _ => None,
        };
        let (protocol, (outside, inside)) = parsed
            .ok_or_else(|| "write PROTOCOL:OUTSIDE:INSIDE, for example tcp:8080:80".to_owned())?;
        Ok(Self {
            protocol,
            outside,
            inside,
        })
    }
}

impl Word for Destination {
    fn read(text: &str) -> Result<Self, String> {
        let rule = "write [PROTOCOL:]NETWORK[:PORT], for example tcp:192.0.2.0/24:443";
        let mut parts: Vec<&str> = text.split(':').collect();
        let transport = parts.first().and_then(|word| protocol(word));
        if transport.is_some() {
            parts.remove(0);
        }
        let (network, port) = match parts.as_slice() {
            [network] => (network, 0),
            [network, number] => (network, port(number).ok_or(rule)?),
            _ => return Err(rule.to_owned()),
        };
        let network: Result<Ipv4Network, _> = network.parse();
        Ok(Self {
            network: network.map_err(|error| format!("{error}; {rule}"))?,
            protocol: transport,
            port,
        })
    }
}

fn protocol(word: &str) -> Option<Protocol> {
    match word {
        "tcp" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        _ => None,
    }
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

fn spent(text: &str) -> Result<Spent, String> {
    match text {
        "cut" => Ok(Spent::Cut),
        rate => quantity::rate(rate)
            .map(|bits| Spent::Slow { bits })
            .map_err(|error| error.to_string()),
    }
}

fn minimum(text: &str) -> Result<Minimum, String> {
    let mut minimum = Minimum::default();
    for word in text.split(',').filter(|word| *word != "none") {
        match word {
            "memfd-exec-denied" => minimum.memfd_exec_denied = true,
            "disk-quota" => minimum.disk_quota = true,
            "shaped" => minimum.shaped = true,
            other => {
                let number = other.strip_prefix("landlock-abi=");
                minimum.landlock_abi = number.and_then(|text| text.parse().ok()).ok_or_else(|| {
                    format!(
                        "\"{other}\" is none of landlock-abi=N, memfd-exec-denied, disk-quota, shaped"
                    )
                })?;
            }
        }
    }
    Ok(minimum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_languages_are_read() {
        let read = |text: &str| text.parse::<Listed<Destination>>();
        let network = |text: &str| text.parse().expect("a network");
        for (text, protocol, net, port) in [
            ("192.0.2.0/24", None, "192.0.2.0/24", 0),
            ("192.0.2.1:53", None, "192.0.2.1/32", 53),
            ("udp:192.0.2.1", Some(Protocol::Udp), "192.0.2.1/32", 0),
            ("tcp:0.0.0.0/0:443", Some(Protocol::Tcp), "0.0.0.0/0", 443),
        ] {
            let destination = Destination {
                network: network(net),
                protocol,
                port,
            };
            assert_eq!(read(text), Ok(Listed::One(destination)), "{text}");
        }
        assert_eq!(read("none"), Ok(Listed::None));
        for bad in [
            "",
            "tcp",
            "icmp:192.0.2.1",
            "192.0.2.1/24",
            "192.0.2.1:0",
            "192.0.2.1:80:80",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        for bad in ["tcp:80", "icmp:1:1", "tcp:0:80", "tcp:80:99999", "8080:80"] {
            assert!(bad.parse::<Listed<Publish>>().is_err(), "{bad}");
        }
        assert_eq!(spent("64kbit"), Ok(Spent::Slow { bits: 64_000 }));
        assert!(spent("slow").is_err());
        let posture = minimum("landlock-abi=4,shaped").expect("a minimum");
        assert_eq!((posture.landlock_abi, posture.shaped), (4, true));
        assert!(!posture.disk_quota);
        assert!(minimum("landlock-abi=x").is_err());
        assert!(minimum("shape").expect_err("misspelt").contains("shape"));
    }
}
