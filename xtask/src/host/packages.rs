//! The Debian packages that the verbs need: one table, a reason per entry.
//!
//! Names are those of Debian 12 and 13, the same on x86_64 and arm64. A few hold nothing on most
//! machines that build Rust already, and are listed because a fresh one lacks them.

/// A Debian package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: &'static str,
    /// What needs it.
    pub(crate) why: &'static str,
}

const fn package(name: &'static str, why: &'static str) -> Package {
    Package { name, why }
}

/// Needed on every machine.
pub(crate) const ALWAYS: &[Package] = &[
    package(
        "gcc",
        "links the programs of this machine, limenctl and xtask among them",
    ),
    package(
        "libc6-dev",
        "the C library's headers and start files, for the same",
    ),
    package(
        "ca-certificates",
        "authenticates the archives that packages are fetched from",
    ),
    package(
        "python3-venv",
        "holds the linker's Python wheels apart from the system's Python",
    ),
    package("qemu-system-arm", "emulates the box"),
    package("squashfs-tools", "writes the read-only system image"),
    package("e2fsprogs", "writes the data disk, with project quotas"),
    package(
        "debian-archive-keyring",
        "authenticates the packages that go into images and bundles",
    ),
    package("tar", "writes the system image's file tree"),
    package(
        "curl",
        "asks the box as anybody on the network would, in scenarios",
    ),
    package("openssl", "makes a stranger's certificate, in scenarios"),
    package(
        "minisign",
        "signs and verifies beside our own code, in tests",
    ),
    package("umoci", "makes images beside our own reader, in tests"),
    package(
        "skopeo",
        "turns images from one form into another, in tests",
    ),
    package("git", "names the commit that a benchmark measured"),
    package("xz-utils", "unpacks the kernel's modules"),
];

/// Needed when the installed Rust toolchain has no source of its standard library.
pub(crate) const CROSS_COMPILER: &[Package] = &[
    package(
        "rustc-web",
        "compiles for the box; recent also on an old stable Debian",
    ),
    package(
        "rust-web-src",
        "the standard library's source, compiled for the box",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_that_images_call_has_its_package_here() {
        // Part of every Debian: a system without them has no packages at all.
        let essential = ["apt", "coreutils", "dpkg"];
        for (program, package) in limen_images::tool::PACKAGES {
            let listed = ALWAYS.iter().any(|entry| entry.name == *package);
            assert!(
                listed || essential.contains(package),
                "{program} comes from {package}"
            );
        }
    }

    #[test]
    fn every_entry_has_a_reason_and_stands_once() {
        let all: Vec<_> = ALWAYS.iter().chain(CROSS_COMPILER).collect();
        for (at, entry) in all.iter().enumerate() {
            assert!(!entry.why.is_empty(), "{}", entry.name);
            assert!(
                all[..at].iter().all(|earlier| earlier.name != entry.name),
                "{}",
                entry.name
            );
        }
    }
}
