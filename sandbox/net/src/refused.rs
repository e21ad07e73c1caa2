//! Refusals: what the firewall dropped of a virtual gateway's, by reason

use limen_proto::jail::Refused;

/// Why a packet was refused. Numbers are keys of a set of the firewall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Reason {
    Foreign = 1,
    Spoofed = 2,
    Input = 3,
    Forward = 4,
    Connections = 5,
}

impl Reason {
    /// The one with this number.
    pub(crate) fn of(number: u32) -> Option<Self> {
        [
            Self::Foreign,
            Self::Spoofed,
            Self::Input,
            Self::Forward,
            Self::Connections,
        ]
        .into_iter()
        .find(|reason| *reason as u32 == number)
    }

    /// Adds packets to the field of this reason.
    pub(crate) fn count(self, packets: u64, within: &mut Refused) {
        let field = match self {
            Self::Foreign => &mut within.foreign,
            Self::Spoofed => &mut within.spoofed,
            Self::Input => &mut within.input,
            Self::Forward => &mut within.forward,
            Self::Connections => &mut within.connections,
        };
        *field = field.saturating_add(packets);
    }
}
