//! What a bundle's root is made of: our programs, and Debian's packages for arm64.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use limen_cross::Built;
use limen_images::debian::{self, Fetcher};

use super::source;

const SUITE: &str = "bookworm";
const ARCHITECTURE: &str = "arm64";

/// One thing that goes into a bundle's root.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ingredient {
    /// A program of the cross build, as `/bin/NAME`.
    Program(&'static str),
    /// One file of one Debian package.
    File {
        /// The package.
        package: &'static str,
        /// Where the package has it.
        from: &'static str,
        /// Where the bundle has it.
        to: &'static str,
    },
    /// A Debian package with everything that it needs to run.
    Tree {
        /// The package.
        package: &'static str,
        /// Packages of its closure that are not needed, by beginning of their names.
        without: &'static [&'static str],
        /// Folders that are not needed.
        prune: &'static [&'static str],
    },
}

/// A static program with every applet in one file, and no library.
pub(super) const BUSYBOX: Ingredient = Ingredient::File {
    package: "busybox-static",
    from: "bin/busybox",
    to: "bin/busybox",
};

/// Dynamically linked, with some twenty libraries.
pub(super) const MOSQUITTO: Ingredient = Ingredient::Tree {
    package: "mosquitto",
    // What only installation scripts use: they never run. The libraries follow their users.
    without: &[
        "adduser_",
        "debconf_",
        "gcc-12-base_",
        "libaudit",
        "libbz2-",
        "libcap-ng0_",
        "libcrypt1_",
        "libdb5.3_",
        "libmosquitto1_",
        "libpam",
        "libpcre2-",
        "libselinux1_",
        "libsemanage",
        "libsepol",
        "lsb-base_",
        "passwd_",
        "sysvinit-utils_",
    ],
    prune: &[
        // Documentation and translations.
        "usr/share",
        // Character sets other than the built-in ones: more than all the rest together.
        "usr/lib/aarch64-linux-gnu/gconv",
        // Service files of another init.
        "etc/init.d",
        "etc/logrotate.d",
        "lib/systemd",
        "lib/udev",
        "usr/bin",
        // The bundle's volume is mounted below.
        "var",
    ],
};

/// An ingredient that was found.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    /// See [`Ingredient::Program`].
    Program(&'a Built),
    /// See [`Ingredient::File`].
    File {
        package: PathBuf,
        from: &'static str,
        to: &'static str,
    },
    /// See [`Ingredient::Tree`].
    Tree {
        packages: Vec<PathBuf>,
        prune: &'static [&'static str],
    },
}

/// The Debian packages of an ingredient, fetched as far as they are not there.
pub(super) fn fetch(ingredient: &Ingredient, fetcher: &Fetcher) -> Result<Vec<PathBuf>> {
    match *ingredient {
        Ingredient::Program(_) => Ok(Vec::new()),
        Ingredient::File { package, .. } => fetcher.fetch(SUITE, ARCHITECTURE, &[package]),
        Ingredient::Tree {
            package, without, ..
        } => {
            let mut packages = fetcher.closure(SUITE, ARCHITECTURE, &[package])?;
            packages.retain(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                !without.iter().any(|beginning| name.starts_with(beginning))
            });
            Ok(packages)
        }
    }
}

/// Finds the ingredients.
pub(super) fn resolve<'a>(
    ingredients: &[Ingredient],
    fetcher: &Fetcher,
    programs: &'a [Built],
) -> Result<Vec<Part<'a>>> {
    let find = |ingredient: &Ingredient| {
        let packages = fetch(ingredient, fetcher)?;
        match *ingredient {
            Ingredient::Program(name) => {
                let built = programs.iter().find(|built| built.program.name == name);
                built
                    .map(Part::Program)
                    .with_context(|| format!("{name} was not built"))
            }
            Ingredient::File { package, from, to } => {
                let file = packages.into_iter().next();
                let package = file.with_context(|| format!("apt gave no {package}"))?;
                Ok(Part::File { package, from, to })
            }
            Ingredient::Tree { prune, .. } => Ok(Part::Tree { packages, prune }),
        }
    };
    ingredients.iter().map(find).collect()
}

impl Part<'_> {
    /// The files that it comes from.
    pub(super) fn inputs(&self) -> &[PathBuf] {
        match self {
            Self::Program(built) => std::slice::from_ref(&built.path),
            Self::File { package, .. } => std::slice::from_ref(package),
            Self::Tree { packages, .. } => packages,
        }
    }

    /// Puts it into a root.
    pub(super) fn put(&self, root: &Path) -> Result<()> {
        match self {
            Self::Program(built) => place(&built.path, &root.join("bin").join(built.program.name)),
            Self::File { package, from, to } => {
                let unpacked = source::fresh(&root.with_extension("unpacked"))?;
                debian::unpack(package, &unpacked)?;
                place(&unpacked.join(from), &root.join(to))?;
                remove(&unpacked)
            }
            Self::Tree { packages, prune } => {
                for package in packages {
                    debian::unpack(package, root)?;
                }
                prune
                    .iter()
                    .map(|folder| root.join(folder))
                    .try_for_each(|folder| remove(&folder))
            }
        }
    }
}

/// Copies an executable, whatever its mode was.
fn place(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", to.display()))
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}
