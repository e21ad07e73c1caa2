//! What machine a program is for, and whether it needs anything beside it (System V ABI, ELF header and program headers)

use elf::ElfBytes;
use elf::abi::{EM_AARCH64, EM_ARM, EM_X86_64, PT_INTERP};
use elf::endian::{AnyEndian, EndianParse};
use limen_bundle::manifest::Architecture;

/// A program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    architecture: Option<Architecture>,
    loader: Option<String>,
}

/// Why a program is of no use as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Damaged.
    #[error("is no program of this or any machine: {0}")]
    Damaged(String),
    /// For another machine.
    #[error(
        "is a program for {built}, not for {wanted}; build it for {wanted}, or choose with --architecture"
    )]
    Machine {
        /// Its own.
        built: String,
        /// What is asked for.
        wanted: Architecture,
    },
    /// Dynamically linked.
    #[error(
        "needs the loader {0} and its libraries; link it statically (musl), or pack a directory that has them"
    )]
    Dynamic(String),
}

impl Program {
    /// Reads the headers of a program.
    ///
    /// # Errors
    /// [`Unfit::Damaged`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Unfit> {
        let damaged = |error: elf::ParseError| Unfit::Damaged(error.to_string());
        let file = ElfBytes::<AnyEndian>::minimal_parse(bytes).map_err(damaged)?;
        let little = file.ehdr.endianness.is_little();
        let architecture = match file.ehdr.e_machine {
            EM_AARCH64 if little => Some(Architecture::Aarch64),
            EM_ARM if little => Some(Architecture::Armv7),
            EM_X86_64 => Some(Architecture::X86_64),
            _ => None,
        };
        let segments = file.segments().into_iter().flatten();
        let mut loader = segments.filter(|segment| segment.p_type == PT_INTERP);
        let loader = loader
            .next()
            .map(|segment| file.segment_data(&segment))
            .transpose();
        let text = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes)
                .trim_end_matches('\0')
                .to_owned()
        };
        Ok(Self {
            architecture,
            loader: loader.map_err(damaged)?.map(text),
        })
    }

    /// Proves that it is for `wanted`.
    ///
    /// # Errors
    /// [`Unfit::Machine`].
    pub fn is_for(&self, wanted: Architecture) -> Result<(), Unfit> {
        if self.architecture == Some(wanted) {
            return Ok(());
        }
        let built = self
            .architecture
            .map_or("another machine", Architecture::name);
        Err(Unfit::Machine {
            built: built.to_owned(),
            wanted,
        })
    }

    /// Proves that it runs on `wanted` with no other file.
    ///
    /// # Errors
    /// [`Unfit::Machine`], [`Unfit::Dynamic`].
    pub fn runs_alone(&self, wanted: Architecture) -> Result<(), Unfit> {
        self.is_for(wanted)?;
        match &self.loader {
            Some(loader) => Err(Unfit::Dynamic(loader.clone())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// This test's own program: dynamically linked, for the machine it runs on.
    #[test]
    fn a_real_program_tells_its_machine_and_its_loader() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let program = Program::parse(&bytes).unwrap();
        let here: Architecture = std::env::consts::ARCH.parse().unwrap();
        program.is_for(here).unwrap();
        let said = program.runs_alone(here).unwrap_err().to_string();
        assert!(
            said.contains("ld-linux") && said.contains("statically"),
            "{said}"
        );
        let said = program.is_for(Architecture::Armv7).unwrap_err().to_string();
        assert!(said.contains("not for armv7"), "{said}");
    }

    #[test]
    fn what_is_cut_or_no_program_is_refused() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        for end in [0, 3, 16, 63] {
            assert!(
                matches!(Program::parse(&bytes[..end]), Err(Unfit::Damaged(_))),
                "cut at {end}"
            );
        }
        assert!(Program::parse(b"#!/bin/sh\n").is_err());
    }
}
