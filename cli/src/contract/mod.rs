//! A contract from a file, from flags, or from both
//!
//! Two steps, like all configuration: raw TOML (kebab-case, unknown keys refused), then the contract
//! of `limen-proto` that the gateway takes. It starts from the contract in force, or from ordinary
//! values; the file changes what it names, then the flags do. Only memory and disk have no ordinary
//! value: those are the operator's to decide. docs/reference/configuration.md is the description for
//! people.

mod flags;
mod raw;
mod show;

#[cfg(test)]
mod tests;

use std::path::Path;

use limen_proto::contract::{Contract, Limits, Rate, Wan};

use crate::failure::Failure;
use flags::Listed;
use raw::Amount;

pub(crate) use flags::ContractFlags;
pub(crate) use show::facts;

/// Processes and threads of a small service, several times over.
const PROCESSES: u32 = 64;
/// Files of a small root file system.
const INODES: u32 = 4096;

impl ContractFlags {
    /// The contract that file and flags make, over `base` if there is one already.
    pub(crate) fn contract(&self, base: Option<Contract>) -> Result<Contract, Failure> {
        let raw = match &self.contract {
            None => raw::Contract::default(),
            Some(path) => read(path)?,
        };
        let mut decided = (base.is_some(), base.is_some());
        let mut contract = base.unwrap_or_else(ordinary);
        decided.0 |= raw.limits.memory.is_some() || self.memory.is_some();
        decided.1 |= raw.disk.is_some() || self.disk.is_some();
        self.processor_and_memory(&mut contract, &raw)?;
        self.disk(&mut contract, &raw)?;
        self.network(&mut contract, &raw)?;
        self.lists(&mut contract, raw)?;
        for (decided, what) in [(decided.0, "memory"), (decided.1, "disk")] {
            if !decided {
                let rule = format!("the contract does not say how much {what}");
                let remedy = format!("add {what} to the file, or --{what} SIZE");
                return Err(Failure::Usage(format!("{rule}; {remedy}")));
            }
        }
        Ok(contract)
    }

    fn processor_and_memory(
        &self,
        contract: &mut Contract,
        raw: &raw::Contract,
    ) -> Result<(), Failure> {
        let limits = &mut contract.limits;
        put(
            &mut limits.cpu_percent,
            self.cpu_percent,
            raw.limits.cpu_percent,
        );
        put(
            &mut limits.cpu_burst_ms,
            self.cpu_burst_ms,
            raw.limits.cpu_burst_ms,
        );
        put(
            &mut limits.cpu_weight,
            self.cpu_weight,
            raw.limits.cpu_weight,
        );
        put(&mut limits.processes, self.processes, raw.limits.processes);
        put(
            &mut limits.descriptors,
            self.descriptors,
            raw.limits.descriptors,
        );
        bytes(&mut limits.memory, &self.memory, &raw.limits.memory)?;
        bytes(
            &mut limits.memory_high,
            &self.memory_high,
            &raw.limits.memory_high,
        )?;
        let guarantees = &mut contract.guarantees;
        put(
            &mut guarantees.cpu_percent,
            self.guarantee_cpu,
            raw.guarantees.cpu_percent,
        );
        bytes(
            &mut guarantees.memory,
            &self.guarantee_memory,
            &raw.guarantees.memory,
        )?;
        put(&mut contract.jit, self.jit, raw.jit);
        put(&mut contract.warm, self.warm, raw.warm);
        put(&mut contract.minimum, self.minimum, raw.minimum);
        Ok(())
    }

    fn disk(&self, contract: &mut Contract, raw: &raw::Contract) -> Result<(), Failure> {
        bytes(&mut contract.disk, &self.disk, &raw.disk)?;
        put(&mut contract.inodes, self.inodes, raw.inodes);
        let limits = &mut contract.limits;
        bytes(
            &mut limits.read_rate,
            &self.read_rate,
            &raw.limits.read_rate,
        )?;
        bytes(
            &mut limits.write_rate,
            &self.write_rate,
            &raw.limits.write_rate,
        )
    }

    fn network(&self, contract: &mut Contract, raw: &raw::Contract) -> Result<(), Failure> {
        let upload = (&self.upload, &self.upload_burst);
        speed(&mut contract.upload, upload, raw.upload.as_ref())?;
        let download = (&self.download, &self.download_burst);
        speed(&mut contract.download, download, raw.download.as_ref())?;
        if let Some(month) = &raw.volume {
            contract.volume = month.volume()?;
        }
        bytes(&mut contract.volume.bytes, &self.volume, &None)?;
        put(&mut contract.volume.then, self.volume_then, None);
        put(&mut contract.connections, self.connections, raw.connections);
        let wan = self.wan.as_deref().map(|word| match word {
            "all" => Wan::All,
            "listed" => Wan::Listed,
            _ => Wan::None,
        });
        put(&mut contract.wan, wan, raw.wan);
        Ok(())
    }

    fn lists(&self, contract: &mut Contract, raw: raw::Contract) -> Result<(), Failure> {
        let destinations = (self.destination.as_slice(), "destinations");
        list(&mut contract.destinations, raw.destinations, destinations)?;
        list(&mut contract.lan, raw.lan, (&self.lan, "LAN destinations"))?;
        list(
            &mut contract.publish,
            raw.publish,
            (&self.publish, "published ports"),
        )?;
        list(
            &mut contract.devices,
            raw.devices,
            (&self.device, "devices"),
        )
    }
}

/// What is there before anybody decides anything.
fn ordinary() -> Contract {
    Contract {
        limits: Limits {
            processes: PROCESSES,
            ..Limits::ORDINARY
        },
        inodes: INODES,
        ..Contract::default()
    }
}

fn read(path: &Path) -> Result<raw::Contract, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    toml::from_str(&text).map_err(|error| Failure::file(path, error))
}

/// The flag wins over the file, the file over what is there.
fn put<T>(place: &mut T, flag: Option<T>, file: Option<T>) {
    if let Some(value) = flag.or(file) {
        *place = value;
    }
}

fn bytes(place: &mut u64, flag: &Option<String>, file: &Option<Amount>) -> Result<(), Failure> {
    let flag = flag.clone().map(Amount::Text);
    if let Some(amount) = flag.as_ref().or(file.as_ref()) {
        *place = amount.bytes()?;
    }
    Ok(())
}

fn speed(
    place: &mut Rate,
    (bits, burst): (&Option<String>, &Option<String>),
    file: Option<&raw::Speed>,
) -> Result<(), Failure> {
    if let Some(speed) = file {
        *place = speed.rate()?;
    }
    if let Some(bits) = bits {
        place.bits = Amount::Text(bits.clone()).bits()?;
    }
    if let Some(burst) = burst {
        place.burst = Amount::Text(burst.clone()).burst()?;
    }
    Ok(())
}

/// A list is given as a whole: what the file and the flags list replaces what was there.
fn list<T: Clone, const N: usize>(
    place: &mut heapless::Vec<T, N>,
    file: Option<Vec<T>>,
    (flags, what): (&[Listed<T>], &str),
) -> Result<(), Failure> {
    if file.is_none() && flags.is_empty() {
        return Ok(());
    }
    let listed = flags.iter().filter_map(|flag| match flag {
        Listed::One(value) => Some(value.clone()),
        Listed::None => None,
    });
    place.clear();
    for item in file.unwrap_or_default().into_iter().chain(listed) {
        let full = |_| Failure::Usage(format!("a contract has at most {N} {what}"));
        place.push(item).map_err(full)?;
    }
    Ok(())
}
