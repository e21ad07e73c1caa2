//! The box's own network settings
//!
//! Forwarding between links, and deafness to what could re-route the box.

use rustix::fs::{Mode, OFlags};

use crate::fault::Fault;

/// Setting, value, why.
const SETTINGS: [(&str, &str); 6] = [
    // Virtual gateways are routed to.
    ("/proc/sys/net/ipv4/ip_forward", "1"),
    // The source check of every link counts only as far as `all` is not looser (KERNEL.md, A5).
    ("/proc/sys/net/ipv4/conf/all/rp_filter", "1"),
    ("/proc/sys/net/ipv4/conf/default/rp_filter", "1"),
    // Nobody on a link tells the box where to send.
    ("/proc/sys/net/ipv4/conf/all/accept_redirects", "0"),
    ("/proc/sys/net/ipv4/conf/default/accept_redirects", "0"),
    ("/proc/sys/net/ipv4/conf/all/send_redirects", "0"),
];

/// How long a silent TCP connection is tracked, seconds: what RFC 5382 demands at least. The
/// kernel's own five days would let ends that vanished fill a virtual gateway's share.
const TRACKED: (&str, &str) = (
    "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established",
    "7440",
);

/// Writes the settings.
pub(crate) fn forward() -> Result<(), Fault> {
    SETTINGS.into_iter().try_for_each(write)
}

/// Writes those of the connection tracker, which are there once the firewall is.
pub(crate) fn track() -> Result<(), Fault> {
    write(TRACKED)
}

fn write((path, value): (&str, &str)) -> Result<(), Fault> {
    let fault = |errno| Fault::new("write", path, errno);
    let file = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
    rustix::io::write(&file.map_err(fault)?, value.as_bytes())
        .map(drop)
        .map_err(fault)
}
