//! A contract from a file, from flags, or from both
//!
//! Two steps, like all configuration: raw TOML (kebab-case, unknown keys refused), then the contract
//! of `limen-proto` that the gateway takes. A flag wins over the file; what neither says has a
//! default, but memory and disk: those are the operator's to decide. docs/reference/configuration.md
//! is the description for people.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use limen_proto::contract::{Contract, Limits, Protocol, Publish, Wan};
use limen_proto::name::Name;
use serde::Deserialize;

use crate::failure::Failure;
use crate::quantity;

/// Ordinary share when processors are short.
const CPU_WEIGHT: u16 = 100;
/// Processes and threads of a small service, several times over.
const PROCESSES: u32 = 64;
/// Files of a small root file system.
const INODES: u32 = 4096;

/// The contract's flags.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Contract")]
pub(crate) struct ContractFlags {
    /// The contract in a file (TOML); flags win over it
    #[arg(long, value_name = "FILE")]
    contract: Option<PathBuf>,
    /// Most memory, such as 64MiB
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Most processor time, percent of one core; 0 is no limit
    #[arg(long, value_name = "PERCENT")]
    cpu_percent: Option<u16>,
    /// Share when processors are short, 1 to 10000 [default: 100]
    #[arg(long, value_name = "WEIGHT", value_parser = clap::value_parser!(u16).range(1..=10000))]
    cpu_weight: Option<u16>,
    /// Most processes and threads [default: 64]
    #[arg(long, value_name = "COUNT")]
    processes: Option<u32>,
    /// Most disk: bundles and volumes together, such as 128MiB
    #[arg(long, value_name = "SIZE")]
    disk: Option<String>,
    /// Most files, directories and links on disk [default: 4096]
    #[arg(long, value_name = "COUNT")]
    inodes: Option<u32>,
    /// Most bits a second from the virtual gateway outwards, such as 10Mbit; 0 is no limit
    #[arg(long, value_name = "RATE")]
    upload: Option<String>,
    /// Most bits a second towards the virtual gateway; 0 is no limit
    #[arg(long, value_name = "RATE")]
    download: Option<String>,
    /// Where it may connect to by itself: none or all
    #[arg(long, value_name = "REACH", value_parser = ["none", "all"])]
    wan: Option<String>,
    /// A port of the box that leads inside, PROTOCOL:OUTSIDE:INSIDE, such as tcp:8080:80
    #[arg(long, value_name = "PORT")]
    publish: Vec<PortFlag>,
    /// A device class that its bundles may use, such as serial-p1
    #[arg(long, value_name = "CLASS")]
    device: Vec<Name>,
}

/// `tcp:8080:80`
#[derive(Debug, Clone, Copy)]
struct PortFlag(Publish);

impl FromStr for PortFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port != 0);
        let parsed = match parts.as_slice() {
            ["tcp", outside, inside] => Some((Protocol::Tcp, port(outside), port(inside))),
            ["udp", outside, inside] => Some((Protocol::Udp, port(outside), port(inside))),
            _ => None,
        };
        match parsed {
            Some((protocol, Some(outside), Some(inside))) => Ok(Self(Publish {
                protocol,
                outside,
                inside,
            })),
            _ => Err("write PROTOCOL:OUTSIDE:INSIDE, for example tcp:8080:80".to_owned()),
        }
    }
}

/// A number, or a text with a unit.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "a whole number, or a text with a unit such as \"64MiB\" or \"10Mbit\""
)]
enum Amount {
    Number(u64),
    Text(String),
}

impl Amount {
    fn bytes(&self) -> Result<u64, Failure> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(text) => quantity::bytes(text),
        }
    }

    fn rate(&self) -> Result<u64, Failure> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(text) => quantity::rate(text),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawLimits {
    cpu_percent: Option<u16>,
    cpu_weight: Option<u16>,
    memory: Option<Amount>,
    processes: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawContract {
    #[serde(default)]
    limits: RawLimits,
    disk: Option<Amount>,
    inodes: Option<u32>,
    upload: Option<Amount>,
    download: Option<Amount>,
    wan: Option<Wan>,
    publish: Option<Vec<Publish>>,
    devices: Option<Vec<Name>>,
}

impl ContractFlags {
    /// The contract that file and flags make, over `base` if there is one already.
    pub(crate) fn contract(&self, base: Option<Contract>) -> Result<Contract, Failure> {
        let raw = match &self.contract {
            None => RawContract::default(),
            Some(path) => read(path)?,
        };
        let flag = |text: &Option<String>| text.clone().map(Amount::Text);
        let bytes =
            |flag: Option<Amount>, file: Option<Amount>, base: Option<u64>, what: &str| match flag
                .or(file)
            {
                Some(amount) => amount.bytes(),
                None => base.ok_or_else(|| {
                    let rule = format!("the contract does not say how much {what}");
                    Failure::Usage(format!("{rule}; add {what} to the file, or --{what} SIZE"))
                }),
            };
        let rate = |flag: Option<Amount>, file: Option<Amount>, base: Option<u64>| {
            let amount = flag.or(file);
            amount.map_or(Ok(base.unwrap_or(0)), |amount| amount.rate())
        };
        let before = base.as_ref();
        let limits = before.map(|base| base.limits);
        let memory = bytes(
            flag(&self.memory),
            raw.limits.memory,
            limits.map(|l| l.memory),
            "memory",
        )?;
        let disk = bytes(
            flag(&self.disk),
            raw.disk,
            before.map(|base| base.disk),
            "disk",
        )?;
        let percent = self.cpu_percent.or(raw.limits.cpu_percent);
        let weight = self.cpu_weight.or(raw.limits.cpu_weight);
        let processes = self.processes.or(raw.limits.processes);
        let inodes = self.inodes.or(raw.inodes);
        let wan = match self.wan.as_deref() {
            Some("all") => Some(Wan::All),
            Some(_) => Some(Wan::None),
            None => raw.wan,
        };
        let mut contract = Contract {
            limits: Limits {
                cpu_percent: percent.or(limits.map(|l| l.cpu_percent)).unwrap_or(0),
                cpu_weight: weight
                    .or(limits.map(|l| l.cpu_weight))
                    .unwrap_or(CPU_WEIGHT),
                memory,
                processes: processes
                    .or(limits.map(|l| l.processes))
                    .unwrap_or(PROCESSES),
            },
            disk,
            inodes: inodes.or(before.map(|base| base.inodes)).unwrap_or(INODES),
            upload: rate(
                flag(&self.upload),
                raw.upload,
                before.map(|base| base.upload),
            )?,
            download: rate(
                flag(&self.download),
                raw.download,
                before.map(|base| base.download),
            )?,
            wan: wan.or(before.map(|base| base.wan)).unwrap_or_default(),
            publish: before.map(|base| base.publish.clone()).unwrap_or_default(),
            devices: before.map(|base| base.devices.clone()).unwrap_or_default(),
        };
        // A list is given as a whole: what the file or the flags list replaces what was there.
        let ports = self.publish.iter().map(|flag| flag.0);
        if raw.publish.is_some() || !self.publish.is_empty() {
            let listed = raw.publish.unwrap_or_default().into_iter().chain(ports);
            contract.publish = list(listed, "published ports")?;
        }
        if raw.devices.is_some() || !self.device.is_empty() {
            let flags = self.device.iter().cloned();
            contract.devices = list(
                raw.devices.unwrap_or_default().into_iter().chain(flags),
                "devices",
            )?;
        }
        Ok(contract)
    }
}

fn read(path: &Path) -> Result<RawContract, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    toml::from_str(&text).map_err(|error| Failure::file(path, error))
}

fn list<T, const N: usize>(
    items: impl Iterator<Item = T>,
    what: &str,
) -> Result<heapless::Vec<T, N>, Failure> {
    let mut list = heapless::Vec::new();
    for item in items {
        let full = |_| Failure::Usage(format!("a contract has at most {N} {what}"));
        list.push(item).map_err(full)?;
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(toml: &str) -> (ContractFlags, tempfile::NamedTempFile) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), toml).expect("written");
        let flags = ContractFlags {
            contract: Some(file.path().to_owned()),
            ..ContractFlags::default()
        };
        (flags, file)
    }

    #[test]
    fn units_defaults_and_flags_make_one_contract() {
        let (mut given, _file) = flags(
            "disk = \"128MiB\"\nupload = \"10Mbit\"\ndownload = 20000000\n\
             [limits]\nmemory = \"64MiB\"\ncpu-percent = 50\n\
             [[publish]]\nprotocol = \"tcp\"\noutside = 8080\ninside = 80\n",
        );
        given.memory = Some("32MiB".to_owned());
        given.publish = vec!["udp:53:5353".parse().expect("a port")];
        let contract = given.contract(None).expect("a contract");
        assert_eq!(contract.limits.memory, 32 << 20, "the flag wins");
        assert_eq!(
            (contract.limits.cpu_weight, contract.limits.processes),
            (100, 64)
        );
        assert_eq!((contract.disk, contract.upload), (128 << 20, 10_000_000));
        assert_eq!((contract.download, contract.wan), (20_000_000, Wan::None));
        assert_eq!(contract.publish.len(), 2);

        let change = ContractFlags {
            cpu_percent: Some(7),
            ..ContractFlags::default()
        };
        let changed = change.contract(Some(contract.clone())).expect("a contract");
        assert_eq!(changed.limits.cpu_percent, 7);
        assert_eq!(
            (changed.disk, changed.publish),
            (contract.disk, contract.publish)
        );
    }

    #[test]
    fn what_is_unknown_or_missing_is_named() {
        for (toml, named) in [
            ("colour = 1", "colour"),
            ("[limits]\nmemory = \"64MB\"\n", "64MB"),
            ("[limits]\nmemory = 1\nmemroy = 2\n", "memroy"),
            ("[limits]\nmemory = 1\n", "--disk"),
            ("disk = 1", "--memory"),
            ("wan = \"some\"", "some"),
            ("devices = [\"Serial\"]", "name"),
        ] {
            let (given, _file) = flags(toml);
            let failure = given.contract(None).expect_err(toml);
            assert!(failure.to_string().contains(named), "{toml}: {failure}");
        }
        for port in ["tcp:80", "icmp:1:1", "tcp:0:80", "tcp:80:99999", "8080:80"] {
            assert!(port.parse::<PortFlag>().is_err(), "{port}");
        }
    }
}
