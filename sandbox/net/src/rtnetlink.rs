//! Numbers of rtnetlink that this crate uses
//!
//! Source: Linux `include/uapi/linux/{rtnetlink,if_link,if_addr,veth,pkt_sched}.h`.

use rustix::io::Errno;

pub(crate) const NEW_LINK: u16 = 16;
pub(crate) const DELETE_LINK: u16 = 17;
pub(crate) const SET_LINK: u16 = 19;
pub(crate) const NEW_ADDRESS: u16 = 20;
pub(crate) const NEW_ROUTE: u16 = 24;
pub(crate) const NEW_QDISC: u16 = 36;
pub(crate) const DELETE_QDISC: u16 = 37;
pub(crate) const GET_QDISC: u16 = 38;
pub(crate) const GET_STATISTICS: u16 = 94;

pub(crate) const FLAG_UP: u32 = 0x01;
pub(crate) const FLAG_NO_ARP: u32 = 0x80;

pub(crate) const FAMILY_INET: u8 = 2;
pub(crate) const FAMILY_INET6: u16 = 10;

pub(crate) const LINK_ADDRESS: u16 = 1;
pub(crate) const LINK_NAME: u16 = 3;
pub(crate) const LINK_INFO: u16 = 18;
pub(crate) const LINK_INFO_KIND: u16 = 1;
pub(crate) const LINK_INFO_DATA: u16 = 2;
pub(crate) const LINK_FAMILIES: u16 = 26;
pub(crate) const LINK_NAMESPACE: u16 = 28;
pub(crate) const LINK_SEND_QUEUES: u16 = 31;
pub(crate) const LINK_RECEIVE_QUEUES: u16 = 32;
pub(crate) const VETH_PEER: u16 = 1;

pub(crate) const INET_SETTINGS: u16 = 1;
/// `IPV4_DEVCONF_*`: what a device does not do for a virtual gateway, and the source check.
pub(crate) const INET_ACCEPT_REDIRECTS: u16 = 4;
pub(crate) const INET_SEND_REDIRECTS: u16 = 6;
pub(crate) const INET_SOURCE_CHECK: u16 = 8;
pub(crate) const INET6_ADDRESS_MODE: u16 = 8;
/// `IN6_ADDR_GEN_MODE_NONE`: no link-local address, so no neighbour discovery either.
pub(crate) const INET6_NO_ADDRESS: u8 = 1;

pub(crate) const ADDRESS_ADDRESS: u16 = 1;
pub(crate) const ADDRESS_LOCAL: u16 = 2;

pub(crate) const ROUTE_DESTINATION: u16 = 1;
pub(crate) const ROUTE_DEVICE: u16 = 4;
pub(crate) const ROUTE_GATEWAY: u16 = 5;
pub(crate) const ROUTE_SOURCE: u16 = 7;

/// `struct ifinfomsg`: flags and the mask of those that shall change.
pub(crate) fn link(index: u32, flags: u32, mask: u32) -> [u8; 16] {
    let mut fixed = [0; 16];
    fixed[4..8].copy_from_slice(&index.to_ne_bytes());
    fixed[8..12].copy_from_slice(&flags.to_ne_bytes());
    fixed[12..16].copy_from_slice(&mask.to_ne_bytes());
    fixed
}

/// `struct ifaddrmsg` of one IPv4 address with a full prefix.
pub(crate) fn address(index: u32) -> [u8; 8] {
    let mut fixed = [FAMILY_INET, 32, 0, 0, 0, 0, 0, 0];
    fixed[4..8].copy_from_slice(&index.to_ne_bytes());
    fixed
}

/// `struct rtmsg` of a route to one address, which a device leads to.
pub(crate) const fn host_route() -> [u8; 12] {
    const SCOPE_LINK: u8 = 253;
    route(32, SCOPE_LINK, 0)
}

/// `struct rtmsg` of the default route, through a gateway that is behind the device by our word.
pub(crate) const fn default_route() -> [u8; 12] {
    const SCOPE_UNIVERSE: u8 = 0;
    const ON_LINK: u8 = 4;
    route(0, SCOPE_UNIVERSE, ON_LINK)
}

/// A static unicast route in the main table. Flags are a number in the machine's byte order.
const fn route(prefix: u8, scope: u8, flags: u8) -> [u8; 12] {
    const MAIN: u8 = 254;
    const STATIC: u8 = 4;
    const UNICAST: u8 = 1;
    let [a, b, c, d] = (flags as u32).to_ne_bytes();
    [
        FAMILY_INET,
        prefix,
        0,
        0,
        MAIN,
        STATIC,
        scope,
        UNICAST,
        a,
        b,
        c,
        d,
    ]
}

/// `struct if_stats_msg`: which device, and that its 64-bit counters are wanted.
pub(crate) fn statistics(index: u32) -> [u8; 12] {
    const LINK_64: u32 = 1;
    let mut fixed = [0; 12];
    fixed[4..8].copy_from_slice(&index.to_ne_bytes());
    fixed[8..12].copy_from_slice(&LINK_64.to_ne_bytes());
    fixed
}

/// What the kernel says about a queueing discipline with our handle on a device that has none, or
/// its default one.
pub(crate) const NOT_SHAPED: [Errno; 2] = [Errno::NOENT, Errno::INVAL];

/// `struct tcmsg` of a device's root queueing discipline.
pub(crate) fn root_qdisc(index: u32) -> [u8; 20] {
    const ROOT: u32 = 0xffff_ffff;
    const HANDLE: u32 = 0x0001_0000;
    let mut fixed = [0; 20];
    fixed[4..8].copy_from_slice(&index.to_ne_bytes());
    fixed[8..12].copy_from_slice(&HANDLE.to_ne_bytes());
    fixed[12..16].copy_from_slice(&ROOT.to_ne_bytes());
    fixed
}
