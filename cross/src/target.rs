//! The machines that box programs are built for.
//!
//! Both are musl and static: a program brings everything it needs, and the system image holds no
//! C library. Debian's rustc cross-compiles to both through `-Zbuild-std`.

use std::fmt;
use std::str::FromStr;

/// A machine that box programs are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// 64-bit ARM (Cortex-A53 and later): the emulated box, Raspberry Pi 3 and later.
    Aarch64,
    /// 32-bit ARM with hardware floating point (Cortex-A7 and later): older home routers.
    Armv7,
}

impl Target {
    /// Every target, the emulated box's first.
    pub const ALL: [Self; 2] = [Self::Aarch64, Self::Armv7];

    /// The Rust target triple.
    #[must_use]
    pub const fn triple(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64-unknown-linux-musl",
            Self::Armv7 => "armv7-unknown-linux-musleabihf",
        }
    }

    /// The name that the command line and a bundle's manifest use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64",
            Self::Armv7 => "armv7",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The name is none of [`Target::ALL`].
#[derive(Debug, thiserror::Error)]
#[error("unknown architecture {0:?}; known are aarch64 and armv7")]
pub struct UnknownTarget(String);

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(name: &str) -> Result<Self, UnknownTarget> {
        Self::ALL
            .into_iter()
            .find(|target| target.name() == name)
            .ok_or_else(|| UnknownTarget(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_found_by_its_name() {
        for target in Target::ALL {
            assert_eq!(target.name().parse::<Target>().ok(), Some(target));
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let refusal = "mips"
            .parse::<Target>()
            .err()
            .map(|error| error.to_string());
        assert_eq!(
            refusal.as_deref(),
            Some("unknown architecture \"mips\"; known are aarch64 and armv7")
        );
    }
}
