//! The assembler: groups and conditions to classic BPF
//!
//! Layout: machine check, then the tree in preorder (the lower half behind its comparison, the
//! upper half one jump away), then the conditions of single calls, then the ends that all share.

use core::mem::offset_of;

use super::groups::{Group, divide};
use super::ranges::{self, Range};
use crate::policy::machine::Machine;
use crate::policy::{Check, Rule, Test, Verdict};

/// `struct sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions skipped when the comparison holds.
    pub yes: u8,
    /// Instructions skipped when it does not.
    pub no: u8,
    /// Operand.
    pub value: u32,
}

/// `struct seccomp_data`, for its offsets.
#[repr(C)]
struct Call {
    number: i32,
    machine: u32,
    pointer: u64,
    arguments: [u64; 6],
}

/// `BPF_LD | BPF_W | BPF_ABS`.
pub(super) const LOAD: u16 = 0x20;
/// `BPF_JMP | BPF_JEQ | BPF_K`.
pub(super) const IF_EQUAL: u16 = 0x15;
/// `BPF_JMP | BPF_JGE | BPF_K`.
pub(super) const IF_NOT_LESS: u16 = 0x35;
/// `BPF_JMP | BPF_JSET | BPF_K`.
pub(super) const IF_ANY_BIT: u16 = 0x45;
/// `BPF_RET | BPF_K`.
pub(super) const RETURN: u16 = 0x06;

/// `SECCOMP_RET_ALLOW`.
pub(super) const ALLOW: u32 = 0x7FFF_0000;
/// `SECCOMP_RET_KILL_PROCESS`.
pub(super) const KILL: u32 = 0x8000_0000;
/// `SECCOMP_RET_ERRNO | EPERM`: every refusal, so that a program's own error message is true.
pub(super) const REFUSE: u32 = 0x0005_0001;
/// `SECCOMP_RET_ERRNO | ENOSYS`.
pub(super) const ABSENT: u32 = 0x0005_0026;

/// A policy that no filter of the kernel can hold: a jump of more than 255 instructions, or more
/// than 4096 in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the policy makes a filter too large for the kernel; merge ranges")]
pub(crate) struct TooLarge;

/// A place in the filter, known or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Label(usize);

/// An instruction whose jumps still lead to labels.
#[derive(Debug, Clone, Copy)]
struct Line {
    code: u16,
    value: u32,
    jumps: Option<(Label, Label)>,
}

/// The filter for these verdicts (rising numbers) on this machine.
///
/// # Errors
/// The policy is too large.
pub(crate) fn compile(
    verdicts: &[(u32, Verdict)],
    machine: &Machine,
) -> Result<Vec<Instruction>, TooLarge> {
    let mut text = Text::new();
    let numbers = text.label();
    text.load(offset_of!(Call, machine));
    text.compare(IF_EQUAL, machine.audit, numbers, KILLED);
    text.place(numbers);
    text.finish(&ranges::of_calls(verdicts, machine))
}

/// The filter that makes these verdicts of those of an older filter (`outside`, made by [`compile`] for the same machine): both
/// together answer what the verdicts say.
///
/// # Errors
/// The policy is too large.
pub(crate) fn compile_within(
    verdicts: &[(u32, Verdict)],
    outside: &[(u32, Verdict)],
    machine: &Machine,
) -> Result<Vec<Instruction>, TooLarge> {
    let of_calls = |verdicts| ranges::of_calls(verdicts, machine);
    Text::new().finish(&ranges::within(&of_calls(verdicts), &of_calls(outside)))
}

/// The ends, placed last.
const ALLOWED: Label = Label(0);
const REFUSED: Label = Label(1);
const MISSING: Label = Label(2);
const KILLED: Label = Label(3);

/// A filter under construction.
#[derive(Debug)]
struct Text {
    lines: Vec<Line>,
    /// Where each label is, once it is known.
    places: Vec<Option<usize>>,
}

impl Text {
    fn new() -> Self {
        Self {
            lines: Vec::new(),
            places: vec![None; 4],
        }
    }

    fn label(&mut self) -> Label {
        self.places.push(None);
        Label(self.places.len() - 1)
    }

    /// The label means the next instruction.
    fn place(&mut self, label: Label) {
        if let Some(place) = self.places.get_mut(label.0) {
            *place = Some(self.lines.len());
        }
    }

    fn push(&mut self, code: u16, value: u32, jumps: Option<(Label, Label)>) {
        self.lines.push(Line { code, value, jumps });
    }

    fn load(&mut self, offset: usize) {
        // Offsets within 64 bytes. The low half of an argument comes first: every machine of
        // policy::machine is little-endian.
        self.push(LOAD, u32::try_from(offset).unwrap_or(u32::MAX), None);
    }

    fn compare(&mut self, code: u16, value: u32, yes: Label, no: Label) {
        self.push(code, value, Some((yes, no)));
    }

    /// Decides over the loaded value: `target` says where each answer leads.
    fn decide<T: Copy>(
        &mut self,
        groups: &[Group<T>],
        target: &mut impl FnMut(&mut Self, T) -> Label,
    ) {
        match groups {
            [] => {}
            [only] => {
                let mut rest = only.exceptions.iter().peekable();
                while let Some(&(number, answer)) = rest.next() {
                    let yes = target(self, answer);
                    let no = match rest.peek() {
                        Some(_) => self.label(),
                        None => target(self, only.answer),
                    };
                    self.compare(IF_EQUAL, number, yes, no);
                    if rest.peek().is_some() {
                        self.place(no);
                    }
                }
            }
            _ => {
                let (lower, upper) = groups.split_at(groups.len() / 2);
                let below = self.entry(lower, target);
                let from = self.entry(upper, target);
                let border = upper.first().map_or(0, |group| group.first);
                self.compare(IF_NOT_LESS, border, from, below);
                for (groups, label) in [(lower, below), (upper, from)] {
                    if !is_end(groups) {
                        self.place(label);
                        self.decide(groups, target);
                    }
                }
            }
        }
    }

    /// Where the decision over some groups begins: at the end that a plain group leads to, or at a
    /// label that is still to be placed.
    fn entry<T: Copy>(
        &mut self,
        groups: &[Group<T>],
        target: &mut impl FnMut(&mut Self, T) -> Label,
    ) -> Label {
        match groups {
            [only] if is_end(groups) => target(self, only.answer),
            _ => self.label(),
        }
    }

    /// The rules of a call, in their order.
    fn rules(&mut self, rules: &[Rule]) {
        let mut loaded = None;
        for (place, rule) in rules.iter().enumerate() {
            let next = self.label();
            let is_last = place + 1 == rules.len();
            let (check, held, failed) = match rule {
                Rule::Must(check) => (check, if is_last { ALLOWED } else { next }, REFUSED),
                Rule::Enough(check) => (check, ALLOWED, if is_last { REFUSED } else { next }),
            };
            if loaded != Some(check.argument) {
                self.load(offset_of!(Call, arguments) + 8 * usize::from(check.argument));
                loaded = Some(check.argument);
            }
            self.check(check, held, failed);
            self.place(next);
        }
    }

    fn check(&mut self, check: &Check, held: Label, failed: Label) {
        let (bounds, inside, outside) = match check.test {
            Test::Without(bits) => return self.compare(IF_ANY_BIT, bits, failed, held),
            Test::Within(bounds) => (ranges::of_values(bounds), held, failed),
            Test::Outside(bounds) => (ranges::of_values(bounds), failed, held),
        };
        self.decide(&divide(&bounds), &mut |_, within| match within {
            true => inside,
            false => outside,
        });
    }

    /// The decision over the call's number, the conditions and the ends.
    fn finish(mut self, numbers: &[Range<Verdict>]) -> Result<Vec<Instruction>, TooLarge> {
        self.load(offset_of!(Call, number));
        let mut conditions = Vec::new();
        self.decide(&divide(numbers), &mut |text, verdict| match verdict {
            Verdict::Allow => ALLOWED,
            Verdict::Refuse => REFUSED,
            Verdict::Absent => MISSING,
            Verdict::When(rules) => {
                let known = conditions.iter().find(|(known, _)| *known == rules);
                if let Some((_, label)) = known {
                    return *label;
                }
                let label = text.label();
                conditions.push((rules, label));
                label
            }
        });
        for (rules, label) in conditions {
            self.place(label);
            self.rules(rules);
        }
        for (label, value) in [
            (ALLOWED, ALLOW),
            (REFUSED, REFUSE),
            (MISSING, ABSENT),
            (KILLED, KILL),
        ] {
            self.place(label);
            self.push(RETURN, value, None);
        }
        self.link()
    }

    /// Turns labels into distances.
    fn link(self) -> Result<Vec<Instruction>, TooLarge> {
        if self.lines.len() > 4096 {
            return Err(TooLarge);
        }
        let distance = |at: usize, label: Label| {
            let place = self.places.get(label.0).copied().flatten();
            place
                .and_then(|place| place.checked_sub(at + 1))
                .and_then(|distance| u8::try_from(distance).ok())
                .ok_or(TooLarge)
        };
        let lines = self.lines.iter().enumerate();
        lines
            .map(|(at, line)| {
                let (yes, no) = match line.jumps {
                    Some((yes, no)) => (distance(at, yes)?, distance(at, no)?),
                    None => (0, 0),
                };
                Ok(Instruction {
                    code: line.code,
                    yes,
                    no,
                    value: line.value,
                })
            })
            .collect()
    }
}

/// Whether nothing is left to compare.
fn is_end<T>(groups: &[Group<T>]) -> bool {
    matches!(groups, [only] if only.exceptions.is_empty())
}
