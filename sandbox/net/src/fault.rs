//! What failed: operation, object, errno
//!
//! Never matched on by callers beyond its errno; always forwarded.

use rustix::io::Errno;

/// A netlink message or a setting that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {operation} {object}: {errno}{}", remedy(*.errno))]
pub struct Fault {
    /// What was tried.
    pub operation: &'static str,
    /// On what.
    pub object: String,
    /// The kernel's reason.
    pub errno: Errno,
}

impl Fault {
    pub(crate) fn new(operation: &'static str, object: impl Into<String>, errno: Errno) -> Self {
        Self {
            operation,
            object: object.into(),
            errno,
        }
    }
}

fn remedy(errno: Errno) -> &'static str {
    match errno {
        Errno::OPNOTSUPP | Errno::NOENT | Errno::AFNOSUPPORT => {
            " (is the kernel module for it in images/modules.toml?)"
        }
        _ => "",
    }
}
