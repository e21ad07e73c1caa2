//! Who has an account

use core::fmt;
use std::str::FromStr;

use limen_proto::id::{BundleIndex, Slot};
use limen_proto::name::Name;

/// Who has an account. Its text is the key in the state file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payer {
    /// A core unit, by its name: its number may change with the image.
    Core(Name),
    /// A virtual gateway with all that runs in it.
    Vgw(Slot),
    /// A bundle.
    Bundle(Slot, BundleIndex),
    /// What limen-install does for a virtual gateway: runs of the core's, in none of its cgroups.
    Install(Slot),
}

impl Payer {
    /// The slot that it belongs to; none for a core unit.
    pub const fn slot(&self) -> Option<Slot> {
        match self {
            Self::Core(_) => None,
            Self::Vgw(slot) | Self::Bundle(slot, _) | Self::Install(slot) => Some(*slot),
        }
    }
}

impl fmt::Display for Payer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Core(name) => write!(out, "core/{name}"),
            Self::Vgw(slot) => write!(out, "vgw/{slot}"),
            Self::Bundle(slot, index) => write!(out, "vgw/{slot}/{index}"),
            Self::Install(slot) => write!(out, "vgw/{slot}/install"),
        }
    }
}

impl FromStr for Payer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` has no account");
        let slot = |text: &str| text.parse().ok().and_then(|number| Slot::new(number).ok());
        let index = |text: &str| {
            let number = text.parse().ok();
            number.and_then(|number| BundleIndex::new(number).ok())
        };
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            ["core", name] => name.parse().ok().map(Self::Core),
            ["vgw", of] => slot(of).map(Self::Vgw),
            ["vgw", of, "install"] => slot(of).map(Self::Install),
            ["vgw", of, place] => slot(of)
                .zip(index(place))
                .map(|(slot, index)| Self::Bundle(slot, index)),
            _ => None,
        }
        .ok_or_else(wrong)
    }
}
