//! The architectures that a bundle can carry, and what the manifest binds of each.

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;

/// An instruction set and its calling convention, named as the first word of Rust's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// 64-bit ARM.
    Aarch64,
    /// 32-bit ARM with hardware floating point.
    Armv7,
    /// 64-bit x86.
    X86_64,
}

/// What the manifest says of one architecture's tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tree {
    /// Digest of the index's bytes.
    pub index: Digest,
    /// Size of the index in bytes.
    pub index_size: u32,
    /// Bytes of all regular files together.
    pub unpacked_size: u64,
    /// Number of entries of the index.
    pub entries: u32,
}

/// A text names no architecture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an architecture; use aarch64, armv7 or x86_64")]
pub struct NotAnArchitecture(String);

impl Architecture {
    /// All of them, in the order of their names, which is their order in a file.
    pub const ALL: [Self; 3] = [Self::Aarch64, Self::Armv7, Self::X86_64];

    /// The name as it is written in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64",
            Self::Armv7 => "armv7",
            Self::X86_64 => "x86_64",
        }
    }
}

impl FromStr for Architecture {
    type Err = NotAnArchitecture;

    fn from_str(text: &str) -> Result<Self, NotAnArchitecture> {
        Self::ALL
            .into_iter()
            .find(|architecture| architecture.name() == text)
            .ok_or_else(|| NotAnArchitecture(crate::quote::quoted(text)))
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
