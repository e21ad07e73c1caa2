//! Every fixed size in one place
//!
//! A table that cannot grow is a promise: PID 1 allocates nothing after boot, and a peer's message
//! has a maximum before its first byte arrives. Sizes are bytes, counts are entries.

/// Version byte that opens every frame. A peer with another number is refused.
pub const PROTOCOL_VERSION: u8 = 1;

/// Largest frame between init and a core unit, and between init and limen-jail.
pub const CONTROL_FRAME: usize = 4096;
/// Largest frame between the broker and a bundle.
pub const REGISTRY_FRAME: usize = 2048;
/// Largest frame on the links that may allocate (manage, install, logs).
pub const LINK_FRAME: usize = 65536;
/// Largest frame on a reference's socket: one service call or answer.
pub const CALL_FRAME: usize = 16384;

/// Most virtual gateways on one box: slots 0 to 63.
pub const SLOTS: usize = 64;
/// Most bundles in one virtual gateway: indexes 0 to 31.
pub const BUNDLES_PER_SLOT: usize = 32;
/// Most units that init runs at once, core units and hands included.
pub const UNITS: usize = 192;
/// Most core units in the image's table.
pub const CORE_UNITS: usize = 12;
/// Most descriptors that ride on one frame.
pub const FRAME_DESCRIPTORS: usize = 8;
/// Most descriptors that init keeps for the broker.
pub const STORED_DESCRIPTORS: usize = 384;

/// Memory that the kernel and the core programs keep for themselves, bytes: four times what the
/// idle core is measured to use, so that an upload or a burst of sessions never meets the
/// providers' share.
pub const CORE_MEMORY: u64 = 64 << 20;
/// Share of the core's branch when processors are short (`cpu.weight`): it answers and decides,
/// and uses little.
pub const CORE_WEIGHT: u16 = 400;
/// Processor time that the core has for certain, percent of the box's.
pub const CORE_PERCENT: u16 = 5;
/// Hands of the steward that work at once, each a unit.
pub const HANDS: usize = 4;

/// Longest provider, bundle, volume, port or device-class name.
pub const NAME: usize = 32;
/// Longest interface name.
pub const INTERFACE: usize = 64;
/// Most ports that a contract publishes.
pub const PUBLISHED_PORTS: usize = 8;
/// Most destinations beyond the uplink that a contract lists.
pub const DESTINATIONS: usize = 16;
/// Most destinations in the box's own networks that a contract lists.
pub const LAN_DESTINATIONS: usize = 8;
/// Most volumes of one bundle.
pub const VOLUMES: usize = 4;
/// Most TCP ports that one bundle listens on.
pub const PORTS: usize = 8;
/// Most devices of one bundle.
pub const DEVICES: usize = 4;
/// Bytes of a command line or an environment, separators included.
pub const WORDS: usize = 1024;
/// Longest path in a spec.
pub const PATH: usize = 96;

/// First outer uid and gid of a slot is this times (slot + 1); as many ids belong to it.
pub const SLOT_IDS: u32 = 65536;
/// Inner uid and gid of bundle `index` is this plus `index`.
pub const BUNDLE_UID: u32 = 1000;
/// Inner uid and gid of the reaper.
pub const REAPER_UID: u32 = 1;
/// Uid and gid of limen-install, the writer of every slot's tree (`images/units.toml`).
pub const INSTALL_UID: u32 = 903;
/// Project id of a slot's tree is this plus the slot.
pub const SLOT_PROJECT: u32 = 1000;
