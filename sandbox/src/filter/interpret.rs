//! The kernel's side of a filter, for tests: an interpreter of the instructions used

use super::program::{IF_ANY_BIT, IF_EQUAL, IF_NOT_LESS, Instruction, LOAD, RETURN};

/// A system call as a filter sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub number: u32,
    pub machine: u32,
    pub arguments: [u64; 6],
}

impl Made {
    fn word(&self, offset: u32) -> u32 {
        let mut bytes = Vec::new();
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.machine.to_le_bytes());
        bytes.extend([0; 8]);
        for argument in self.arguments {
            bytes.extend(argument.to_le_bytes());
        }
        let at = offset as usize;
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }
}

/// The filter's answer and how many instructions it took.
pub(crate) fn run(program: &[Instruction], made: Made) -> (u32, usize) {
    let (mut at, mut accumulator, mut steps) = (0, 0, 0);
    loop {
        let Instruction {
            code,
            yes,
            no,
            value,
        } = program[at];
        steps += 1;
        at += 1;
        let taken = match code {
            LOAD => {
                accumulator = made.word(value);
                continue;
            }
            RETURN => return (value, steps),
            IF_EQUAL => accumulator == value,
            IF_NOT_LESS => accumulator >= value,
            IF_ANY_BIT => accumulator & value != 0,
            other => panic!("no such instruction: {other:#x}"),
        };
        at += usize::from(if taken { yes } else { no });
    }
}
