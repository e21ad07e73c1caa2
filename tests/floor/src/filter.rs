//! A system-call filter as long as a bundle's, which allows everything
//!
//! The kernel runs a filter once for every call when it is installed, so its length and shape are
//! what it costs; what it decides costs nothing.

use anyhow::Result;

use crate::sys::{at, call};

/// Ranges that a bundle's filter tells apart: a tree over them has 78 instructions.
pub(crate) const BUNDLE: u32 = 39;
/// The same of the first process's.
pub(crate) const REAPER: u32 = 12;
/// System calls have smaller numbers.
const CALLS: u32 = 512;

/// `struct sock_filter`.
#[repr(C)]
struct Instruction {
    code: u16,
    yes: u8,
    no: u8,
    value: u32,
}

/// `struct sock_fprog`.
#[repr(C)]
struct Program {
    length: u16,
    instructions: *const Instruction,
}

/// Puts a filter with so many ranges on this process.
pub(crate) fn install(ranges: u32) -> Result<()> {
    const LOAD_NUMBER: u16 = 0x20;
    const SET_MODE_FILTER: usize = 1;
    const FLAG_LOG: usize = 2;
    let mut instructions = vec![Instruction {
        code: LOAD_NUMBER,
        yes: 0,
        no: 0,
        value: 0,
    }];
    instructions.extend(tree(0, CALLS, ranges)?);
    let program = Program {
        length: u16::try_from(instructions.len())?,
        instructions: instructions.as_ptr(),
    };
    let arguments = [SET_MODE_FILTER, FLAG_LOG, at(&program)];
    call("filter", libc::SYS_seccomp, &arguments).map(drop)
}

/// A balanced tree over the calls from `low` to below `high`.
fn tree(low: u32, high: u32, ranges: u32) -> Result<Vec<Instruction>> {
    const AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const ALLOW: u32 = 0x7fff_0000;
    if ranges < 2 {
        return Ok(vec![Instruction {
            code: RETURN,
            yes: 0,
            no: 0,
            value: ALLOW,
        }]);
    }
    let middle = low.midpoint(high);
    let below = tree(low, middle, ranges / 2)?;
    let above = tree(middle, high, ranges - ranges / 2)?;
    let mut all = vec![Instruction {
        code: AT_LEAST,
        yes: u8::try_from(below.len())?,
        no: 0,
        value: middle,
    }];
    all.extend(below);
    all.extend(above);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundles_tree_is_as_long_as_the_boxes_filter() -> Result<()> {
        assert_eq!(1 + tree(0, CALLS, BUNDLE)?.len(), 78);
        Ok(())
    }
}
