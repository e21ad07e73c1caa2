//! Landlock: which files may be touched, a second wall behind the mounts, and which ports
//!
//! The rules follow the root that was built. Rights are on hierarchies and add up from the top, so
//! execution is given where programs lie and never on the way to a volume. What the kernel's ABI
//! lacks is left out and what is in force is reported; without any Landlock a provider's unit is refused.
//! Abstract sockets and signals are scoped from ABI 6 on. From ABI 4 on a program listens on the TCP
//! ports that were declared and on no other; before, an undeclared one can be taken, and nobody
//! reaches it: the network isolation rests on the network namespace and its firewall alone.

use std::os::fd::{BorrowedFd, OwnedFd};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, NetPort,
    PathBeneath, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use limen_proto::jail::Step;
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::fault::Fault;

const STEP: Step = Step::Landlock;
/// The newest ABI whose rights are asked for: Linux 6.12.
const NEWEST: ABI = ABI::V6;

/// What may be done below a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// Look and read.
    Read,
    /// Read and execute. The kernel wants both rights of who executes a file.
    Execute,
    /// Everything but executing.
    Write,
    /// Read, write and control device nodes that are there.
    Devices,
}

impl Right {
    fn access(self) -> BitFlags<AccessFs> {
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        match self {
            Self::Read => read,
            Self::Execute => read | AccessFs::Execute,
            Self::Write => AccessFs::from_all(NEWEST) & !BitFlags::from(AccessFs::Execute),
            Self::Devices => read | AccessFs::WriteFile | AccessFs::IoctlDev,
        }
    }
}

/// The rules of one payload: paths in its own root, and TCP ports of its own network.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    files: Vec<(String, Right)>,
    ports: Vec<u16>,
    connects: bool,
}

impl Rules {
    /// Adds a rule. The path exists when the rules are enforced.
    pub(crate) fn allow(&mut self, path: impl Into<String>, right: Right) {
        self.files.push((path.into(), right));
    }

    /// Lets it listen on a TCP port; 0 stands for those that the kernel chooses.
    pub(crate) fn listen(&mut self, port: u16) {
        self.ports.push(port);
    }

    /// Lets it connect to any TCP port; where that leads is the network's business.
    pub(crate) fn connect(&mut self) {
        self.connects = true;
    }

    /// Puts this process and all its descendants under the rules; `program`, an open executable,
    /// may be executed besides. Returns the ABI in force.
    pub(crate) fn enforce(&self, program: Option<BorrowedFd<'_>>) -> Result<u8, Fault> {
        let status = self
            .ruleset(program)
            .map_err(|error| Fault::new(STEP, "make", &error, errno(error.as_ref())))?
            .restrict_self()
            .map_err(|error| Fault::new(STEP, "enforce", &error, Errno::PERM))?;
        match (status.ruleset, status.landlock) {
            (
                RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced,
                LandlockStatus::Available { effective_abi, .. },
            ) => Ok(u8::try_from(effective_abi as i32).unwrap_or(u8::MAX)),
            (_, status) => Err(Fault::new(
                STEP,
                "enforce",
                format_args!("the rules, the kernel says {status:?}"),
                Errno::OPNOTSUPP,
            )),
        }
    }

    /// The same for a program of the core: where the kernel has no Landlock at all, its other walls
    /// stand alone, and 0 is returned. The core is trusted, and must live to tell what is missing.
    pub(crate) fn enforce_on_core(&self) -> Result<u8, Fault> {
        match self.enforce(None) {
            Err(fault) if fault.errno() == Errno::OPNOTSUPP.raw_os_error() => Ok(0),
            other => other,
        }
    }

    fn ruleset(
        &self,
        program: Option<BorrowedFd<'_>>,
    ) -> Result<landlock::RulesetCreated, Box<dyn core::error::Error>> {
        let ports = match self.connects {
            true => AccessNet::BindTcp.into(),
            false => AccessNet::from_all(NEWEST),
        };
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(NEWEST))?
            .handle_access(ports)?
            .scope(Scope::from_all(NEWEST))?
            .create()?;
        for (path, right) in &self.files {
            ruleset = ruleset.add_rule(rule(path, *right)?)?;
        }
        for port in &self.ports {
            ruleset = ruleset.add_rule(NetPort::new(*port, AccessNet::BindTcp))?;
        }
        if let Some(program) = program {
            let access = AccessFs::Execute | AccessFs::ReadFile;
            ruleset = ruleset.add_rule(PathBeneath::new(program, access))?;
        }
        Ok(ruleset)
    }
}

/// A right on directories is refused for a file, so what is a file gets what files can have. No link
/// is followed: below a volume it would be the program's own, and lead the right elsewhere.
fn rule(path: &str, right: Right) -> Result<PathBeneath<OwnedFd>, Unopened> {
    let unopened = |errno: Errno| Unopened {
        path: path.to_owned(),
        source: errno.into(),
    };
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let opened = rustix::fs::openat2(CWD, path, flags, Mode::empty(), resolve);
    let opened = opened.map_err(unopened)?;
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&opened).map_err(unopened)?.st_mode);
    let access = match kind {
        FileType::Directory => right.access(),
        _ => right.access() & AccessFs::from_file(NEWEST),
    };
    Ok(PathBeneath::new(opened, access))
}

/// The place of a rule cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the rule for {path}")]
struct Unopened {
    path: String,
    source: std::io::Error,
}

fn errno(error: &(dyn core::error::Error + 'static)) -> Errno {
    // The crate's errors hold the kernel's reason somewhere below themselves.
    let mut source: Option<&(dyn core::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Errno::from_io_error(io).unwrap_or(Errno::INVAL);
        }
        source = error.source();
    }
    Errno::INVAL
}
