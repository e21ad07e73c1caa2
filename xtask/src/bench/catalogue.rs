//! Every figure that there is, with its goal and what others need for the same.
//!
//! Goals and peers are data: a goal is where the project wants to be (G1 to G8 of the plan), a
//! peer's figure says where it comes from. Most peers were measured once, side by side in an
//! emulated arm64 guest of the same kind (Debian 6.12, `-M virt -cpu cortex-a53 -smp 2`, the same
//! instruction clock); `floor-fork-exec` is measured again with every run, in the same guest.

use super::figure::Unit;

/// One figure, or, when its name ends with a hyphen, one for each program.
#[derive(Debug)]
pub(crate) struct Entry {
    name: &'static str,
    /// In which unit it is told.
    pub(crate) unit: Unit,
    /// At most this.
    pub(crate) goal: Option<f64>,
    /// Others.
    pub(crate) peer: &'static str,
    /// What it says.
    pub(crate) what: &'static str,
}

const fn entry(
    name: &'static str,
    unit: Unit,
    goal: Option<f64>,
    peer: &'static str,
    what: &'static str,
) -> Entry {
    Entry {
        name,
        unit,
        goal,
        peer,
        what,
    }
}

use Unit::{Count, Instructions, Kibibytes};

/// In the order of the table.
pub(crate) const ENTRIES: &[Entry] = &[
    entry(
        "boot-core-active",
        Instructions,
        None,
        "",
        "PID 1's first instruction to every core unit active (what idles meanwhile is counted: the clock runs on to the next timer)",
    ),
    entry(
        "boot-vgws-active",
        Instructions,
        None,
        "",
        "PID 1's first instruction to both virtual gateways of the demonstration active",
    ),
    entry(
        "boot-bundles-active",
        Instructions,
        None,
        "",
        "PID 1's first instruction to all four bundles of the demonstration active, their own start included",
    ),
    entry(
        "boot-six-vgws-active",
        Instructions,
        Some(20.0),
        "",
        "PID 1's first instruction to six idle virtual gateways active (G6)",
    ),
    entry(
        "floor-fork-exec",
        Instructions,
        None,
        "0.286 (clone and exec of a C program)",
        "vfork and exec of the same static program as below, no isolation, to its first statement: measured here as the floor",
    ),
    entry(
        "vgw-cold",
        Instructions,
        None,
        "floor of a C recipe with all layers 2.46; bwrap 5.46; crun, lxc 12.0; runc 61; systemd-nspawn 209",
        "request to a cold virtual gateway's being active, network with shaping included, as the requester hears it",
    ),
    entry(
        "vgw-cold-with-bundle",
        Instructions,
        Some(2.5),
        "straightforward recipe in C 3.9",
        "request to the first statement of the first bundle in a cold virtual gateway (G2)",
    ),
    entry(
        "vgw-stop",
        Instructions,
        None,
        "",
        "request to stop a virtual gateway with one bundle, to its being idle with everything removed",
    ),
    entry(
        "bundle-cold",
        Instructions,
        Some(1.25),
        "straightforward recipe in C 1.52; parked before exec 0.179",
        "request to the first statement of a cold bundle in a running virtual gateway (G2)",
    ),
    entry(
        "bundle-cold-active",
        Instructions,
        None,
        "",
        "the same, to its being active as the requester hears it",
    ),
    entry(
        "bundle-restart",
        Instructions,
        Some(1.6),
        "vfork loop 0.18; runsv 1.47; systemd 39; s6, busybox init 1 s (none of them isolates)",
        "SIGKILL of a bundle's program to the first statement of its successor, same sandbox (G4)",
    ),
    entry(
        "soak-restarts",
        Count,
        None,
        "",
        "lives of units in one boot of the soak",
    ),
    entry(
        "soak-resident-growth",
        Kibibytes,
        Some(0.0),
        "",
        "growth of PID 1's resident set from the first thousand lives of the soak to the last",
    ),
    entry(
        "soak-restart",
        Instructions,
        None,
        "",
        "one restart of the soak, start and end, on average",
    ),
    entry(
        "memory-core",
        Kibibytes,
        None,
        "PSS: s6 with six services 2433; systemd 12334; nginx with TLS 7200",
        "what the idle core takes from MemAvailable, against the same box in which PID 1 only reads that number",
    ),
    entry(
        "memory-first-vgw",
        Kibibytes,
        None,
        "",
        "what the first idle virtual gateway takes more",
    ),
    entry(
        "memory-vgw",
        Kibibytes,
        None,
        "one idle full sandbox 309; crun 385; bwrap 667; lxc 907; empty OSGi framework on a JVM 47492",
        "what an idle virtual gateway takes, a sixth of what six take",
    ),
    entry(
        "memory-core-and-six-vgws",
        Kibibytes,
        Some(5120.0),
        "founding paper: six virtual gateways in one JVM 2.9 MB more than one",
        "the core and six idle virtual gateways together, system-wide (G3)",
    ),
    entry(
        "size-programs",
        Kibibytes,
        Some(4096.0),
        "AWS Greengrass nucleus lite 0.83-1.10 MB (no sandbox)",
        "all our programs on the box, stripped, as files (G8)",
    ),
    entry("size-program-", Kibibytes, None, "", "one program"),
    entry(
        "size-system-image",
        Kibibytes,
        None,
        "",
        "the read-only system image, compressed, with Debian's busybox (1.9 MiB unpacked) for the DHCP client",
    ),
    entry(
        "size-initramfs",
        Kibibytes,
        None,
        "",
        "early stage and kernel modules, compressed as the kernel's package has them",
    ),
];

/// The entry of a figure, and its place.
pub(crate) fn find(name: &str) -> Option<(usize, &'static Entry)> {
    ENTRIES.iter().enumerate().find(|(_, entry)| {
        entry.name == name || (entry.name.ends_with('-') && name.starts_with(entry.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_takes_its_members_and_nothing_else() {
        let goal = |name| find(name).map(|(_, entry)| entry.goal);
        assert_eq!(goal("size-programs"), Some(Some(4096.0)));
        assert_eq!(goal("size-program-limen-init"), Some(None));
        assert_eq!(goal("size"), None);
    }

    #[test]
    fn names_are_unique() {
        for (place, entry) in ENTRIES.iter().enumerate() {
            assert_eq!(find(entry.name).map(|found| found.0), Some(place));
        }
    }
}
