//! The programs that run on the box: tables with a reason per entry.
//!
//! A program that is not in a table here is not cross-compiled, and so cannot be in an image. All
//! of [`BOX`] are built in one cargo invocation without default features: a package's default
//! features serve the developer's machine, and what the box needs is named here. [`WALKS`] are
//! built in another one.

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

/// What cargo calls a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A binary target.
    Binary,
    /// An example: part of its package's sources, and of nothing that is delivered.
    Example,
}

impl Kind {
    /// The option of cargo that names one to build.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::Binary => "--bin",
            Self::Example => "--example",
        }
    }
}

/// One program of the box.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Name of the executable, and of the cargo target.
    pub name: &'static str,
    /// What kind of cargo target that is.
    pub kind: Kind,
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
        kind: Kind::Binary,
        package,
        features: &[],
        group: Group::Core,
        why,
    }
}

const fn walk(
    name: &'static str,
    package: &'static str,
    features: &'static [&'static str],
    why: &'static str,
) -> Program {
    Program {
        name,
        kind: Kind::Example,
        package,
        features,
        group: Group::Test,
        why,
    }
}

const fn demonstration(name: &'static str, package: &'static str, why: &'static str) -> Program {
    Program {
        name,
        kind: Kind::Binary,
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
        kind: Kind::Binary,
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
        kind: Kind::Binary,
        package: "adversary",
        features: &[],
        group: Group::Test,
        why: "attacks every wall from inside a bundle and must fail",
    },
    Program {
        name: "probe",
        kind: Kind::Binary,
        package: "probe",
        features: &[],
        group: Group::Test,
        why: "measures from inside a guest, for the bench",
    },
    Program {
        name: "floor",
        kind: Kind::Binary,
        package: "floor",
        features: &[],
        group: Group::Test,
        why: "does the kernel calls of a start and nothing else, for the bench",
    },
];

/// Programs that stand in the place of one of the core's and walk through what the others offer,
/// in guests of `cargo xtask test`.
///
/// Examples are compiled with their package's development dependencies, whose features cargo would
/// unify into the core's programs: built apart, what is walked through is what is delivered.
pub const WALKS: &[Program] = &[
    walk(
        "walk",
        "limen-sandbox",
        &["jail"],
        "in the place of limen-init: every task of limen-jail, and every call of it that can fail",
    ),
    walk(
        "tour",
        "limen-init",
        &[],
        "in the place of limen-steward: everything that limen-init offers",
    ),
    walk(
        "host",
        "limen-init",
        &[],
        "PID 1 above limen-init: it is killed and ended as any other process",
    ),
    walk(
        "wires",
        "limen-net",
        &[],
        "in the place of limen-init: rates, walls and reach of the links of virtual gateways",
    ),
    walk(
        "cycles",
        "limen-init",
        &[],
        "PID 1 above limen-init, steward and bundle: many lives, and what they leave behind",
    ),
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
        let all: Vec<_> = BOX.iter().chain(WALKS).collect();
        for (at, program) in all.iter().enumerate() {
            assert!(
                all[..at].iter().all(|earlier| earlier.name != program.name),
                "{}",
                program.name
            );
        }
    }

    #[test]
    fn nothing_of_the_box_is_an_example() {
        assert!(BOX.iter().all(|program| program.kind == Kind::Binary));
        assert!(WALKS.iter().all(|program| program.kind == Kind::Example));
    }

    #[test]
    fn every_entry_has_a_reason() {
        let mut all = BOX.iter().chain(WALKS);
        assert!(all.all(|program| !program.why.is_empty()));
    }
}
