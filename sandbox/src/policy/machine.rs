//! Numbers of system calls, per machine

use core::str::FromStr;

/// How one machine numbers its calls.
pub(crate) struct Machine {
    /// `AUDIT_ARCH_…` of `linux/audit.h`: what seccomp calls the machine.
    pub audit: u32,
    /// The number of a call, when the machine has it.
    pub number: fn(&str) -> Option<u32>,
    /// The largest number that has a name. Beyond it, ENOSYS.
    pub last: u32,
    /// Calls outside the common table that every program makes.
    pub private: &'static [u32],
}

macro_rules! machine {
    ($(#[$doc:meta])* $name:ident, $module:ident, $audit:expr, $private:expr) => {
        $(#[$doc])*
        pub(crate) static $name: Machine = Machine {
            audit: $audit,
            number: |name| {
                syscalls::$module::Sysno::from_str(name)
                    .ok()
                    .and_then(|call| u32::try_from(call.id()).ok())
            },
            last: syscalls::$module::Sysno::last().id().unsigned_abs(),
            private: $private,
        };
    };
}

machine!(
    /// 64-bit ARM.
    AARCH64,
    aarch64,
    0xC000_00B7,
    &[]
);
machine!(
    /// 32-bit ARM. Its private calls: cacheflush (generated code), set_tls (every start of a
    /// thread), get_tls.
    ARM,
    arm,
    0x4000_0028,
    &[0x000F_0002, 0x000F_0005, 0x000F_0006]
);
machine!(
    /// The developer's machine.
    X86_64,
    x86_64,
    0xC000_003E,
    &[]
);

/// All of them.
#[cfg(test)]
pub(crate) static ALL: [&Machine; 3] = [&AARCH64, &ARM, &X86_64];

/// The machine that cargo calls by this name (`CARGO_CFG_TARGET_ARCH`).
pub(crate) fn named(name: &str) -> Option<&'static Machine> {
    match name {
        "aarch64" => Some(&AARCH64),
        "arm" => Some(&ARM),
        "x86_64" => Some(&X86_64),
        _ => None,
    }
}
