//! The limits of format 1, and why each has its value.
//!
//! They bound what a reader may be made to hold or to do by a file whose author is hostile. A packer
//! refuses what exceeds them, so that the refusal comes on the developer's machine; the box refuses it
//! again. Raising one is compatible for new readers only, and is a new format.

/// Largest manifest in bytes. It is held in memory before its signature is checked, so it is small.
pub const MANIFEST_BYTES: u32 = 64 * 1024;

/// Largest signature text in bytes: four lines, of which only the trusted comment varies.
pub const SIGNATURE_BYTES: u32 = 1024;

/// Largest index in bytes: room for 65 536 entries with paths of ordinary length.
pub const INDEX_BYTES: u32 = 8 * 1024 * 1024;

/// Most entries of one architecture. A Debian root file system with Python has 10 000.
pub const ENTRIES: u32 = 65_536;

/// Most distinct chunks of one architecture: 4 GiB of distinct content.
pub const CHUNKS: u32 = 65_536;

/// Size of a chunk's content in bytes; only the last chunk of a file is shorter.
pub const CHUNK_BYTES: u32 = 64 * 1024;

/// Largest stored (compressed) chunk: what zstd needs for incompressible content, rounded up.
pub const STORED_BYTES: u32 = CHUNK_BYTES + 512;

/// Most content that one architecture may unpack to, in bytes, whatever its manifest declares.
pub const UNPACKED_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Longest path in bytes. Far below `PATH_MAX`, so that a path below the store is nameable too.
pub const PATH_BYTES: usize = 1024;

/// Longest component of a path in bytes: `NAME_MAX` of every Linux file system.
pub const COMPONENT_BYTES: usize = 255;

/// Deepest path in components.
pub const PATH_DEPTH: usize = 64;

/// Most symbolic links followed while a path is resolved, as in the kernel (`MAXSYMLINKS`).
pub const LINK_HOPS: usize = 40;

/// Longest description in bytes.
pub const DESCRIPTION_BYTES: usize = 1024;

/// Most entries of a list in a manifest that no protocol bounds: ports, exports, imports, providers.
pub const LIST: usize = 16;
