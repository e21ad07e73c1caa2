//! An IPv4 network: `10.0.0.0/8`
//!
//! Holding one proves that the prefix has at most 32 bits and that no bit of the address lies behind
//! it, so that a network has one spelling. Text in JSON and TOML, five bytes in a frame; checked
//! again whenever one arrives.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

use heapless::String;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longest spelling: `255.255.255.255/32`.
const LONGEST: usize = 18;

/// A range of IPv4 addresses with a common beginning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ipv4Network {
    address: Ipv4Addr,
    prefix: u8,
}

/// Why something is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotANetwork {
    /// Not four numbers, a slash and a number.
    #[error("a network is written as 10.0.0.0/8")]
    Shape,
    /// More than 32 bits.
    #[error("a network's prefix has at most 32 bits")]
    Prefix,
    /// The address has bits behind the prefix.
    #[error("the address has bits behind its prefix; write {0}")]
    Bits(Ipv4Network),
}

impl Ipv4Network {
    /// Every address.
    pub const ALL: Self = Self {
        address: Ipv4Addr::UNSPECIFIED,
        prefix: 0,
    };

    /// The network of the first `prefix` bits of `address`.
    ///
    /// # Errors
    /// The prefix is longer than 32 bits, or the address has bits behind it.
    pub fn new(address: Ipv4Addr, prefix: u8) -> Result<Self, NotANetwork> {
        if prefix > 32 {
            return Err(NotANetwork::Prefix);
        }
        let kept = Ipv4Addr::from_bits(address.to_bits() & mask(prefix));
        let network = Self {
            address: kept,
            prefix,
        };
        if kept == address {
            Ok(network)
        } else {
            Err(NotANetwork::Bits(network))
        }
    }

    /// Its first address.
    pub const fn first(self) -> Ipv4Addr {
        self.address
    }

    /// Its last address.
    pub fn last(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address.to_bits() | !mask(self.prefix))
    }

    /// How many bits its addresses have in common, 0 to 32.
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether the address lies in it.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & mask(self.prefix) == self.address.to_bits()
    }

    /// Whether the two have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other.address) || other.contains(self.address)
    }
}

/// The bits that a prefix of at most 32 bits keeps.
fn mask(prefix: u8) -> u32 {
    u32::MAX
        .checked_shl(32u32.saturating_sub(u32::from(prefix)))
        .unwrap_or(0)
}

impl FromStr for Ipv4Network {
    type Err = NotANetwork;

    /// A lone address is the network of itself.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let address = address.parse().map_err(|_| NotANetwork::Shape)?;
        let canonical = prefix.bytes().all(|byte| byte.is_ascii_digit())
            && (prefix == "0" || !prefix.starts_with('0'));
        if !canonical {
            return Err(NotANetwork::Shape);
        }
        let prefix = prefix.parse::<u8>().map_err(|_| NotANetwork::Shape)?;
        Self::new(address, prefix)
    }
}

impl fmt::Display for Ipv4Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.prefix)
    }
}

impl fmt::Debug for Ipv4Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Serialize for Ipv4Network {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.collect_str(self)
        } else {
            (self.address.octets(), self.prefix).serialize(to)
        }
    }
}

impl<'de> Deserialize<'de> for Ipv4Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            let text = String::<LONGEST>::deserialize(from)?;
            text.parse().map_err(de::Error::custom)
        } else {
            let (octets, prefix) = <([u8; 4], u8)>::deserialize(from)?;
            Self::new(octets.into(), prefix).map_err(de::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Ipv4Network {
        text.parse().unwrap()
    }

    #[test]
    fn networks_have_one_spelling() {
        for text in ["0.0.0.0/0", "10.0.0.0/8", "192.0.2.128/25", "192.0.2.1/32"] {
            let mut written = String::<LONGEST>::new();
            fmt::Write::write_fmt(&mut written, format_args!("{}", network(text))).unwrap();
            assert_eq!(written, text);
        }
        assert_eq!(network("192.0.2.1"), network("192.0.2.1/32"));
        assert_eq!(
            "10.0.0.1/8".parse::<Ipv4Network>(),
            Err(NotANetwork::Bits(network("10.0.0.0/8")))
        );
        assert_eq!(
            "10.0.0.0/33".parse::<Ipv4Network>(),
            Err(NotANetwork::Prefix)
        );
        for bad in [
            "",
            "10",
            "10.0.0.0/",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "::/0",
            "10.0.0.0/256",
        ] {
            assert_eq!(bad.parse::<Ipv4Network>(), Err(NotANetwork::Shape), "{bad}");
        }
    }

    #[test]
    fn addresses_lie_inside_or_outside() {
        let home = network("192.168.0.0/16");
        assert!(home.contains([192, 168, 255, 255].into()));
        assert!(!home.contains([192, 169, 0, 0].into()));
        assert_eq!(home.last(), Ipv4Addr::new(192, 168, 255, 255));
        assert!(home.overlaps(network("192.168.7.0/24")));
        assert!(network("192.168.7.0/24").overlaps(home));
        assert!(!home.overlaps(network("10.0.0.0/8")));
        assert!(Ipv4Network::ALL.contains([255; 4].into()));
        assert_eq!(Ipv4Network::ALL.last(), Ipv4Addr::BROADCAST);
    }

    #[test]
    fn a_frame_with_bits_behind_the_prefix_is_refused() {
        let mut frame = [0; 8];
        let good = postcard::to_slice(&network("10.0.0.0/8"), &mut frame).unwrap();
        assert_eq!(good.len(), 5);
        assert_eq!(postcard::from_bytes(good), Ok(network("10.0.0.0/8")));
        good[3] = 1;
        assert!(postcard::from_bytes::<Ipv4Network>(good).is_err());
    }
}
