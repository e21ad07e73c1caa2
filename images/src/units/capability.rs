//! Capabilities by name, and those that no core unit may have
//!
//! Numbers are the kernel's (`linux/capability.h`), names are its own in lower case with hyphens.

/// Number by position.
const NAMES: [&str; 41] = [
    "chown",
    "dac-override",
    "dac-read-search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux-immutable",
    "net-bind-service",
    "net-broadcast",
    "net-admin",
    "net-raw",
    "ipc-lock",
    "ipc-owner",
    "sys-module",
    "sys-rawio",
    "sys-chroot",
    "sys-ptrace",
    "sys-pacct",
    "sys-admin",
    "sys-boot",
    "sys-nice",
    "sys-resource",
    "sys-time",
    "sys-tty-config",
    "mknod",
    "lease",
    "audit-write",
    "audit-control",
    "setfcap",
    "mac-override",
    "mac-admin",
    "syslog",
    "wake-alarm",
    "block-suspend",
    "audit-read",
    "perfmon",
    "bpf",
    "checkpoint-restore",
];

/// Those that would give a core unit the whole box, or that a rule elsewhere rests on.
const NEVER: &[(&str, &str)] = &[
    ("bpf", "it reads kernel memory"),
    ("checkpoint-restore", "it rewrites other processes"),
    ("mac-admin", "it changes the rules of isolation"),
    ("mac-override", "it passes over the rules of isolation"),
    ("mknod", "device nodes are limen-jail's work"),
    ("perfmon", "it reads kernel memory"),
    ("setfcap", "it gives capabilities to files"),
    ("setpcap", "it gives capabilities to itself"),
    ("setuid", "it becomes any other unit"),
    ("setgid", "it becomes any other unit"),
    (
        "sys-admin",
        "it is root by another name; mounts are limen-jail's work",
    ),
    ("sys-boot", "ending the box is limen-init's work"),
    ("sys-chroot", "roots are limen-jail's work"),
    (
        "sys-module",
        "the kernel's code is fixed once the box has booted",
    ),
    ("sys-ptrace", "it reads every other unit's memory"),
    ("sys-rawio", "it reads and writes the machine's memory"),
    ("sys-resource", "project quotas do not bind who has it"),
];

/// Why a capability is not granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such name.
    #[error(
        "there is no capability \"{0}\"; write it as the kernel does, in lower case with hyphens and without CAP, for example \"net-admin\""
    )]
    Unknown(String),
    /// On the list of those that no core unit may have.
    #[error("no core unit may have the capability \"{name}\": {reason}")]
    Never {
        /// The capability.
        name: &'static str,
        /// Why.
        reason: &'static str,
    },
}

/// The capability's number.
pub(super) fn number(name: &str) -> Result<u32, Refused> {
    if let Some((name, reason)) = NEVER.iter().find(|(never, _)| *never == name) {
        return Err(Refused::Never { name, reason });
    }
    (0..)
        .zip(NAMES)
        .find(|(_, known)| *known == name)
        .map(|(number, _)| number)
        .ok_or_else(|| Refused::Unknown(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{NAMES, NEVER, Refused, number};

    #[test]
    fn numbers_are_the_kernels() {
        assert_eq!(number("chown"), Ok(0));
        assert_eq!(number("net-bind-service"), Ok(10));
        assert_eq!(number("net-admin"), Ok(12));
        assert_eq!(number("net-raw"), Ok(13));
        assert_eq!(number("sys-time"), Ok(25));
        assert_eq!(number("audit-read"), Ok(37));
    }

    #[test]
    fn the_dangerous_and_the_misspelt_are_refused() {
        assert!(NEVER.iter().all(|(name, _)| NAMES.contains(name)));
        assert!(matches!(number("sys-admin"), Err(Refused::Never { .. })));
        assert!(matches!(number("CAP_NET_ADMIN"), Err(Refused::Unknown(_))));
    }
}
