//! What a jailed program may ask of the kernel: data, with a reason per entry
//!
//! Allow-lists of system calls in groups ([`calls`]) and conditions on arguments ([`checks`]). A
//! call in no group is answered EPERM and logged; a young one, and a number that no table knows, is
//! answered ENOSYS, as an older kernel would, so that libraries fall back.
//!
//! Names, not numbers: the same lists serve every architecture, and a name that an architecture
//! lacks is left out there. How the data becomes a filter is [`filter`](crate::filter)'s business.
//! Both are done when limen-jail is built (`build.rs`): on the box there are only the filters.

pub(crate) mod calls;
pub(crate) mod checks;
pub(crate) mod machine;

use machine::Machine;

/// Calls that are allowed for one reason.
pub(crate) struct Group {
    /// Why a program needs them.
    #[allow(dead_code, reason = "for readers and the test")]
    pub reason: &'static str,
    /// Their names.
    pub calls: &'static [&'static str],
}

/// A condition on one argument; only its low 32 bits, which is all that these calls read of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Check {
    /// Which, 0 to 5.
    pub argument: u8,
    /// What must hold.
    pub test: Test,
}

/// What must hold for an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    /// None of these bits is set.
    Without(u32),
    /// It lies within one of these bounds (rising, both ends included).
    Within(&'static [(u32, u32)]),
    /// It lies within none of these bounds.
    Outside(&'static [(u32, u32)]),
}

/// One of the rules of a call, which are looked at in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Refused unless this holds.
    Must(Check),
    /// Allowed when this holds, whatever the rules behind it say.
    Enough(Check),
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is made.
    Allow,
    /// EPERM, and a line in the kernel's log.
    Refuse,
    /// ENOSYS, and a line in the kernel's log: the caller shall believe in an older kernel and
    /// fall back.
    Absent,
    /// It is made when the rules say so, refused otherwise.
    When(&'static [Rule]),
}

/// A condition on a call that some group allows.
pub(crate) struct Condition {
    /// Why.
    #[allow(dead_code, reason = "for readers and the test")]
    pub reason: &'static str,
    /// The call's name.
    pub call: &'static str,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// One list for each kind of program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// limen-jail, and with it whatever it becomes: what any class below or any recipe needs.
    Jail,
    /// The first process of a virtual gateway: reaps, nothing else.
    Reaper,
    /// A core program without a network of its own.
    Core,
    /// A core program in the box's network: DHCP client.
    CoreNetwork,
    /// A provider's program that makes no code at run time.
    Bundle,
    /// A provider's program that does: its manifest says so, and its contract lets it.
    Maker,
}

impl Class {
    fn groups(self) -> &'static [&'static [Group]] {
        match self {
            Self::Jail => &[calls::START, calls::ORDINARY, calls::RECIPES],
            Self::Reaper => &[calls::START],
            Self::Core | Self::CoreNetwork | Self::Bundle | Self::Maker => {
                &[calls::START, calls::ORDINARY]
            }
        }
    }

    fn conditions(self) -> &'static [&'static [Condition]] {
        match self {
            // Each class has its own, and a recipe clones with flags of every kind.
            Self::Jail => &[],
            Self::Reaper => &[checks::ALL, checks::NO_NEW_CODE],
            Self::Core => &[
                checks::ALL,
                checks::NO_NEW_CODE,
                checks::WHOLE_DISK,
                checks::LOCAL_SOCKETS,
            ],
            Self::CoreNetwork => &[checks::ALL, checks::NO_NEW_CODE, checks::NETWORK_SOCKETS],
            Self::Bundle => &[checks::ALL, checks::NO_NEW_CODE, checks::INTERNET_SOCKETS],
            Self::Maker => &[checks::ALL, checks::INTERNET_SOCKETS],
        }
    }
}

/// A class's verdicts on one machine, by rising number; a number that is missing is refused.
///
/// `memory_files`: whether memfd_create is allowed. It is where the kernel refuses to execute such
/// files (6.3 on, by sysctl); elsewhere they would be a way around "only signed code runs".
pub(crate) fn verdicts(class: Class, machine: &Machine, memory_files: bool) -> Vec<(u32, Verdict)> {
    let mut list = Vec::new();
    let names = class.groups().iter().copied().flatten();
    for name in names.flat_map(|group| group.calls) {
        list.extend((machine.number)(name).map(|number| (number, Verdict::Allow)));
    }
    list.extend(
        machine
            .private
            .iter()
            .map(|&number| (number, Verdict::Allow)),
    );
    for condition in class.conditions().iter().copied().flatten() {
        if let Some(number) = (machine.number)(condition.call) {
            list.retain(|&(other, _)| other != number);
            list.push((number, condition.verdict));
        }
    }
    if memory_files {
        list.extend((machine.number)("memfd_create").map(|number| (number, Verdict::Allow)));
    }
    list.sort_unstable_by_key(|&(number, _)| number);
    list.dedup_by_key(|&mut (number, _)| number);
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_exists_on_some_machine_and_every_entry_has_a_reason() {
        for group in calls::START
            .iter()
            .chain(calls::ORDINARY)
            .chain(calls::RECIPES)
        {
            assert!(group.reason.len() > 10);
            for name in group.calls {
                assert!(
                    machine::ALL
                        .iter()
                        .any(|machine| (machine.number)(name).is_some()),
                    "no machine has {name}"
                );
            }
        }
        for condition in [
            checks::ALL,
            checks::LOCAL_SOCKETS,
            checks::INTERNET_SOCKETS,
            checks::NETWORK_SOCKETS,
            checks::NO_NEW_CODE,
            checks::WHOLE_DISK,
        ]
        .into_iter()
        .flatten()
        {
            assert!(condition.reason.len() > 10);
            assert!(
                machine::ALL
                    .iter()
                    .any(|machine| (machine.number)(condition.call).is_some()),
                "no machine has {}",
                condition.call
            );
        }
    }

    #[test]
    fn no_name_is_listed_twice() {
        let mut names: Vec<_> = calls::START
            .iter()
            .chain(calls::ORDINARY)
            .chain(calls::RECIPES)
            .flat_map(|group| group.calls)
            .collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
    }
}
