//! One private apt: its folders, and the few questions asked of it
//!
//! The options below move every path that apt writes to; the machine's configuration stays in force
//! for the rest, because proxies and certificates live there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::Mirrors;
use crate::{Report, tool};

/// Folder of downloaded packages, beside the lists.
pub(super) const PACKAGES: &str = "packages";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// Container images let apt delete caches after an update; those hooks would reach the machine's.
const CONFIGURATION: &str = "#clear APT::Update::Post-Invoke;\n\
    #clear APT::Update::Post-Invoke-Success;\n\
    #clear DPkg::Post-Invoke;\n\
    #clear Acquire::IndexTargets::deb::DEP-11;\n";

pub(super) struct Apt {
    folder: PathBuf,
    suite: String,
    architecture: String,
    report: Report,
}

impl Apt {
    /// The private apt below `folder`, with its lists fetched if it has none.
    pub(super) fn open(
        folder: &Path,
        suite: &str,
        architecture: &str,
        report: Report,
    ) -> Result<Self> {
        ensure!(
            Path::new(KEYRING).is_file(),
            "{KEYRING} is missing, without it no package can be checked: apt-get install debian-archive-keyring"
        );
        let apt = Self {
            // apt takes a relative path as relative to its own root.
            folder: std::path::absolute(folder)?,
            suite: suite.to_owned(),
            architecture: architecture.to_owned(),
            report,
        };
        for below in ["lists/partial", "packages/partial", "cache", "resolved"] {
            let path = apt.folder.join(below);
            fs::create_dir_all(&path).with_context(|| format!("create {}", path.display()))?;
        }
        apt.write("apt.conf", CONFIGURATION)?;
        apt.write("status", "")?;
        if !apt.updated().exists() {
            apt.update()?;
        }
        Ok(apt)
    }

    pub(super) fn forget(folder: &Path) -> Result<()> {
        for below in ["lists", "resolved"] {
            match fs::remove_dir_all(folder.join(below)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error)
                        .with_context(|| format!("remove {}", folder.join(below).display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Downloads what `resolve` names; with lists fetched anew if the mirror has moved on.
    pub(super) fn download(
        &self,
        what: &str,
        resolve: impl Fn(&Self) -> Result<Vec<String>>,
    ) -> Result<Vec<String>> {
        (self.report)(&format!(
            "fetching {what} from Debian {} ({})",
            self.suite, self.architecture
        ));
        let attempt = || {
            let names = resolve(self)?;
            self.get(&names)?;
            Ok::<_, anyhow::Error>(names)
        };
        attempt().or_else(|_| {
            self.update()?;
            attempt().with_context(|| {
                format!(
                    "fetch {what} from Debian {} ({})",
                    self.suite, self.architecture
                )
            })
        })
    }

    /// File names of the named packages.
    pub(super) fn uris_of(&self, package: &str) -> Result<Vec<String>> {
        let lines =
            tool::text(
                self.command("apt-get")
                    .args(["--print-uris", "-qq", "download", package]),
            )?;
        file_names(&lines)
    }

    /// File names of the named packages and all that they depend on.
    pub(super) fn uris_of_closure(&self, packages: &[&str]) -> Result<Vec<String>> {
        let lines = tool::text(
            self.command("apt-get")
                .args(["--print-uris", "-qq", "--no-install-recommends", "install"])
                .args(packages),
        )?;
        file_names(&lines)
    }

    /// The first package that `package` depends on.
    pub(super) fn first_dependency(&self, package: &str) -> Result<String> {
        let entry =
            tool::text(
                self.command("apt-cache")
                    .args(["show", "--no-all-versions", package]),
            )?;
        entry
            .lines()
            .find_map(|line| line.strip_prefix("Depends: "))
            .and_then(|depends| depends.split([' ', ',', '|']).next())
            .map(str::to_owned)
            .with_context(|| format!("{package} of {} depends on nothing", self.suite))
    }

    /// Downloads the packages with these file names; those that are there already are left.
    fn get(&self, names: &[String]) -> Result<()> {
        let folder = self.folder.join(PACKAGES);
        let wanted: Vec<_> = names
            .iter()
            .filter(|name| !folder.join(name).is_file())
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let pins = wanted
            .iter()
            .map(|name| pin(name))
            .collect::<Result<Vec<_>>>()?;
        tool::output(
            self.command("apt-get")
                .current_dir(&folder)
                .args(["-qq", "download"])
                .args(pins),
        )
        .map(drop)
    }

    fn update(&self) -> Result<()> {
        (self.report)(&format!(
            "fetching package lists of Debian {} ({})",
            self.suite, self.architecture
        ));
        let mut mirrors = Mirrors::of_machine()?;
        let run = |mirrors: &Mirrors| {
            self.write(
                "sources.list",
                &mirrors.source_list(&self.suite, &self.architecture, KEYRING),
            )?;
            tool::output(self.command("apt-get").args([
                "-qq",
                "-o",
                "APT::Update::Error-Mode=any",
                "update",
            ]))
        };
        if let Err(error) = run(&mirrors) {
            // A mirror may carry security updates for the machine's own suite only.
            if mirrors.security.take().is_none() {
                return Err(error);
            }
            run(&mirrors)?;
            (self.report)(&format!(
                "the mirror has no security updates for {}: going on without",
                self.suite
            ));
        }
        self.write("lists/updated", "")
    }

    fn updated(&self) -> PathBuf {
        self.folder.join("lists/updated")
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = tool::command(program);
        command.arg("-c").arg(self.folder.join("apt.conf"));
        for (option, below) in [
            ("Dir::Etc::sourcelist", "sources.list"),
            ("Dir::State::lists", "lists"),
            ("Dir::State::status", "status"),
            ("Dir::Cache", "cache"),
            ("Dir::Cache::archives", PACKAGES),
        ] {
            command
                .arg("-o")
                .arg(format!("{option}={}", self.folder.join(below).display()));
        }
        for option in [
            "Dir::Etc::sourceparts=/dev/null",
            // The machine's pins are about the machine's packages.
            "Dir::Etc::preferences=/dev/null",
            "Dir::Etc::preferencesparts=/dev/null",
            &format!("APT::Architecture={}", self.architecture),
            &format!("APT::Architectures={}", self.architecture),
            // The folder belongs to the caller, apt's own user cannot write there.
            "APT::Sandbox::User=root",
            // dpkg's lock is about installed packages; the cache has a lock of its own.
            "Debug::NoLocking=1",
        ] {
            command.args(["-o", option]);
        }
        command
    }
}

/// File names from lines `'address' name size digest`, as the files are called once downloaded.
fn file_names(lines: &str) -> Result<Vec<String>> {
    let names: Vec<_> = lines
        .lines()
        .filter(|line| line.starts_with('\''))
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    ensure!(!names.is_empty(), "apt resolved no package");
    names.into_iter().map(|name| Ok(name.to_owned())).collect()
}

/// `package=version` of a file name `package_version_architecture.deb`.
fn pin(name: &str) -> Result<String> {
    let mut parts = name.split('_');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(package), Some(version), Some(_), None) => {
            Ok(format!("{package}={}", version.replace("%3a", ":")))
        }
        _ => bail!("{name} is not the file name of a package"),
    }
}

#[cfg(test)]
mod tests {
    use super::{file_names, pin};

    #[test]
    fn addresses_become_file_names_and_pins() -> anyhow::Result<()> {
        let lines = "'http://m.example/pool/a_1_arm64.deb' libcrypt1_1%3a4.4.33-2_arm64.deb 90044 MD5Sum:73\n\
                     'http://m.example/pool/b_3_arm64.deb' libssl3_3.0.22-1~deb12u2_arm64.deb 1829128 \n";
        let names = file_names(lines)?;
        assert_eq!(
            names,
            [
                "libcrypt1_1%3a4.4.33-2_arm64.deb",
                "libssl3_3.0.22-1~deb12u2_arm64.deb"
            ]
        );
        assert_eq!(pin(&names[0])?, "libcrypt1=1:4.4.33-2");
        assert!(file_names("").is_err());
        assert!(pin("nothing.deb").is_err());
        Ok(())
    }
}
