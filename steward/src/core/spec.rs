//! From records to specs, and their tags
//!
//! A tag is a hash of everything that a running unit was started from, the serial of the start
//! included. init reports it back: equal tags mean that what runs is what shall run, so a restarted
//! steward adopts it; another tag means "end it and start the new one". The contract is not in a
//! virtual gateway's tag: it changes under the running unit by `Adjust`.

use std::hash::{DefaultHasher, Hasher as _};

use heapless::{String, Vec};
use limen_proto::contract::{Guarantees, Protocol};
use limen_proto::id::{BundleIndex, Slot};
use limen_proto::install::Summary;
use limen_proto::limits::{PATH, PORTS, WORDS};
use limen_proto::restart::RestartPolicy;
use limen_proto::spec::{BundleSpec, Storage, VgwSpec, Volume};
use limen_proto::words::Words;
use serde::Serialize;

use super::accounts::volume::in_force;
use super::desired::{BundleRecord, VgwRecord};

/// A reaper has no reason to end: bring it back soon, and back off so that a broken box does not
/// spend itself on it.
pub const VGW_RESTART: RestartPolicy = RestartPolicy {
    enable: true,
    minimum_wait_ms: 100,
    maximum_wait_ms: 30_000,
    multiplier: 2000,
    reset_ms: 60_000,
    retries: 0,
};

/// What a virtual gateway is started from.
pub fn vgw_spec(vgw: &VgwRecord) -> VgwSpec {
    VgwSpec {
        slot: vgw.slot,
        provider: vgw.provider.clone(),
        contract: in_force(vgw),
    }
}

/// The tag of a virtual gateway's unit.
pub fn vgw_tag(vgw: &VgwRecord) -> u64 {
    tag(&(vgw.slot, &vgw.provider, VGW_RESTART, vgw.serial))
}

/// The tag of a virtual gateway's unit that is kept parked. Its contract is in it: what is parked is
/// built anew from another one.
pub fn parked_tag(vgw: &VgwRecord) -> u64 {
    tag(&("parked", vgw_spec(vgw)))
}

/// What a bundle is started from.
///
/// # Errors
/// The manifest asks for more than a spec can carry; the text says for what.
pub fn bundle_spec(bundle: &BundleRecord) -> Result<BundleSpec, std::string::String> {
    spec_of(bundle.slot, bundle.index, &bundle.summary)
}

/// The tag of a bundle's unit.
///
/// # Errors
/// As [`bundle_spec`].
pub fn bundle_tag(bundle: &BundleRecord) -> Result<u64, std::string::String> {
    let spec = bundle_spec(bundle)?;
    Ok(tag(&(spec, bundle.summary.restart, bundle.serial)))
}

/// The spec of a manifest at a place.
///
/// # Errors
/// As [`bundle_spec`].
pub fn spec_of(
    slot: Slot,
    index: BundleIndex,
    summary: &Summary,
) -> Result<BundleSpec, std::string::String> {
    let words = |what: &str, list: &[std::string::String]| {
        Words::collect(list.iter().map(std::string::String::as_str)).map_err(|_| {
            format!(
                "its {what} must be free of NUL and fit {WORDS} bytes; shorten it in the manifest"
            )
        })
    };
    let mut volumes = Vec::new();
    for wish in &summary.volumes {
        let path = String::<PATH>::try_from(wish.path.as_str()).map_err(|_| {
            format!(
                "the path of volume {} has more than {PATH} bytes",
                wish.name
            )
        })?;
        let volume = Volume {
            name: wish.name.clone(),
            path,
        };
        volumes
            .push(volume)
            .map_err(|_| too_many("volumes", summary.volumes.len(), volumes.capacity()))?;
    }
    let devices = Vec::from_slice(&summary.devices)
        .map_err(|_| too_many("devices", summary.devices.len(), volumes.capacity()))?;
    let tcp = summary.ports.iter().filter(|port| port.1 == Protocol::Tcp);
    let mut ports = Vec::new();
    for (.., port) in tcp {
        ports
            .push(*port)
            .map_err(|_| too_many("TCP ports", summary.ports.len(), PORTS))?;
    }
    Ok(BundleSpec {
        slot,
        index,
        name: summary.name.clone(),
        digest: summary.digest,
        command: words("command line", &summary.command)?,
        environment: words("environment", &summary.environment)?,
        directory: directory(&summary.directory)?,
        user: summary.user.clone(),
        jit: summary.jit,
        spare: summary.spare,
        limits: summary.limits,
        guarantees: Guarantees::default(),
        temporary: summary.temporary,
        volumes,
        storage: Storage {
            bytes: volumes_of(summary),
            inodes: 0,
        },
        ports,
        devices,
        readiness: summary.readiness,
        ready_within_ms: summary.ready_within_ms,
        stop_within_ms: summary.stop_within_ms,
    })
}

/// Bytes that a bundle's volumes may hold together.
pub fn volumes_of(summary: &Summary) -> u64 {
    let sizes = summary.volumes.iter().map(|volume| volume.size);
    sizes.fold(0, u64::saturating_add)
}

fn directory(path: &str) -> Result<String<PATH>, std::string::String> {
    let path = if path == "/" { "" } else { path };
    String::try_from(path).map_err(|_| format!("its run.directory has more than {PATH} bytes"))
}

fn too_many(what: &str, asked: usize, most: usize) -> std::string::String {
    format!("it asks for {asked} {what}; a bundle has at most {most}")
}

fn tag<T: Serialize>(of: &T) -> u64 {
    // Keyed by nothing: a restarted steward must find the same. Every report of every unit asks for
    // the tags of all, so a digest would cost each start the square of what the box holds; what a
    // provider could gain by two bundles of one tag is that its own update does not begin.
    struct Hashing(DefaultHasher);
    impl postcard::ser_flavors::Flavor for Hashing {
        type Output = u64;

        fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
            self.0.write_u8(byte);
            Ok(())
        }

        fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
            self.0.write(bytes);
            Ok(())
        }

        fn finalize(self) -> postcard::Result<u64> {
            Ok(self.0.finish())
        }
    }
    // Hashing cannot run out of room, and specs have no type that postcard refuses.
    postcard::serialize_with_flavor(of, Hashing(DefaultHasher::new())).unwrap_or(0)
}
