//! What the gateway needs of its kernel, what each lack costs, and the remedy
//!
//! Data, in one place: limen-jail looks for each at boot and leaves a note of what is missing, the
//! steward reads the note and tells it. A feature is required when without it no virtual gateway
//! is isolated; without one of the others something is not there, or held by another layer.

use core::fmt;
use core::str::FromStr;

/// The note of what is missing: one name a line. It is there once the kernel was looked at.
pub const NOTE: &str = "/run/limen/notes/kernel";

/// Something that a kernel has or lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// cgroup v2 `memory`.
    MemoryControl,
    /// cgroup v2 `pids`.
    ProcessControl,
    /// cgroup v2 `cpu.weight`.
    ProcessorShares,
    /// cgroup v2 `cgroup.kill`.
    GroupKill,
    /// User, pid, mount, network, IPC, UTS and cgroup namespaces.
    Namespaces,
    /// Landlock.
    Landlock,
    /// System-call filters.
    Seccomp,
    /// nftables and links: what `PrepareNetwork` needs.
    Firewall,
    /// Connection tracking.
    Tracking,
    /// cgroup v2 `cpu.max`.
    ProcessorLimits,
    /// cgroup v2 `cpu.max.burst`.
    ProcessorBursts,
    /// cgroup v2 `io.max`.
    DiskRates,
    /// ext4 project quotas on the data disk.
    DiskQuota,
    /// `vm.memfd_noexec`.
    MemoryFiles,
    /// ext4 user quotas on the data disk.
    VolumeQuota,
}

/// What is to be said of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Its name in notes and answers.
    pub name: &'static str,
    /// Whether no virtual gateway is started without it.
    pub required: bool,
    /// What its lack costs.
    pub costs: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

const fn required(name: &'static str, costs: &'static str, remedy: &'static str) -> Need {
    Need {
        name,
        required: true,
        costs,
        remedy,
    }
}

const fn wanted(name: &'static str, costs: &'static str, remedy: &'static str) -> Need {
    Need {
        name,
        required: false,
        costs,
        remedy,
    }
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::MemoryControl,
        Self::ProcessControl,
        Self::ProcessorShares,
        Self::GroupKill,
        Self::Namespaces,
        Self::Landlock,
        Self::Seccomp,
        Self::Firewall,
        Self::Tracking,
        Self::ProcessorLimits,
        Self::ProcessorBursts,
        Self::DiskRates,
        Self::DiskQuota,
        Self::MemoryFiles,
        Self::VolumeQuota,
    ];

    /// What is to be said of it.
    pub const fn need(self) -> Need {
        match self {
            Self::MemoryControl => required(
                "memory-control",
                "no limit of memory holds",
                "build the kernel with CONFIG_MEMCG, and remove cgroup_disable=memory from its command line",
            ),
            Self::ProcessControl => required(
                "process-control",
                "no limit of processes holds",
                "build the kernel with CONFIG_CGROUP_PIDS, and remove cgroup_disable=pids from its command line",
            ),
            Self::ProcessorShares => required(
                "processor-shares",
                "no guarantee of processor time holds",
                "build the kernel with CONFIG_CGROUP_SCHED and CONFIG_FAIR_GROUP_SCHED, and remove cgroup_disable=cpu from its command line",
            ),
            Self::GroupKill => required(
                "group-kill",
                "a unit cannot be ended whole",
                "use Linux 5.14 or newer",
            ),
            Self::Namespaces => required(
                "namespaces",
                "virtual gateways see each other",
                "build the kernel with CONFIG_USER_NS, CONFIG_PID_NS, CONFIG_NET_NS, CONFIG_IPC_NS, CONFIG_UTS_NS and CONFIG_CGROUPS, and leave user.max_user_namespaces above 0",
            ),
            Self::Landlock => required(
                "landlock",
                "one wall of the core's programs is missing, and no provider's program is started",
                "build the kernel with CONFIG_SECURITY_LANDLOCK, and put landlock into lsm= of its command line",
            ),
            Self::Seccomp => required(
                "seccomp",
                "no unit is started",
                "build the kernel with CONFIG_SECCOMP_FILTER",
            ),
            Self::Firewall => required(
                "firewall",
                "no virtual gateway has a network",
                "build the kernel with CONFIG_NF_TABLES_INET, CONFIG_NFT_CT, CONFIG_NFT_NAT, CONFIG_NFT_FIB_INET, CONFIG_VETH and CONFIG_NET_SCH_TBF, or load their modules before limen-init; the line before this one on the console says what failed",
            ),
            Self::Tracking => wanted(
                "connection-tracking",
                "the number of tracked connections is not set, and what is promised of them does not hold",
                "build the kernel with CONFIG_NF_CONNTRACK, or load nf_conntrack before limen-init",
            ),
            Self::ProcessorLimits => wanted(
                "processor-limits",
                "contracts with cpu-percent are refused by the kernel when they start",
                "build the kernel with CONFIG_CFS_BANDWIDTH",
            ),
            Self::ProcessorBursts => wanted(
                "processor-bursts",
                "contracts with cpu-burst-ms are refused by the kernel when they start",
                "use Linux 5.14 or newer, built with CONFIG_CFS_BANDWIDTH",
            ),
            Self::DiskRates => wanted(
                "disk-rates",
                "contracts with read-rate or write-rate are refused by the kernel when they start",
                "build the kernel with CONFIG_BLK_CGROUP and CONFIG_BLK_DEV_THROTTLING, and remove cgroup_disable=io from its command line",
            ),
            Self::DiskQuota => wanted(
                "disk-quota",
                "disk and inodes of contracts are not held; the posture says so",
                "put an ext4 file system with the features quota and project on the data disk, and load quota_v2 before it is mounted (CONFIG_QFMT_V2)",
            ),
            Self::MemoryFiles => wanted(
                "memory-files",
                "the system-call filter refuses memfd_create instead, to programs that would use it well too",
                "use Linux 6.3 or newer",
            ),
            Self::VolumeQuota => wanted(
                "volume-quota",
                "a bundle's volumes are not held to their size, only all of a virtual gateway together; what each bundle has on the disk is not known",
                "unmount the data disk and put it into service with user quotas from another system: tune2fs -O quota -Q usrquota,prjquota, then e2fsck -f",
            ),
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.need().name)
    }
}

/// A text names no feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no kernel feature of this name")]
pub struct NoFeature;

impl FromStr for Feature {
    type Err = NoFeature;

    fn from_str(text: &str) -> Result<Self, NoFeature> {
        let named = |feature: &Self| feature.need().name == text;
        Self::ALL.into_iter().find(named).ok_or(NoFeature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_found_by_its_name() {
        for feature in Feature::ALL {
            assert_eq!(feature.need().name.parse(), Ok(feature));
            assert!(!feature.need().remedy.is_empty());
        }
        assert_eq!("memory".parse::<Feature>(), Err(NoFeature));
    }
}
