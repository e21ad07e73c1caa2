//! What a guest's console says: init's lines about units, and the probe's about figures.
//!
//! The formats are those of docs/reference/control.md and tests/probe. Lines may be cut or mixed
//! with the kernel's; what does not parse is somebody else's.

/// Everything that was said so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console<'a>(pub(crate) &'a str);

/// A figure as the probe says it, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sampled {
    /// Least of the samples.
    pub(crate) least: u64,
    /// As many were smaller as larger.
    pub(crate) middle: u64,
    /// How many.
    pub(crate) count: u64,
}

/// PID 1's own size after some lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// Lives so far.
    pub(crate) lives: u64,
    /// Resident set, kB.
    pub(crate) resident: u64,
}

impl<'a> Console<'a> {
    fn lines(self, beginning: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .lines()
            // Behind whose line it is, and behind what the kernel left on the line.
            .filter_map(move |line| line.find(beginning).map(|at| &line[at + beginning.len()..]))
    }

    /// Microseconds from PID 1's first instruction until every core unit was active.
    pub(crate) fn core_active(self) -> Option<u64> {
        self.lines("limen: core active ")
            .find_map(|rest| number(rest.strip_suffix(" us")?))
    }

    /// The same until the unit was active for the first time. `unit` is a name, as in `web`, or an
    /// id, as in `vgw-1/b0`.
    pub(crate) fn active(self, unit: &str) -> Option<u64> {
        self.units()
            .find(|words| {
                words.iter().take(2).any(|word| *word == unit) && words.get(2) == Some(&"Active")
            })
            .and_then(|words| {
                words
                    .iter()
                    .find_map(|word| number(word.strip_prefix("us=")?))
            })
    }

    /// The words of each line about a unit: id, name, state, and more.
    fn units(self) -> impl Iterator<Item = Vec<&'a str>> {
        self.lines("limen: unit ")
            .map(|rest| rest.split_whitespace().collect())
    }

    /// The lines with the probe's figures. The last may still be in the making.
    pub(crate) fn figures(self) -> impl Iterator<Item = &'a str> {
        self.lines("probe: figure ")
            .filter(|rest| rest.contains(" of "))
    }

    /// A figure of the probe.
    pub(crate) fn figure(self, name: &str) -> Option<Sampled> {
        self.lines("probe: figure ").find_map(|rest| {
            let words: Vec<_> = rest.split_whitespace().collect();
            match words.as_slice() {
                [found, "least", least, "middle", middle, "of", count] if *found == name => {
                    Some(Sampled {
                        least: number(least)?,
                        middle: number(middle)?,
                        count: number(count)?,
                    })
                }
                _ => None,
            }
        })
    }

    /// Memory that the probe read, kB.
    pub(crate) fn memory(self, name: &str) -> Option<u64> {
        self.lines("probe: memory ").find_map(|rest| {
            let rest = rest.strip_prefix(name)?.strip_prefix(' ')?;
            number(rest.strip_suffix(" kB")?)
        })
    }

    /// Thousandths of the processor time that a contract gives, as it was used.
    pub(crate) fn share(self) -> Option<u64> {
        self.lines("probe: share ")
            .find_map(|rest| number(rest.split_once(" per mille")?.0))
    }

    /// Nanoseconds of one restart of the soak.
    pub(crate) fn soak_each(self) -> Option<u64> {
        self.lines("probe: soak ").find_map(|rest| {
            let (_, each) = rest.split_once("restarts, ")?;
            number(each.strip_suffix(" ns each")?)
        })
    }

    /// PID 1's size, every thousand lives.
    pub(crate) fn sizes(self) -> Vec<Size> {
        self.lines("limen: ")
            .filter_map(|rest| {
                let (lives, rest) = rest.split_once(" lives, resident ")?;
                let (resident, _) = rest.split_once(" kB")?;
                Some(Size {
                    lives: number(lives)?,
                    resident: number(resident)?,
                })
            })
            .collect()
    }

    /// Why the probe gave up.
    pub(crate) fn failure(self) -> Option<&'a str> {
        self.lines("probe: failed: ").next()
    }

    /// Whether the probe is done.
    pub(crate) fn done(self) -> bool {
        self.lines("probe: done").next().is_some()
    }
}

fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
[    1.5] EXT4-fs warning limen: core active 34123 us\r
limen: unit vgw-1 energy Active NoFault pid=60 restarts=0 us=51000\r
steward: vgw-1 is Active (NoFault)\r
limen: unit vgw-1/b0 web Restarting FailureWhileActive pid=0 restarts=1 us=60000 signal=9\r
limen: unit vgw-1/b0 web Active NoFault pid=64 restarts=1 us=61000\r
limen: unit vgw-1/b0 web Active NoFault pid=65 restarts=2 us=99000\r
limen: 1000 lives, resident 420 kB, 17 allocations, 5000000 us\r
limen: 2000 lives, resident 424 kB, 17 allocations, 6000000 us\r
steward: probe: figure bundle least 1250000 middle 1300000 of 50\r
steward: probe: figure vgw-active least 12\r
steward: probe: soak 10000 restarts, 2000000 ns each\r
probe: memory bare 201344 kB\r
steward: probe: share 1003 per mille of 50 %\r
steward: probe: failed: unit vgw-1: step Mounts failed with errno 2\r
";

    #[test]
    fn times_of_units_are_those_of_the_first_time() {
        let console = Console(LOG);
        assert_eq!(console.core_active(), Some(34_123));
        assert_eq!(console.active("vgw-1"), Some(51_000));
        assert_eq!(console.active("vgw-1/b0"), Some(61_000));
        assert_eq!(console.active("web"), Some(61_000));
        assert_eq!(console.active("vgw-2"), None);
    }

    #[test]
    fn a_line_that_was_cut_is_no_figure() {
        let console = Console(LOG);
        let bundle = Sampled {
            least: 1_250_000,
            middle: 1_300_000,
            count: 50,
        };
        assert_eq!(console.figure("bundle"), Some(bundle));
        assert_eq!(console.figure("vgw-active"), None);
    }

    #[test]
    fn sizes_and_the_rest_of_the_probe() {
        let console = Console(LOG);
        let sizes: Vec<_> = console.sizes().iter().map(|size| size.resident).collect();
        assert_eq!(sizes, [420, 424]);
        assert_eq!(console.soak_each(), Some(2_000_000));
        assert_eq!(console.share(), Some(1003));
        assert_eq!(console.memory("bare"), Some(201_344));
        assert!(console.failure().is_some_and(|why| why.contains("Mounts")));
        assert!(!console.done());
    }
}
