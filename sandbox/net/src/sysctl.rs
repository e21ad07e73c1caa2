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

/// Writes the settings.
pub(crate) fn forward() -> Result<(), Fault> {
    for (path, value) in SETTINGS {
        let fault = |errno| Fault::new("write", path, errno);
        let file = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
            .map_err(fault)?;
        rustix::io::write(&file, value.as_bytes()).map_err(fault)?;
    }
    Ok(())
}
