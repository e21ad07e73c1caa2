//! What is asked of init: one virtual gateway with a contract as in the demonstration, one bundle
//!
//! Slot and digest come from the environment, which the bench writes into the image's table: the
//! bundle was installed on this data disk by an ordinary box before.

use std::str::FromStr;

use anyhow::{Context as _, Result, anyhow, ensure};
use limen_proto::contract::{Contract, Guarantees, Limits, Protocol, Publish, Rate};
use limen_proto::control::Verb;
use limen_proto::id::{BundleIndex, Digest, Slot, UnitId};
use limen_proto::name::Name;
use limen_proto::restart::RestartPolicy;
use limen_proto::spec::{BundleSpec, Readiness, Storage, VgwSpec};
use limen_proto::words::Words;

/// Restarted at once, for ever.
const AT_ONCE: RestartPolicy = RestartPolicy {
    enable: true,
    minimum_wait_ms: 0,
    maximum_wait_ms: 0,
    multiplier: 1000,
    reset_ms: 60_000,
    retries: 0,
};

/// What the bench wants measured.
pub(crate) struct Wishes {
    /// The virtual gateway that the bundle is installed in.
    pub(crate) slot: Slot,
    digest: Digest,
    /// Samples of each figure.
    pub(crate) samples: u32,
    /// Starts alone: nothing that rests for minutes, which pass on the host's clock.
    pub(crate) brief: bool,
    /// The box is loaded, and nothing else is measured.
    pub(crate) load: bool,
    /// Restarts of the soak; 0 is no soak.
    pub(crate) soak: u32,
}

impl Wishes {
    /// Reads the environment.
    pub(crate) fn read() -> Result<Self> {
        let slot = Slot::new(variable("PROBE_SLOT")?).context("PROBE_SLOT")?;
        Ok(Self {
            slot,
            digest: digest(&text("PROBE_DIGEST")?)?,
            samples: variable("PROBE_SAMPLES")?,
            brief: variable("PROBE_BRIEF")?,
            load: variable("PROBE_LOAD")?,
            soak: variable("PROBE_SOAK")?,
        })
    }

    /// The virtual gateway as a unit.
    pub(crate) fn vgw(&self) -> UnitId {
        UnitId::Vgw(self.slot)
    }

    /// The bundle as a unit.
    pub(crate) fn bundle(&self) -> UnitId {
        UnitId::Bundle(self.slot, INDEX)
    }

    /// Percent of a processor that a virtual gateway may use.
    pub(crate) const CPU_PERCENT: u16 = 50;

    /// A virtual gateway's contract, as in the demonstration.
    pub(crate) fn contract(&self, slot: Slot, memory: u64) -> Contract {
        let publish = Publish {
            protocol: Protocol::Tcp,
            outside: 8080 + slot.get(),
            inside: 8080,
        };
        Contract {
            limits: limits(memory, 64, Self::CPU_PERCENT),
            disk: 64 << 20,
            inodes: 4096,
            upload: Rate::of(10_000_000),
            download: Rate::of(10_000_000),
            publish: [publish].into_iter().collect(),
            ..Contract::default()
        }
    }

    /// Starts a virtual gateway.
    pub(crate) fn start_vgw(&self, slot: Slot) -> Result<Verb> {
        self.start_vgw_with(slot, self.contract(slot, 32 << 20))
    }

    /// One whose processor time is not limited.
    pub(crate) fn unbounded(&self, memory: u64) -> Contract {
        let mut contract = self.contract(self.slot, memory);
        contract.limits.cpu_percent = 0;
        contract
    }

    /// Starts that.
    pub(crate) fn start_unbounded_vgw(&self) -> Result<Verb> {
        self.start_vgw_with(self.slot, self.unbounded(32 << 20))
    }

    /// Starts one in which spares are kept.
    pub(crate) fn start_warm_vgw(&self) -> Result<Verb> {
        self.start_vgw_with(self.slot, self.warm_contract())
    }

    /// Parks that one.
    pub(crate) fn park_vgw(&self) -> Result<Verb> {
        let spec = vgw_spec(self.slot, self.warm_contract())?;
        Ok(Verb::Park { spec, tag: 3 })
    }

    fn warm_contract(&self) -> Contract {
        Contract {
            warm: true,
            ..self.contract(self.slot, 32 << 20)
        }
    }

    fn start_vgw_with(&self, slot: Slot, contract: Contract) -> Result<Verb> {
        let spec = vgw_spec(slot, contract)?;
        let restart = RestartPolicy::NEVER;
        Ok(Verb::StartVgw {
            spec,
            restart,
            tag: 1,
        })
    }

    /// Starts the bundle, to do `act`; it is restarted at once whenever it ends.
    pub(crate) fn start_bundle(&self, act: &str) -> Result<Verb> {
        self.start_bundle_with(act, false)
    }

    /// The same, with a spare where the virtual gateway has them.
    pub(crate) fn start_bundle_with(&self, act: &str, spare: bool) -> Result<Verb> {
        let spec = BundleSpec {
            slot: self.slot,
            index: INDEX,
            name: name()?,
            digest: self.digest,
            command: Words::collect(["/bin/probe", act])?,
            environment: Words::new(),
            directory: Default::default(),
            user: None,
            jit: false,
            spare,
            limits: limits(8 << 20, 16, 0),
            guarantees: Guarantees::default(),
            storage: Storage::default(),
            temporary: 1 << 20,
            volumes: [].into_iter().collect(),
            ports: [].into_iter().collect(),
            devices: [].into_iter().collect(),
            readiness: Readiness::Exec,
            ready_within_ms: 10_000,
            stop_within_ms: 2000,
        };
        let restart = AT_ONCE;
        Ok(Verb::StartBundle {
            spec,
            restart,
            tag: 2,
        })
    }
}

const INDEX: BundleIndex = match BundleIndex::new(0) {
    Ok(index) => index,
    Err(_) => panic!("index 0 is in every table"),
};

fn vgw_spec(slot: Slot, contract: Contract) -> Result<VgwSpec> {
    Ok(VgwSpec {
        slot,
        provider: name()?,
        contract,
    })
}

fn limits(memory: u64, processes: u32, cpu_percent: u16) -> Limits {
    Limits {
        cpu_percent,
        memory,
        processes,
        ..Limits::ORDINARY
    }
}

fn name() -> Result<Name> {
    "probe".parse().map_err(|error| anyhow!("a name: {error}"))
}

/// 64 hexadecimal digits.
fn digest(hex: &str) -> Result<Digest> {
    let mut digest = Digest([0; 32]);
    ensure!(hex.len() == 64 && hex.is_ascii(), "{hex} is no digest");
    for (place, byte) in digest.0.iter_mut().enumerate() {
        let digits = hex.get(2 * place..2 * place + 2).unwrap_or_default();
        *byte = u8::from_str_radix(digits, 16).context("PROBE_DIGEST")?;
    }
    Ok(digest)
}

fn text(variable: &str) -> Result<String> {
    std::env::var(variable).with_context(|| format!("{variable} is not set"))
}

fn variable<T: FromStr>(variable: &str) -> Result<T> {
    text(variable)?
        .parse()
        .map_err(|_| anyhow!("{variable} is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_what_limenctl_prints() -> Result<()> {
        let hex = "00ff".repeat(16);
        assert_eq!(digest(&hex)?.to_string(), hex);
        assert!(digest("00ff").is_err() && digest(&"zz".repeat(32)).is_err());
        Ok(())
    }
}
