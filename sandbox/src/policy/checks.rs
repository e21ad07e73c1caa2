//! Conditions on arguments, and calls that are answered specially

use super::{Check, Condition, Rule, Test, Verdict};

/// CLONE_NEWTIME apart (clone(2) cannot express it): mount, cgroup, uts, ipc, user, pid, net. And
/// CLONE_PARENT: a payload is init's child, so its siblings would be PID 1's to reap.
const NAMESPACES: u32 = 0x7E02_0000 | 0x8000;

/// `linux/prctl.h`: the end with the parent, dumpable, names, SET_SECCOMP, timer slack; subreaper,
/// no_new_privs. What lies between them can be asked of oneself only or takes a capability, but 35,
/// SET_MM, rewrites the map of one's memory. Of what is younger GET_AUXV is needed, which reads what
/// one was started with: run times ask for it before anything else, and refused, go by way of /proc.
const PRCTL: &[(u32, u32)] = &[(0, 34), (36, 39), (GET_AUXV, GET_AUXV)];
const GET_AUXV: u32 = 0x4155_5856;

/// TIOCSTI, TIOCLINUX, TIOCSETD.
const TERMINAL: &[(u32, u32)] = &[(0x5412, 0x5412), (0x541C, 0x541C), (0x5423, 0x5423)];

/// AF_UNSPEC, which no kernel makes a socket of, and AF_UNIX.
const UNIX: (u32, u32) = (0, 1);
/// And AF_INET.
const UNIX_INET: (u32, u32) = (0, 2);
const INET6: (u32, u32) = (10, 10);
/// AF_NETLINK and AF_PACKET.
const NETLINK_PACKET: (u32, u32) = (16, 17);

const PROT_WRITE: u32 = 0x2;
const PROT_EXEC: u32 = 0x4;
const MAP_ANONYMOUS: u32 = 0x20;

const fn must(argument: u8, test: Test) -> Rule {
    Rule::Must(Check { argument, test })
}

const fn enough(argument: u8, test: Test) -> Rule {
    Rule::Enough(Check { argument, test })
}

/// For every class.
pub(crate) const ALL: &[Condition] = &[
    Condition {
        reason: "its flags lie in memory that a filter cannot read; libraries fall back to clone",
        call: "clone3",
        verdict: Verdict::Absent,
    },
    Condition {
        reason: "processes and threads, never a namespace",
        call: "clone",
        verdict: Verdict::When(&[must(0, Test::Without(NAMESPACES))]),
    },
    Condition {
        reason: "its options reach from naming a thread to replacing the memory map",
        call: "prctl",
        verdict: Verdict::When(&[must(0, Test::Within(PRCTL))]),
    },
    Condition {
        reason: "TIOCSTI and TIOCLINUX type into a terminal; TIOCSETD loads a line discipline",
        call: "ioctl",
        verdict: Verdict::When(&[must(1, Test::Outside(TERMINAL))]),
    },
];

/// Code comes from files that may be executed, as they are: what a mapping may write is never
/// executed, and nothing becomes executable later.
pub(crate) const NO_NEW_CODE: &[Condition] = &[
    Condition {
        reason: "a dynamic loader maps files to execute; anonymous and writable memory holds no code",
        call: "mmap",
        verdict: NO_NEW_MAPPING,
    },
    Condition {
        reason: "the same call of 32-bit machines",
        call: "mmap2",
        verdict: NO_NEW_MAPPING,
    },
    Condition {
        reason: "what was written is never made executable",
        call: "mprotect",
        verdict: Verdict::When(&[must(2, Test::Without(PROT_EXEC))]),
    },
];

const NO_NEW_MAPPING: Verdict = Verdict::When(&[
    enough(2, Test::Without(PROT_EXEC)),
    must(2, Test::Without(PROT_WRITE)),
    must(3, Test::Without(MAP_ANONYMOUS)),
]);

/// For core programs.
pub(crate) const WHOLE_DISK: &[Condition] = &[Condition {
    reason: "limen-install makes a tree durable at once; to a bundle it would be a way to make \
             everybody wait for the disk",
    call: "syncfs",
    verdict: Verdict::Allow,
}];

/// For core programs that have no network: what they talk to was handed to them.
pub(crate) const LOCAL_SOCKETS: &[Condition] = &[Condition {
    reason: "channels between programs of the box",
    call: "socket",
    verdict: Verdict::When(&[must(0, Test::Within(&[UNIX]))]),
}];

/// For providers' programs: ordinary sockets of the Internet, inside their own network.
pub(crate) const INTERNET_SOCKETS: &[Condition] = &[
    Condition {
        reason: "TCP, UDP and ping; every other family is attack surface",
        call: "socket",
        verdict: Verdict::When(&[
            must(0, Test::Within(&[UNIX_INET, INET6])),
            // Unspecified, ICMP, TCP, UDP, between them only what needs a raw socket; ICMPv6. Not
            // DCCP, SCTP, UDP-Lite, MPTCP.
            must(2, Test::Within(&[(0, 17), (58, 58)])),
        ]),
    },
    Condition {
        reason: "all but TCP_ULP, which loads a protocol on top of TCP",
        call: "setsockopt",
        verdict: Verdict::When(&[must(2, Test::Outside(&[(31, 31)]))]),
    },
];

/// For core programs in the box's own network.
pub(crate) const NETWORK_SOCKETS: &[Condition] = &[Condition {
    reason: "a DHCP client reads raw packets and asks the kernel for its links",
    call: "socket",
    verdict: Verdict::When(&[must(0, Test::Within(&[UNIX_INET, INET6, NETLINK_PACKET]))]),
}];
