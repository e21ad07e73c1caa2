//! Numbers of system calls, per machine

use core::ops::RangeInclusive;
use core::str::FromStr;

/// How one machine numbers its calls.
pub(crate) struct Machine {
    /// `AUDIT_ARCH_…` of `linux/audit.h`: what seccomp calls the machine.
    pub audit: u32,
    /// The number of a call, when the machine has it.
    pub number: fn(&str) -> Option<u32>,
    /// The first of the young calls, pkey_mprotect (Linux 4.9): what a C library asks for from here
    /// on, it can do without. Refused ones are answered ENOSYS.
    pub young: u32,
    /// Numbers that no call of this machine has or will get.
    pub rooms: &'static [RangeInclusive<u32>],
    /// Calls outside the common table that every program makes.
    pub private: &'static [u32],
}

macro_rules! machine {
    ($(#[$doc:meta])* $name:ident, $module:ident, $audit:expr, $young:expr, $rooms:expr, $private:expr) => {
        $(#[$doc])*
        pub(crate) static $name: Machine = Machine {
            audit: $audit,
            number: |name| {
                let call = syscalls::$module::Sysno::from_str(name).ok()?;
                let number = u32::try_from(call.id()).ok()?;
                let rooms: &[RangeInclusive<u32>] = $rooms;
                let is_real = !rooms.iter().any(|room| room.contains(&number));
                is_real.then_some(number)
            },
            young: $young,
            rooms: $rooms,
            private: $private,
        };
    };
}

machine!(
    /// 64-bit ARM. Its rooms: those of other architectures, and the calls with 64-bit time that
    /// only 32-bit machines have.
    AARCH64,
    aarch64,
    0xC000_00B7,
    288,
    &[244..=259, 295..=423],
    &[]
);
machine!(
    /// 32-bit ARM. Its private calls: cacheflush (generated code), set_tls (every start of a
    /// thread), get_tls.
    ARM,
    arm,
    0x4000_0028,
    394,
    &[],
    &[0x000F_0002, 0x000F_0005, 0x000F_0006]
);
machine!(
    /// The developer's machine.
    X86_64,
    x86_64,
    0xC000_003E,
    329,
    &[335..=423],
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
