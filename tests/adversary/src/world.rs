//! What the attacker knows of the world
//!
//! The layout of the box is public, so it knows everything but its own place.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;

use crate::sys;

/// Paths and addresses.
#[derive(Debug)]
pub(crate) struct World {
    /// A folder that the bundle may write, best on its volume.
    pub(crate) own: Option<PathBuf>,
    /// Its own address; none without a network.
    pub(crate) address: Option<Ipv4Addr>,
}

impl World {
    pub(crate) fn look() -> Self {
        let named = std::env::var_os("ADVERSARY_DATA").map(PathBuf::from);
        let usual = ["/data", "/var/lib/adversary", "/tmp"].map(PathBuf::from);
        let own = named
            .into_iter()
            .chain(usual)
            .find(|folder| sys::is_writable(folder));
        Self {
            own,
            address: own_address(),
        }
    }

    /// A path in the writable folder.
    pub(crate) fn own(&self, name: &str) -> Option<PathBuf> {
        self.own.as_ref().map(|folder| folder.join(name))
    }

    /// Addresses of the first virtual gateways but its own.
    pub(crate) fn neighbours(&self) -> impl Iterator<Item = Ipv4Addr> {
        let own = self.address;
        (1..=3)
            .map(|last| Ipv4Addr::new(100, 96, 0, last))
            .filter(move |address| Some(*address) != own)
    }
}

/// The source address that the kernel would choose; nothing is sent.
fn own_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(100, 96, 255, 254), 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        std::net::IpAddr::V4(address) => Some(address),
        std::net::IpAddr::V6(_) => None,
    }
}
