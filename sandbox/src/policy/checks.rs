//! Conditions on arguments, and calls that are answered specially

use super::{Check, Condition, Test, Verdict};

/// CLONE_NEWTIME apart (clone(2) cannot express it): mount, cgroup, uts, ipc, user, pid, net. And
/// CLONE_PARENT: a payload is init's child, so its siblings would be PID 1's to reap.
const NAMESPACES: u32 = 0x7E02_0000 | 0x8000;

/// `linux/prctl.h`.
const PRCTL: &[u32] = &[
    1,           // SET_PDEATHSIG: children that end with their parent
    3,           // GET_DUMPABLE
    4,           // SET_DUMPABLE: a program that protects its own memory
    15,          // SET_NAME: every thread library
    16,          // GET_NAME
    22,          // SET_SECCOMP: a program may narrow itself further
    23,          // CAPBSET_READ
    29,          // SET_TIMERSLACK: event loops
    36,          // SET_CHILD_SUBREAPER: supervisors inside a bundle
    38,          // SET_NO_NEW_PRIVS
    39,          // GET_NO_NEW_PRIVS
    47,          // CAP_AMBIENT: reading; nothing can be raised
    65,          // SET_MDWE: a program may forbid itself new code
    0x5356_4d41, // SET_VMA: names of memory regions
];

const AF_UNIX: u32 = 1;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;
const AF_NETLINK: u32 = 16;
const AF_PACKET: u32 = 17;

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
        verdict: Verdict::When(&[Check {
            argument: 0,
            test: Test::Without(NAMESPACES),
        }]),
    },
    Condition {
        reason: "its options reach from naming a thread to replacing the memory map",
        call: "prctl",
        verdict: Verdict::When(&[Check {
            argument: 0,
            test: Test::In(PRCTL),
        }]),
    },
    Condition {
        reason: "asking and staying Linux; other personalities weaken address randomisation",
        call: "personality",
        verdict: Verdict::When(&[Check {
            argument: 0,
            test: Test::In(&[0, u32::MAX]),
        }]),
    },
    Condition {
        reason: "TIOCSTI and TIOCLINUX type into a terminal; TIOCSETD loads a line discipline",
        call: "ioctl",
        verdict: Verdict::When(&[Check {
            argument: 1,
            test: Test::Not(&[0x5412, 0x541C, 0x5423]),
        }]),
    },
];

/// For core programs that have no network: what they talk to was handed to them.
pub(crate) const LOCAL_SOCKETS: &[Condition] = &[Condition {
    reason: "channels between programs of the box",
    call: "socket",
    verdict: Verdict::When(&[Check {
        argument: 0,
        test: Test::In(&[AF_UNIX]),
    }]),
}];

/// For providers' programs: ordinary sockets of the Internet, inside their own network.
pub(crate) const INTERNET_SOCKETS: &[Condition] = &[
    Condition {
        reason: "TCP, UDP and ping; every other family is attack surface",
        call: "socket",
        verdict: Verdict::When(&[
            Check {
                argument: 0,
                test: Test::In(&[AF_UNIX, AF_INET, AF_INET6]),
            },
            // Unspecified, ICMP, TCP, UDP, ICMPv6: not SCTP, not MPTCP.
            Check {
                argument: 2,
                test: Test::In(&[0, 1, 6, 17, 58]),
            },
        ]),
    },
    Condition {
        reason: "all but TCP_ULP, which loads a protocol on top of TCP",
        call: "setsockopt",
        verdict: Verdict::When(&[Check {
            argument: 2,
            test: Test::Not(&[31]),
        }]),
    },
];

/// For core programs in the box's own network.
pub(crate) const NETWORK_SOCKETS: &[Condition] = &[Condition {
    reason: "a DHCP client reads raw packets and asks the kernel for its links",
    call: "socket",
    verdict: Verdict::When(&[Check {
        argument: 0,
        test: Test::In(&[AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET]),
    }]),
}];

/// For core programs: taking what init left at a known number (limen-channel).
pub(crate) const OWN_DESCRIPTORS: &[Condition] = &[Condition {
    reason: "the safe way to an inherited descriptor; on another process it needs ptrace rights",
    call: "pidfd_getfd",
    verdict: Verdict::Allow,
}];
