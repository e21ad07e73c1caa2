//! Compiles the system-call policy into the filters of limen-jail
//!
//! At build time, because looking up three hundred names costs as much as a tenth of starting a
//! bundle. Written to `OUT_DIR/filters.rs`, which `step/seccomp.rs` takes in.

fn main() {
    #[cfg(feature = "jail")]
    jail::write();
}

#[cfg(feature = "jail")]
#[path = "src/filter/mod.rs"]
mod filter;
#[cfg(feature = "jail")]
#[path = "src/policy/mod.rs"]
mod policy;

#[cfg(feature = "jail")]
mod jail {
    use std::fmt::Write as _;
    use std::path::Path;

    use crate::filter::{compile, compile_within};
    use crate::policy::{Class, machine, verdicts};

    /// Name, class, whether memory files are allowed, meaning.
    const FILTERS: [(&str, Class, bool, &str); 7] = [
        (
            "JAIL",
            Class::Jail,
            false,
            "limen-jail's own, which all that it becomes has too.",
        ),
        (
            "REAPER",
            Class::Reaper,
            false,
            "The reaper's, within [`JAIL`] as all that follow.",
        ),
        ("CORE", Class::Core, false, "A core program's."),
        (
            "CORE_NETWORK",
            Class::CoreNetwork,
            false,
            "That of a core program in the box's network.",
        ),
        ("BUNDLE", Class::Bundle, false, "An ordinary bundle's."),
        (
            "MAKER",
            Class::Maker,
            false,
            "That of a bundle that makes code, where the kernel would execute memory files.",
        ),
        (
            "MAKER_WITH_MEMORY_FILES",
            Class::Maker,
            true,
            "That of a bundle that makes code, where the kernel executes no memory file.",
        ),
    ];

    pub(crate) fn write() {
        println!("cargo::rerun-if-changed=src/policy");
        println!("cargo::rerun-if-changed=src/filter");
        let target = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
        let Some(machine) = machine::named(&target) else {
            println!(
                "cargo::error=no system-call numbers for {target}: add them to policy/machine.rs"
            );
            return;
        };
        let mut text = String::new();
        let jail = verdicts(Class::Jail, machine, false);
        for (name, class, memory_files, meaning) in FILTERS {
            let filter = match class {
                Class::Jail => compile(&jail, machine),
                class => compile_within(&verdicts(class, machine, memory_files), &jail, machine),
            };
            let filter = match filter {
                Ok(filter) => filter,
                Err(error) => {
                    println!("cargo::error={error}");
                    return;
                }
            };
            let _ = writeln!(
                text,
                "/// {meaning}\npub(crate) static {name}: Filter = Filter(&["
            );
            for instruction in filter {
                let _ = writeln!(text, "    {instruction:?},");
            }
            let _ = writeln!(text, "]);");
        }
        let folder = std::env::var("OUT_DIR").unwrap_or_default();
        if let Err(error) = std::fs::write(Path::new(&folder).join("filters.rs"), text) {
            println!("cargo::error=cannot write filters.rs: {error}");
        }
    }
}
