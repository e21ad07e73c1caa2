//! The ground that the walk covers: a world, a box, virtual gateways
//!
//! Each in a network namespace of its own. The box is where the walk lives; its uplink is the inner
//! end of a link that this crate made from the world, because a link is a link.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;

use limen_net::{build, connect, destroy, prepare};
use limen_proto::contract::{Contract, Rate, Wan};
use limen_proto::id::Slot;

use crate::netlink::address;
use crate::reach::SPECIAL;
use crate::space::Space;

/// The box's device towards the world: the inner end of a link has this name.
pub(crate) const UPLINK: &str = "uplink";
/// The port of management.
pub(crate) const MANAGEMENT: u16 = 8443;
/// The slot whose link is the uplink.
const WORLD: u16 = 30;
/// A host of the world that anybody may be let to.
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(192, 88, 10, 1);

/// The box's address on its uplink.
pub(crate) fn box_address() -> Ipv4Addr {
    slot(WORLD).address().into()
}

pub(crate) fn slot(number: u16) -> Slot {
    Slot::new(number).unwrap()
}

pub(crate) struct Ground {
    pub(crate) world: Space,
    /// Where the walk came from: settings of the whole kernel are there.
    origin: Space,
}

impl Ground {
    /// Moves the caller into the box and connects that to the world.
    pub(crate) fn lay() -> Self {
        // For hundreds of connections, both ends of each.
        let most = rustix::process::Rlimit {
            current: Some(4096),
            maximum: Some(4096),
        };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, most).unwrap();
        let (origin, world) = (Space::here(), Space::fresh());
        Space::enter_fresh();
        let inner = Space::here();
        let wish = Contract::default();
        world.inside(|| connect(slot(WORLD), inner.as_fd(), &wish, false).unwrap());
        world.inside(|| {
            for host in SPECIAL.into_iter().chain([HOST]) {
                address(1000 + u32::from(WORLD), host);
            }
        });
        // The world believes every source address: what it does not hear was stopped before.
        let world_believes = || {
            for device in ["all", "default", "vgw30"] {
                believe(device);
            }
        };
        world.inside(world_believes);
        let ground = Self { world, origin };
        ground.prepare();
        ground
    }

    /// What limen-init has done at boot; also puts back what the walk took away.
    pub(crate) fn prepare(&self) {
        prepare(UPLINK, MANAGEMENT).unwrap();
    }
}

impl Ground {
    /// Lets the kernel track so many connections, and returns how many it was; none where that is not
    /// the walk's to decide.
    pub(crate) fn track(&self, most: usize) -> Option<usize> {
        let setting = "/proc/sys/net/netfilter/nf_conntrack_max";
        self.origin.inside(|| {
            let before = std::fs::read_to_string(setting).ok()?;
            std::fs::write(setting, most.to_string()).ok()?;
            before.trim().parse().ok()
        })
    }

    /// How many neighbours the kernel remembers, of all namespaces; none where it does not tell.
    pub(crate) fn neighbours(&self) -> Option<u64> {
        self.origin.inside(|| {
            let text = std::fs::read_to_string("/proc/thread-self/net/stat/arp_cache").ok()?;
            let first = text.lines().nth(1)?.split_whitespace().next()?;
            u64::from_str_radix(first, 16).ok()
        })
    }
}

/// Switches a device's own check of source addresses off.
pub(crate) fn believe(device: &str) {
    let setting = format!("/proc/sys/net/ipv4/conf/{device}/rp_filter");
    std::fs::write(setting, "0").unwrap();
}

/// A virtual gateway: its namespace and its slot.
pub(crate) struct Vgw {
    pub(crate) slot: Slot,
    pub(crate) space: Space,
}

impl Vgw {
    pub(crate) fn new(number: u16, contract: &Contract) -> Self {
        let (slot, space) = (slot(number), Space::fresh());
        build(slot, space.as_fd(), contract, false).unwrap();
        Self { slot, space }
    }

    /// One that is still closed.
    pub(crate) fn closed(number: u16, contract: &Contract) -> Self {
        let (slot, space) = (slot(number), Space::fresh());
        build(slot, space.as_fd(), contract, true).unwrap();
        Self { slot, space }
    }

    /// Its link and what was allowed to it are gone; then its namespace goes.
    pub(crate) fn end(self) {
        destroy(self.slot).unwrap();
    }

    pub(crate) fn address(&self) -> Ipv4Addr {
        self.slot.address().into()
    }
}

/// Everything of the world is allowed, at so many bits a second.
pub(crate) fn contract(upload: u64, download: u64) -> Contract {
    Contract {
        upload: Rate::of(upload),
        download: Rate::of(download),
        wan: Wan::All,
        ..Contract::default()
    }
}
