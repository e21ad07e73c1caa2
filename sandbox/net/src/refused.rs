//! Refusals: what the firewall dropped of a virtual gateway's, by reason

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
}

/// Packets that were refused to a virtual gateway since its link was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refused {
    /// Neither IPv4 nor for one receiver: IPv6, multicast, broadcast.
    pub foreign: u64,
    /// From an address that is not its own.
    pub spoofed: u64,
    /// To the box itself.
    pub input: u64,
    /// To where its contract does not let it: neighbours, networks, hosts, ports.
    pub forward: u64,
    /// Beginning a connection beyond its share, in either direction.
    pub connections: u64,
}

impl Refused {
    pub(crate) fn add(&mut self, reason: Reason, packets: u64) {
        let field = match reason {
            Reason::Foreign => &mut self.foreign,
            Reason::Spoofed => &mut self.spoofed,
            Reason::Input => &mut self.input,
            Reason::Forward => &mut self.forward,
            Reason::Connections => &mut self.connections,
        };
        *field = field.saturating_add(packets);
    }
}
