//! Posture: the isolation that the kernel really enforces
//!
//! Reported by limen-jail, never assumed: while it builds a unit it says what the kernel granted, and
//! once the unit runs it reads back from `/proc` and the cgroup what holds, for every thread, and
//! compares that with what the spec promises.

use core::fmt;

use serde::{Deserialize, Serialize};

/// What is enforced on one running unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Posture {
    /// Landlock's ABI in force; 0 is none.
    pub landlock_abi: u8,
    /// A seccomp filter is installed.
    pub seccomp: bool,
    /// A user namespace of its own.
    pub user_namespace: bool,
    /// Programs made in memory cannot be executed (by sysctl on 6.12, by seccomp on 6.1).
    pub memfd_exec_denied: bool,
    /// The disk quota is in force.
    pub disk_quota: bool,
    /// The bandwidth limit is in force in both directions.
    pub shaped: bool,
    /// How the running unit compares with what it should be.
    pub compared: Compared,
}

/// The outcome of reading back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Compared {
    /// Not read back yet, or it ended before.
    #[default]
    NotYet,
    /// Every aspect is as expected.
    Exact,
    /// These are not. The unit's log says what was found.
    Differs(Aspects),
}

macro_rules! aspects {
    ($($(#[$doc:meta])* $name:ident: $text:literal,)*) => {
        /// One aspect of a unit that is read back. Append only.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Aspect {
            $($(#[$doc])* $name,)*
        }

        impl Aspect {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }

        impl fmt::Display for Aspect {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(match self {
                    $(Self::$name => $text,)*
                })
            }
        }
    };
}

aspects! {
    /// Uids, gids and groups of every thread.
    Identity: "identity",
    /// The user namespace's maps.
    Maps: "maps",
    /// The five capability sets of every thread.
    Capabilities: "capabilities",
    /// no_new_privs of every thread.
    NoNewPrivileges: "no-new-privileges",
    /// The seccomp mode of every thread, and that it has a filter.
    Seccomp: "seccomp",
    /// Which namespaces are its own, which its virtual gateway's, which the box's, for every
    /// thread.
    Namespaces: "namespaces",
    /// Hard resource limits.
    Limits: "limits",
    /// The out-of-memory score.
    Death: "out-of-memory-score",
    /// Standard descriptors, and that none leads to a file outside its mounts.
    Descriptors: "descriptors",
    /// Mount points and their attributes.
    Mounts: "mounts",
    /// Its place in the tree of cgroups.
    Cgroup: "cgroup",
    /// What its cgroup's files say.
    CgroupValues: "cgroup-values",
    /// The kernel's personality.
    Personality: "personality",
    /// The quota of what it may write on the disk.
    Disk: "disk",
}

/// A set of aspects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Aspects(u32);

impl Aspects {
    /// Adds one.
    pub fn insert(&mut self, aspect: Aspect) {
        self.0 |= 1 << aspect as u32;
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are in it.
    pub fn iter(self) -> impl Iterator<Item = Aspect> {
        let all = Aspect::ALL.iter().copied();
        all.filter(move |aspect| self.0 & (1 << *aspect as u32) != 0)
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYet => out.write_str("not yet"),
            Self::Exact => out.write_str("exact"),
            Self::Differs(aspects) => {
                out.write_str("differs:")?;
                aspects
                    .iter()
                    .try_for_each(|aspect| write!(out, " {aspect}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_its_aspects() {
        let mut aspects = Aspects::default();
        assert!(aspects.is_empty());
        aspects.insert(Aspect::Mounts);
        aspects.insert(Aspect::Identity);
        let mut text = heapless::String::<64>::new();
        fmt::Write::write_fmt(&mut text, format_args!("{}", Compared::Differs(aspects))).unwrap();
        assert_eq!(text, "differs: identity mounts");
    }
}
