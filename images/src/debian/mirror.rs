//! Where the machine gets its Debian packages
//!
//! Asked of apt itself (`apt-get indextargets`), which knows both of its source formats, so nothing
//! is parsed twice. A machine without Debian sources is told so: which mirror to trust is its
//! owner's decision.

use anyhow::{Context as _, Result};

use crate::tool;

/// Code names and suite names that are Debian's; derivatives have their own.
const SUITES: &[&str] = &[
    "bookworm",
    "trixie",
    "forky",
    "sid",
    "oldstable",
    "stable",
    "testing",
    "unstable",
];

/// Addresses of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrors {
    /// The main archive.
    pub main: String,
    /// Security updates; none where the machine has a mirror of the main archive only, because such
    /// a machine may reach nothing else.
    pub security: Option<String>,
}

impl Mirrors {
    /// Asks the machine's apt.
    ///
    /// # Errors
    /// apt is missing, its sources are unreadable, or none of them is Debian's.
    pub fn of_machine() -> Result<Self> {
        let format = "$(RELEASE) $(COMPONENT) $(REPO_URI)";
        let lines = tool::text(tool::command("apt-get").args([
            "indextargets",
            "--format",
            format,
            "Created-By: Packages",
        ]))?;
        Self::from_targets(&lines)
    }

    /// Picks from lines `release component address`.
    fn from_targets(lines: &str) -> Result<Self> {
        let mut main = None;
        let mut security = None;
        for line in lines.lines() {
            let mut words = line.splitn(3, ' ');
            let (Some(release), Some("main"), Some(address)) =
                (words.next(), words.next(), words.next())
            else {
                continue;
            };
            // A disc in a drive has one suite only.
            if address.starts_with("cdrom:") {
                continue;
            }
            if SUITES.contains(&release) {
                main.get_or_insert_with(|| address.to_owned());
            } else if release
                .strip_suffix("-security")
                .is_some_and(|suite| SUITES.contains(&suite))
            {
                security.get_or_insert_with(|| address.to_owned());
            }
        }
        let main = main.context(
            "apt has no source of Debian's main archive, which kernels and bundles come from: add one \
             to /etc/apt/sources.list.d and run apt-get update (sources.list(5))",
        )?;
        Ok(Self { main, security })
    }

    /// A source list for one suite and architecture.
    pub(super) fn source_list(&self, suite: &str, architecture: &str, keyring: &str) -> String {
        // Only package indexes: desktop metadata and translations would triple the download.
        let options = format!("[arch={architecture} target=Packages signed-by={keyring}]");
        let mut list = format!("deb {options} {} {suite} main\n", self.main);
        if let Some(security) = &self.security {
            list.push_str(&format!("deb {options} {security} {suite}-security main\n"));
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::{Mirrors, Result};

    #[test]
    fn takes_the_machines_own_mirror() -> Result<()> {
        let mirrors = Mirrors::from_targets(
            "nodistro main https://packages.example.com/tool/\n\
             bookworm-updates main http://mirror.example.net/debian/\n\
             bookworm contrib http://wrong.example.net/debian/\n\
             bookworm main cdrom:[Debian 12]/\n\
             bookworm main http://mirror.example.net/debian/\n\
             bookworm-security main http://mirror.example.net/security/\n",
        )?;
        assert_eq!(mirrors.main, "http://mirror.example.net/debian/");
        assert_eq!(
            mirrors.security.as_deref(),
            Some("http://mirror.example.net/security/")
        );
        let list = mirrors.source_list("trixie", "arm64", "/k.gpg");
        assert!(
            list.contains("/debian/ trixie main")
                && list.contains("/security/ trixie-security main"),
            "{list}"
        );
        Ok(())
    }

    #[test]
    fn a_mirror_without_security_stays_alone() -> Result<()> {
        let mirrors = Mirrors::from_targets("trixie main http://m.example/debian/\n")?;
        assert_eq!(mirrors.security, None);
        Ok(())
    }

    #[test]
    fn a_machine_without_debian_sources_is_told_what_to_add() {
        let refused = Mirrors::from_targets("jammy main http://archive.example.org/ubuntu/\n");
        let said = refused.map_err(|error| error.to_string());
        assert!(said.is_err_and(|said| said.contains("sources.list.d")));
    }
}
