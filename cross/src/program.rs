//! The programs that run on the box: one table, a reason per entry.
//!
//! A program that is not in this table is not cross-compiled, and so cannot be in an image. All
//! are built in one cargo invocation without default features: a package's default features
//! serve the developer's machine, and what the box needs is named here.

/// What a program is for; decides what asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Part of the image.
    Core,
    /// Payload of a demonstration bundle.
    Demonstration,
    /// Payload of a test's bundle.
    Test,
}

/// One program of the box.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Name of the executable, and of the cargo binary target.
    pub name: &'static str,
    /// The workspace package that defines it.
    pub package: &'static str,
    /// Features of that package that the box needs.
    pub features: &'static [&'static str],
    /// What it is for.
    pub group: Group,
    /// Why the box has it.
    pub why: &'static str,
}

const fn core(name: &'static str, package: &'static str, why: &'static str) -> Program {
    Program {
        name,
        package,
        features: &[],
        group: Group::Core,
        why,
    }
}

const fn demonstration(name: &'static str, package: &'static str, why: &'static str) -> Program {
    Program {
        name,
        package,
        features: &[],
        group: Group::Demonstration,
        why,
    }
}

/// Every program of the box.
pub const BOX: &[Program] = &[
    core(
        "limen-early",
        "limen-early",
        "moves from the initramfs to the real root, which pivot_root needs",
    ),
    core("limen-init", "limen-init", "PID 1: starts, reaps, restarts"),
    Program {
        name: "limen-jail",
        package: "limen-sandbox",
        features: &["jail"],
        group: Group::Core,
        why: "turns a spec into a jailed process, one unit a call",
    },
    core(
        "limen-reaper",
        "limen-sandbox",
        "PID 1 inside a virtual gateway: holds its pid namespace",
    ),
    core("limen-steward", "limen-steward", "owner of desired state"),
    core(
        "limen-broker",
        "limen-broker",
        "hands references from bundle to bundle",
    ),
    core("limen-mgmt", "limen-mgmt", "the management endpoint"),
    core(
        "limen-install",
        "limen-bundle",
        "the only writer of the bundle store",
    ),
    core("limen-logger", "limen-logger", "holds the units' log rings"),
    demonstration(
        "meter",
        "meter",
        "energy's service: reads P1 telegrams, registers energy.meter",
    ),
    demonstration(
        "presence",
        "presence",
        "alarm's client: finds energy.meter under a grant",
    ),
    Program {
        name: "adversary",
        package: "adversary",
        features: &[],
        group: Group::Test,
        why: "attacks every wall from inside a bundle and must fail",
    },
    Program {
        name: "probe",
        package: "probe",
        features: &[],
        group: Group::Test,
        why: "measures from inside a guest, for the bench",
    },
];

/// The programs of some groups, in the table's order.
pub fn of(groups: &[Group]) -> impl Iterator<Item = &'static Program> {
    BOX.iter()
        .filter(move |program| groups.contains(&program.group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_because_they_share_one_output_folder() {
        for (at, program) in BOX.iter().enumerate() {
            assert!(
                BOX[..at].iter().all(|earlier| earlier.name != program.name),
                "{}",
                program.name
            );
        }
    }

    #[test]
    fn every_entry_has_a_reason() {
        assert!(BOX.iter().all(|program| !program.why.is_empty()));
    }
}
