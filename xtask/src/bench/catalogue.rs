//! Every figure that there is, with its goal and what others need for the same.
//!
//! Goals and peers are data: a goal is where the project wants to be, and its figure has the goal's
//! name, `G1` to `G8`, with one figure for each part where a goal has two. Beside a figure stand others
//! of the same run; what a peer's text cites was measured once, in an emulated arm64 guest of the
//! same kind (Debian 6.12, `-M virt -cpu cortex-a53 -smp 2`, the same instruction clock).

use super::figure::Unit;

/// One figure, or, when its name ends with a hyphen, one for each of a family.
#[derive(Debug)]
pub(crate) struct Entry {
    name: &'static str,
    /// In which unit it is told.
    pub(crate) unit: Unit,
    /// At most this.
    pub(crate) goal: Option<f64>,
    /// Figures of the same run that it is compared with.
    pub(crate) beside: &'static [&'static str],
    /// Others, cited.
    pub(crate) peer: &'static str,
    /// What it says.
    pub(crate) what: &'static str,
}

const fn entry(name: &'static str, unit: Unit, what: &'static str) -> Entry {
    Entry {
        name,
        unit,
        goal: None,
        beside: &[],
        peer: "",
        what,
    }
}

impl Entry {
    const fn goal(self, goal: f64) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }

    const fn beside(self, beside: &'static [&'static str]) -> Self {
        Self { beside, ..self }
    }

    const fn peer(self, peer: &'static str) -> Self {
        Self { peer, ..self }
    }
}

use Unit::{Count, Instructions, Kibibytes, Milliseconds, Percent};

/// In the order of the table.
pub(crate) const ENTRIES: &[Entry] = &[
    entry(
        "G1",
        Instructions,
        "request to a parked virtual gateway's being active, network with shaping included, as the requester hears it",
    )
    .goal(0.286)
    .beside(&["floor-fork-exec"])
    .peer("clone and exec of a C program 0.286; a sandbox of a C recipe, parked just before exec 0.179"),
    entry(
        "G2.bundle",
        Instructions,
        "request to the first statement of a cold bundle in a running virtual gateway, every wall up",
    )
    .goal(1.25)
    .beside(&["floor-bundle", "peer-bwrap", "peer-crun"])
    .peer("straightforward recipe in C 1.52"),
    entry(
        "G2.vgw",
        Instructions,
        "request to the first statement of the first bundle in a cold virtual gateway, network with shaping included",
    )
    .goal(2.5)
    .beside(&["floor-vgw", "peer-bwrap", "peer-crun"])
    .peer("straightforward recipe in C 3.9; lxc 12; runc 61; systemd-nspawn 209"),
    entry(
        "G3",
        Kibibytes,
        "PID 1, broker, steward, logger, management endpoint, DHCP client and six idle virtual gateways together, system-wide",
    )
    .goal(5120.0)
    .peer("founding paper: six virtual gateways in one JVM 2.9 MB more than one"),
    entry(
        "G4.cold",
        Instructions,
        "SIGKILL of a bundle's program to the first statement of its successor, in a new sandbox",
    )
    .goal(1.6)
    .beside(&["floor-restart", "peer-runsv", "peer-s6"])
    .peer("systemd 39; busybox init 1 s (none of them isolates)"),
    entry(
        "G4.warm",
        Instructions,
        "the same where a spare of the bundle stands ready",
    )
    .goal(0.5)
    .beside(&["floor-restart", "peer-runsv", "peer-s6"])
    .peer("parked before exec in C 0.179"),
    entry(
        "G6",
        Instructions,
        "PID 1's first instruction to six idle virtual gateways active",
    )
    .goal(20.0),
    entry(
        "G8",
        Kibibytes,
        "all our programs on the box, stripped, as files",
    )
    .goal(4096.0)
    .peer("AWS Greengrass nucleus lite 0.83-1.10 MB (no sandbox)"),
    entry(
        "floor-fork-exec",
        Instructions,
        "vfork and exec of the same static program, no isolation, to its first statement",
    )
    .peer("clone and exec of a C program 0.286"),
    entry(
        "floor-bundle",
        Instructions,
        "the kernel calls of a cold bundle's start and nothing else, by a program of their own: `G2.bundle` without supervisor, request, report, posture and disk quota",
    )
    .peer("straightforward recipe in C 1.52"),
    entry(
        "floor-vgw",
        Instructions,
        "the same of a whole cold virtual gateway with its first bundle: `G2.vgw`",
    )
    .peer("straightforward recipe in C 3.9"),
    entry(
        "floor-restart",
        Instructions,
        "SIGKILL of that program to the first statement of the next, by a loop that waits and starts",
    ),
    entry(
        "peer-bwrap",
        Instructions,
        "the same program started by bubblewrap: seven namespaces, a root of binds, /proc, /dev, no capability; no cgroup, no limit, no filter, no Landlock, no link",
    ),
    entry(
        "peer-crun",
        Instructions,
        "the same by crun: seven namespaces, /proc, /dev, masked paths, no capability, cgroup limits, a filter that allows what our bundles' allows; no Landlock, no link",
    ),
    entry(
        "peer-runsv",
        Instructions,
        "SIGKILL of the same program to its successor under runit's runsv, active for two seconds before; no isolation",
    ),
    entry(
        "peer-s6",
        Instructions,
        "the same under s6-supervise, which waits for a second: the clock runs on meanwhile",
    ),
    entry(
        "boot-core-active",
        Instructions,
        "PID 1's first instruction to every core unit active (what idles meanwhile is counted: the clock runs on to the next timer)",
    ),
    entry(
        "boot-vgws-active",
        Instructions,
        "PID 1's first instruction to both virtual gateways of the demonstration active",
    ),
    entry(
        "boot-bundles-active",
        Instructions,
        "PID 1's first instruction to all four bundles of the demonstration active, their own start included",
    ),
    entry(
        "vgw-cold",
        Instructions,
        "request to a cold virtual gateway's being active, network with shaping included, as the requester hears it",
    )
    .beside(&["peer-bwrap", "peer-crun"])
    .peer("floor of a C recipe with all layers 2.46"),
    entry(
        "vgw-warm-with-bundle",
        Instructions,
        "request to the first statement of the first, cold bundle in a parked virtual gateway",
    ),
    entry(
        "vgw-stop",
        Instructions,
        "request to stop a virtual gateway with one bundle, to its being idle with everything removed",
    ),
    entry(
        "bundle-cold-active",
        Instructions,
        "`G2.bundle`, to its being active as the requester hears it",
    ),
    entry(
        "vgw-start-1",
        Instructions,
        "start of a virtual gateway, to its being active, on a box with no other",
    ),
    entry(
        "vgw-start-64",
        Instructions,
        "the same on a box with 63 others",
    ),
    entry(
        "vgw-start-growth",
        Percent,
        "growth of the start from the first to the 64th",
    )
    .goal(5.0),
    entry(
        "vgw-memory-few",
        Kibibytes,
        "what one more idle virtual gateway takes, the tenth to the 18th",
    ),
    entry(
        "vgw-memory-many",
        Kibibytes,
        "the same, the 55th to the 63rd",
    ),
    entry(
        "vgw-memory-growth",
        Percent,
        "growth of that memory",
    )
    .goal(5.0),
    entry(
        "adjust",
        Instructions,
        "request to change the contract of a running virtual gateway whose bundle computes all the time on the only processor, to the answer that all of it is in force",
    ),
    entry(
        "cpu-share-off",
        Percent,
        "how far the processor time of a bundle that computes on four threads is from what the contract gives, over three seconds",
    )
    .goal(5.0),
    entry(
        "endpoint-quiet",
        Milliseconds,
        "99 of 100 answers of the management endpoint came within that, limenctl's own start and a fresh TLS session included, while nobody attacks; on this machine, with whatever else it did",
    ),
    entry(
        "endpoint-",
        Milliseconds,
        "the same under the storm of that name in one virtual gateway (`all`: every storm in two at once)",
    )
    .beside(&["endpoint-quiet"]),
    entry("soak-restarts", Count, "lives of units in one boot of the soak"),
    entry(
        "soak-resident-growth",
        Kibibytes,
        "growth of PID 1's resident set from the first thousand lives of the soak to the last",
    )
    .goal(0.0),
    entry(
        "soak-restart",
        Instructions,
        "one restart of the soak, start and end, on average",
    ),
    entry(
        "memory-core",
        Kibibytes,
        "what the idle core takes from MemAvailable, against the same box in which PID 1 only reads that number",
    )
    .peer("PSS: s6 with six services 2433; systemd 12334; nginx with TLS 7200"),
    entry(
        "memory-first-vgw",
        Kibibytes,
        "what the first idle virtual gateway takes more",
    ),
    entry(
        "memory-vgw",
        Kibibytes,
        "what an idle virtual gateway takes, a sixth of what six take",
    )
    .beside(&["memory-floor", "memory-peer-bwrap", "memory-peer-crun"])
    .peer("one idle full sandbox of a C recipe 309; lxc 907; empty OSGi framework on a JVM 47492"),
    entry(
        "memory-floor",
        Kibibytes,
        "what one idle child takes that is isolated from nothing, a sixteenth of what sixteen take",
    ),
    entry(
        "memory-peer-bwrap",
        Kibibytes,
        "the same under bubblewrap, its two own processes included",
    ),
    entry(
        "memory-peer-crun",
        Kibibytes,
        "the same in a container of crun's, which has ended",
    ),
    entry(
        "memory-peer-runsv",
        Kibibytes,
        "the same under runsv, one for each service; no isolation",
    ),
    entry(
        "memory-peer-s6",
        Kibibytes,
        "the same under s6-supervise, one for each service; no isolation",
    ),
    entry("size-program-", Kibibytes, "one program"),
    entry(
        "size-system-image",
        Kibibytes,
        "the read-only system image, compressed, with Debian's busybox (1.9 MiB unpacked) for the DHCP client",
    ),
    entry(
        "size-initramfs",
        Kibibytes,
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
        assert_eq!(goal("G8"), Some(Some(4096.0)));
        assert_eq!(goal("size-program-limen-init"), Some(None));
        assert_eq!(goal("size"), None);
    }

    #[test]
    fn names_are_unique() {
        for (place, entry) in ENTRIES.iter().enumerate() {
            assert_eq!(find(entry.name).map(|found| found.0), Some(place));
        }
    }

    #[test]
    fn what_stands_beside_a_figure_is_one() {
        for entry in ENTRIES {
            assert!(entry.beside.iter().all(|name| find(name).is_some()));
        }
    }
}
