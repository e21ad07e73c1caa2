//! Kernel modules: which ones, and in which order they load
//!
//! `modules.toml` lists what the box needs with a reason per entry. The order is computed here, at
//! build time, so that the early stage only walks a list: every module after those that it depends
//! on, otherwise as the file has it. Pure; reading the kernel's files is `kernel`'s work.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The checked-in table.
const TABLE: &str = include_str!("../modules.toml");

/// One line of `modules.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Module {
    /// Name with underscores, as `lsmod` shows it.
    pub name: String,
    /// Why the box needs it.
    pub reason: String,
    /// Parameters, as `modprobe` takes them.
    #[serde(default)]
    pub parameters: String,
    /// Whether a kernel may lack it.
    #[serde(default)]
    pub optional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    module: Vec<Module>,
}

/// Why no order was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Neither a file nor built in.
    #[error(
        "kernel has no module {name}, wanted by {by}: name another in images/modules.toml, or mark it optional"
    )]
    Unknown {
        /// The module.
        name: String,
        /// Who asked for it.
        by: String,
    },
    /// A module that needs itself.
    #[error("module {0} depends on itself")]
    Cycle(String),
}

/// The checked-in table, in order.
///
/// # Errors
/// `modules.toml` is not valid.
pub fn table() -> Result<Vec<Module>, toml::de::Error> {
    toml::from_str(TABLE).map(|raw: Raw| raw.module)
}

/// What a kernel knows of its modules.
pub trait Catalogue {
    /// Whether it is part of the kernel's image.
    fn is_built_in(&self, name: &str) -> bool;
    /// What the module's file depends on; `None` when there is no such file.
    fn dependencies(&self, name: &str) -> Option<Vec<String>>;
}

/// Names of the modules to load with their parameters, each after what it depends on, none twice.
///
/// # Errors
/// A module that must be there is not, or the dependencies run in a circle.
pub fn order(
    wanted: &[Module],
    catalogue: &impl Catalogue,
) -> Result<Vec<(String, String)>, OrderError> {
    let parameters: BTreeMap<_, _> = wanted
        .iter()
        .map(|module| (module.name.as_str(), module.parameters.as_str()))
        .collect();
    let mut walk = Walk {
        catalogue,
        done: Vec::new(),
        open: Vec::new(),
    };
    for module in wanted {
        if module.optional
            && !catalogue.is_built_in(&module.name)
            && catalogue.dependencies(&module.name).is_none()
        {
            continue;
        }
        walk.visit(&module.name, "images/modules.toml")?;
    }
    let named = |name: String| {
        let given = parameters
            .get(name.as_str())
            .copied()
            .unwrap_or_default()
            .to_owned();
        (name, given)
    };
    Ok(walk.done.into_iter().map(named).collect())
}

struct Walk<'a, C> {
    catalogue: &'a C,
    done: Vec<String>,
    open: Vec<String>,
}

impl<C: Catalogue> Walk<'_, C> {
    fn visit(&mut self, name: &str, by: &str) -> Result<(), OrderError> {
        if self.catalogue.is_built_in(name) || self.done.iter().any(|done| done == name) {
            return Ok(());
        }
        if self.open.iter().any(|open| open == name) {
            return Err(OrderError::Cycle(name.to_owned()));
        }
        let needs = self
            .catalogue
            .dependencies(name)
            .ok_or_else(|| OrderError::Unknown {
                name: name.to_owned(),
                by: by.to_owned(),
            })?;
        self.open.push(name.to_owned());
        for need in needs {
            self.visit(&need, name)?;
        }
        self.open.pop();
        self.done.push(name.to_owned());
        Ok(())
    }
}

/// What a module's file says that it depends on: the `depends=` line of its `.modinfo` section.
///
/// The section is found by its content: strings there begin after a NUL, and no other section of a
/// module holds one that reads so.
#[must_use]
pub fn dependencies_of(file: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(start) = file.windows(KEY.len()).position(|window| window == KEY) else {
        return Vec::new();
    };
    let line = file[start + KEY.len()..]
        .split(|byte| *byte == 0)
        .next()
        .unwrap_or_default();
    String::from_utf8_lossy(line)
        .split(',')
        .filter(|name| !name.is_empty())
        .map(normal_name)
        .collect()
}

/// A module's file without the signature that Debian appended (`scripts/sign-file` of the kernel).
///
/// Checking one costs 25 million instructions, a second of boot in all, and proves nothing here: the
/// modules lie in the initramfs beside the program that loads them, and whoever could change one
/// could change the other. Where they come from was checked when the package was fetched.
#[must_use]
pub fn without_signature(file: &[u8]) -> &[u8] {
    const MARK: &[u8] = b"~Module signature appended~\n";
    /// `struct module_signature`, which ends with the signature's length, big-endian.
    const TRAILER: usize = 12;
    let cut = || {
        let signed = file.strip_suffix(MARK)?;
        let length = u32::from_be_bytes(*signed.last_chunk()?);
        signed.get(
            ..signed
                .len()
                .checked_sub(TRAILER + usize::try_from(length).ok()?)?,
        )
    };
    cut().unwrap_or(file)
}

/// A module's name: the kernel treats `-` and `_` alike, files use both.
#[must_use]
pub fn normal_name(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::{Catalogue, Module, OrderError, dependencies_of, order, table, without_signature};

    struct Kernel;

    impl Catalogue for Kernel {
        fn is_built_in(&self, name: &str) -> bool {
            name == "virtio_pci"
        }

        fn dependencies(&self, name: &str) -> Option<Vec<String>> {
            let needs: &[&str] = match name {
                "ext4" => &["jbd2", "mbcache"],
                "jbd2" | "mbcache" | "veth" => &[],
                "hen" => &["egg"],
                "egg" => &["hen"],
                "broken" => &["nowhere"],
                _ => return None,
            };
            Some(needs.iter().map(|name| (*name).to_owned()).collect())
        }
    }

    fn wanted(names: &[&str]) -> Vec<Module> {
        let module = |name: &&str| Module {
            name: (*name).to_owned(),
            reason: "test".to_owned(),
            parameters: if *name == "veth" {
                "a=1".to_owned()
            } else {
                String::new()
            },
            optional: *name == "maybe",
        };
        names.iter().map(module).collect()
    }

    #[test]
    fn dependencies_come_first_and_once() {
        let loaded = order(
            &wanted(&["virtio_pci", "veth", "ext4", "jbd2", "maybe"]),
            &Kernel,
        );
        let loaded: Vec<_> = loaded
            .into_iter()
            .flatten()
            .map(|(name, with)| format!("{name} {with}"))
            .collect();
        assert_eq!(loaded, ["veth a=1", "jbd2 ", "mbcache ", "ext4 "]);
    }

    #[test]
    fn what_is_missing_is_named_with_who_wanted_it() {
        let unknown = |name: &str, by: &str| {
            Err(OrderError::Unknown {
                name: name.into(),
                by: by.into(),
            })
        };
        assert_eq!(
            order(&wanted(&["broken"]), &Kernel),
            unknown("nowhere", "broken")
        );
        assert_eq!(
            order(&wanted(&["typo"]), &Kernel),
            unknown("typo", "images/modules.toml")
        );
        assert_eq!(
            order(&wanted(&["hen"]), &Kernel),
            Err(OrderError::Cycle("hen".into()))
        );
    }

    #[test]
    fn dependencies_are_read_from_the_file() {
        assert_eq!(
            dependencies_of(b"\x7fELF\0license=GPL\0depends=nf_tables,nf-nat\0name=x\0"),
            ["nf_tables", "nf_nat"]
        );
        assert!(dependencies_of(b"\0depends=\0retpoline=Y\0").is_empty());
    }

    #[test]
    fn signatures_are_cut_off_and_nothing_else() {
        let mut signed = b"module".to_vec();
        signed.extend([9; 300]);
        signed.extend([0, 0, 2, 0, 0, 0, 0, 0]);
        signed.extend(300_u32.to_be_bytes());
        signed.extend(b"~Module signature appended~\n");
        assert_eq!(without_signature(&signed), b"module");
        assert_eq!(without_signature(b"module"), b"module");
        assert_eq!(
            without_signature(b"~Module signature appended~\n"),
            b"~Module signature appended~\n"
        );
    }

    #[test]
    fn the_table_has_quota_before_ext4() -> Result<(), toml::de::Error> {
        let table = table()?;
        let place = |name| table.iter().position(|module| module.name == name);
        assert!(place("quota_v2").is_some() && place("quota_v2") < place("ext4"));
        assert!(table.iter().all(|module| module.reason.len() > 10));
        Ok(())
    }
}
