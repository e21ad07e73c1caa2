//! The assembler: ranges and conditions to classic BPF
//!
//! Layout: machine check, then the tree in preorder (the lower half behind its comparison, the
//! upper half one jump away), then the ends: returns, and the conditions of single calls.

use core::mem::offset_of;

use super::tree::{self, Range};
use crate::policy::machine::Machine;
use crate::policy::{Check, Test, Verdict};

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

/// Where a comparison leads.
#[derive(Debug, Clone, Copy)]
enum Target {
    /// To another comparison, by its place in the tree.
    Node(usize),
    /// To the end that this verdict has.
    End(Verdict),
}

/// One comparison of the tree: numbers below `border` go one way, the others the other.
#[derive(Debug, Clone, Copy)]
struct Node {
    border: u32,
    below: Target,
    from: Target,
}

/// The filter for these verdicts (rising numbers) on this machine.
///
/// # Errors
/// The policy is too large.
pub(crate) fn compile(
    verdicts: &[(u32, Verdict)],
    machine: &Machine,
) -> Result<Vec<Instruction>, TooLarge> {
    let mut nodes = Vec::new();
    plant(&tree::ranges(verdicts, machine.last), &mut nodes)?;
    let mut ends = Ends::default();
    let mut program = vec![
        load(offset_of!(Call, machine)),
        compare(IF_EQUAL, machine.audit, 1, 0)?,
        finish(KILL),
        load(offset_of!(Call, number)),
    ];
    for (at, node) in nodes.iter().enumerate() {
        let mut distance = |target| {
            let place = match target {
                Target::Node(place) => place,
                Target::End(verdict) => nodes.len() + ends.place(verdict)?,
            };
            Ok(place - at - 1)
        };
        let (below, from) = (distance(node.below)?, distance(node.from)?);
        program.push(compare(IF_NOT_LESS, node.border, from, below)?);
    }
    program.extend(ends.code);
    if program.len() > 4096 {
        return Err(TooLarge);
    }
    Ok(program)
}

/// Lays the tree over `ranges` into `nodes`, each before its descendants, the lower half first.
fn plant(ranges: &[Range], nodes: &mut Vec<Node>) -> Result<Target, TooLarge> {
    if let [only] = ranges {
        return Ok(Target::End(only.verdict));
    }
    let (lower, upper) = ranges.split_at(ranges.len() / 2);
    let border = upper.first().ok_or(TooLarge)?.first;
    let place = nodes.len();
    nodes.push(Node {
        border,
        below: Target::Node(place),
        from: Target::Node(place),
    });
    let below = plant(lower, nodes)?;
    let from = plant(upper, nodes)?;
    if let Some(node) = nodes.get_mut(place) {
        (node.below, node.from) = (below, from);
    }
    Ok(Target::Node(place))
}

/// The ends behind the tree, one for each verdict that occurs: leaves share them, which halves
/// the filter.
#[derive(Debug, Default)]
struct Ends {
    code: Vec<Instruction>,
    places: Vec<(Verdict, usize)>,
}

impl Ends {
    fn place(&mut self, verdict: Verdict) -> Result<usize, TooLarge> {
        if let Some(&(_, place)) = self.places.iter().find(|(known, _)| *known == verdict) {
            return Ok(place);
        }
        let place = self.code.len();
        self.code.extend(match verdict {
            Verdict::Allow => vec![finish(ALLOW)],
            Verdict::Refuse => vec![finish(REFUSE)],
            Verdict::Absent => vec![finish(ABSENT)],
            Verdict::When(checks) => conditions(checks)?,
        });
        self.places.push((verdict, place));
        Ok(place)
    }
}

/// Every check jumps to the refusal at the end when it fails and falls through when it holds.
fn conditions(checks: &[Check]) -> Result<Vec<Instruction>, TooLarge> {
    let mut program = vec![finish(REFUSE), finish(ALLOW)];
    // Backwards: each check needs the distance from its end to the refusal, which is last.
    program.reverse();
    for check in checks.iter().rev() {
        let refusal = program.len() - 1;
        let mut block = vec![load(
            offset_of!(Call, arguments) + 8 * usize::from(check.argument),
        )];
        match check.test {
            Test::Without(bits) => block.push(compare(IF_ANY_BIT, bits, refusal, 0)?),
            Test::In(values) => {
                for (index, &value) in values.iter().enumerate() {
                    let rest = values.len() - index - 1;
                    let otherwise = if rest == 0 { refusal } else { 0 };
                    block.push(compare(IF_EQUAL, value, rest, otherwise)?);
                }
            }
            Test::Not(values) => {
                for (index, &value) in values.iter().enumerate() {
                    let rest = values.len() - index - 1;
                    block.push(compare(IF_EQUAL, value, rest + refusal, 0)?);
                }
            }
        }
        block.extend(program);
        program = block;
    }
    Ok(program)
}

fn load(offset: usize) -> Instruction {
    Instruction {
        code: LOAD,
        yes: 0,
        no: 0,
        // Offsets within 64 bytes. The low half of an argument comes first: every machine of
        // policy::machine is little-endian.
        value: u32::try_from(offset).unwrap_or(u32::MAX),
    }
}

fn compare(code: u16, value: u32, yes: usize, no: usize) -> Result<Instruction, TooLarge> {
    Ok(Instruction {
        code,
        yes: u8::try_from(yes).map_err(|_| TooLarge)?,
        no: u8::try_from(no).map_err(|_| TooLarge)?,
        value,
    })
}

const fn finish(value: u32) -> Instruction {
    Instruction {
        code: RETURN,
        yes: 0,
        no: 0,
        value,
    }
}
