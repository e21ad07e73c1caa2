//! Landlock: the rules of a bundle, or of a first process

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use anyhow::Result;

use crate::sys::{HERE, at, call, flags, number, open, text};

const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ: u64 = READ_FILE | (1 << 3);
const CONTROL: u64 = 1 << 15;
const BIND: u64 = 1;
const SCOPES: u64 = 3;

/// A path and what may be done below it, as the kernel numbers it.
pub(crate) type Rule = (&'static CStr, u64);

/// What a bundle is allowed.
pub(crate) const BUNDLE: [Rule; 4] = [
    (c"/", READ),
    (c"/bin", READ | EXECUTE),
    (c"/dev", READ | WRITE_FILE | CONTROL),
    (c"/tmp", !EXECUTE),
];

/// Puts this process under rules, and lets it execute `program`; nothing that the kernel does not know
/// is asked for.
pub(crate) fn enforce(rules: &[Rule], ports: &[u64], program: Option<&OwnedFd>) -> Result<()> {
    const VERSION: usize = 1;
    const BENEATH: usize = 1;
    const PORT: usize = 2;
    let make = libc::SYS_landlock_create_ruleset;
    let version = call("ask for Landlock", make, &[0, 0, VERSION])?;
    let files: u64 = match version {
        0 | 1 => 0x1FFF,
        2 => 0x3FFF,
        3 | 4 => 0x7FFF,
        _ => 0xFFFF,
    };
    let (network, scopes) = (version > 3, version > 5);
    let handled = [
        files,
        if network { BIND } else { 0 },
        if scopes { SCOPES } else { 0 },
    ];
    let ruleset = open("make rules", make, &[at(&handled), size_of_val(&handled)])?;
    let add = libc::SYS_landlock_add_rule;
    let beneath = |place: &OwnedFd, rights: u64| {
        // `struct landlock_path_beneath_attr` is packed: a right, and behind it the descriptor.
        let rule = [rights & files, number(place) as u64];
        call("rule", add, &[number(&ruleset), BENEATH, at(&rule)])
    };
    for (path, rights) in rules {
        let flags = flags(libc::O_PATH | libc::O_CLOEXEC);
        let place = open("open", libc::SYS_openat, &[HERE, text(path), flags])?;
        beneath(&place, *rights)?;
    }
    if let Some(program) = program {
        beneath(program, EXECUTE | READ_FILE)?;
    }
    for port in ports.iter().filter(|_| network) {
        let rule = [BIND, *port];
        call("port", add, &[number(&ruleset), PORT, at(&rule)])?;
    }
    let enforce = libc::SYS_landlock_restrict_self;
    call("enforce rules", enforce, &[number(&ruleset)]).map(drop)
}
