//! One run of a program of the host
//!
//! Every foreign program that the builder uses goes through here, so that a missing one is always
//! answered with the Debian package that holds it, and a failing one with what it said.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Programs of the host and the Debian packages that hold them.
pub const PACKAGES: &[(&str, &str)] = &[
    ("apt-cache", "apt"),
    ("apt-get", "apt"),
    ("cp", "coreutils"),
    ("dpkg-deb", "dpkg"),
    ("debugfs", "e2fsprogs"),
    ("e2fsck", "e2fsprogs"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mksquashfs", "squashfs-tools"),
    ("qemu-system-aarch64", "qemu-system-arm"),
    ("tune2fs", "e2fsprogs"),
    ("unsquashfs", "squashfs-tools"),
    ("xz", "xz-utils"),
];

/// A program that finds its way in `/usr/sbin` as well: an ordinary user's `PATH` lacks it.
#[must_use]
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    // Messages are parsed or shown; they must not depend on the caller's language.
    command.env("LC_ALL", "C");
    command
}

/// Runs to the end and returns what was written to standard output.
///
/// # Errors
/// The program is missing (the message names its package), or failed (the message holds the end of
/// what it wrote to standard error).
pub fn output(command: &mut Command) -> Result<Vec<u8>> {
    command.stdin(Stdio::null());
    let result = command.output();
    let name = command.get_program().to_owned();
    let output = match result {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("{}", missing(&name)),
        other => other.with_context(|| format!("start {}", name.display()))?,
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<_> = said.lines().filter(|line| !line.is_empty()).collect();
        let end = lines
            .get(lines.len().saturating_sub(8)..)
            .unwrap_or_default()
            .join("\n  ");
        bail!("{} ended with {}:\n  {end}", name.display(), output.status);
    }
    Ok(output.stdout)
}

/// The same, for output that is text.
///
/// # Errors
/// As [`output`], or what was written is not UTF-8.
pub fn text(command: &mut Command) -> Result<String> {
    String::from_utf8(output(command)?).context("output is not UTF-8")
}

fn missing(program: &OsStr) -> String {
    let package = PACKAGES
        .iter()
        .find(|(name, _)| program == *name)
        .map(|(_, package)| package);
    match package {
        Some(package) => format!(
            "{} is missing: apt-get install {package}",
            program.display()
        ),
        None => format!("{} is missing: install it", program.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::{missing, output};
    use std::process::Command;

    #[test]
    fn a_missing_program_names_its_package() {
        assert_eq!(
            missing("mksquashfs".as_ref()),
            "mksquashfs is missing: apt-get install squashfs-tools"
        );
    }

    #[test]
    fn a_failing_program_is_quoted() {
        let error = output(Command::new("sh").args(["-c", "echo the reason >&2; exit 3"]))
            .map_err(|e| e.to_string());
        assert!(error.is_err_and(|text| text.contains("the reason") && text.contains('3')));
    }
}
