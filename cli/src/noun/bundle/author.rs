//! The author's verbs: keygen, pack, sign, inspect
//!
//! Thin over `limen-bundle`, which owns the format. No gateway is asked.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use limen_bundle::inspect::{Inspection, Signed};
use limen_bundle::manifest::Architecture;
use limen_bundle::{inspect, pack, sign};
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Output, clean, facts, table};
use crate::quantity::show_bytes;

/// Names the password of a protected key: a file whose first line it is.
#[derive(Debug, Args)]
struct Password {
    /// File whose first line is the key's password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Password {
    fn read(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.password_file else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
        match text.lines().next() {
            Some(line) if !line.is_empty() => Ok(Some(line.to_owned())),
            _ => Err(Failure::file(path, "its first line is empty")),
        }
    }

    fn key(&self, path: &Path) -> Result<sign::SecretKey, Failure> {
        let key = sign::SecretKey::load(path, self.read()?);
        key.map_err(|error| Failure::local(&error))
    }
}

/// A new pair of keys.
#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// Where the secret key goes; never written over
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Where the public key goes [default: the secret's name and .pub]
    #[arg(long, value_name = "FILE")]
    public: Option<PathBuf>,
    #[command(flatten)]
    password: Password,
}

impl Keygen {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        let beside = sign::public_path(&self.secret);
        let public = self.public.as_ref().unwrap_or(&beside);
        if public.symlink_metadata().is_ok() {
            let rule =
                "exists; a key is never written over, choose another name or remove it first";
            return Err(Failure::file(public, rule));
        }
        let key = sign::keygen(&self.secret, self.password.read()?);
        let key = key.map_err(|error| Failure::local(&error))?;
        if *public != beside {
            std::fs::rename(&beside, public).map_err(|error| Failure::file(public, error))?;
        }
        let made = json!({
            "secret": self.secret,
            "public": public,
            "id": key.id().to_string(),
        });
        output.result(&made, || {
            format!(
                "secret key {}: keep it to yourself\npublic key {}: give it to the operator",
                self.secret.display(),
                public.display()
            )
        });
        Ok(())
    }
}

/// A directory for an architecture.
#[derive(Debug, Clone)]
struct Tree {
    architecture: Architecture,
    root: PathBuf,
}

impl std::str::FromStr for Tree {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (architecture, root) = text
            .split_once('=')
            .ok_or("write ARCHITECTURE=DIRECTORY, for example armv7=root-armv7/")?;
        Ok(Self {
            architecture: architecture.parse().map_err(|error| format!("{error}"))?,
            root: root.into(),
        })
    }
}

/// A bundle to be made.
#[derive(Debug, Args)]
pub(crate) struct Pack {
    /// The manifest, TOML
    manifest: PathBuf,
    /// The root file system
    root: PathBuf,
    /// The bundle file to write
    bundle: PathBuf,
    /// Architecture that ROOT is for
    #[arg(long, value_name = "NAME", default_value = "aarch64")]
    architecture: Architecture,
    /// A root for one more architecture (repeatable)
    #[arg(long, value_name = "NAME=DIRECTORY")]
    tree: Vec<Tree>,
    /// Sign it with this secret key
    #[arg(long, value_name = "FILE")]
    sign: Option<PathBuf>,
    #[command(flatten)]
    password: Password,
}

impl Pack {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        let draft = std::fs::read(&self.manifest);
        let draft = draft.map_err(|error| Failure::file(&self.manifest, error))?;
        // Before the work: a key that cannot be used is no reason to write a bundle.
        let key = self
            .sign
            .as_ref()
            .map(|path| self.password.key(path))
            .transpose()?;
        let mut trees: BTreeMap<Architecture, &Path> = BTreeMap::new();
        let first = (&self.architecture, &self.root);
        let more = self
            .tree
            .iter()
            .map(|tree| (&tree.architecture, &tree.root));
        for (architecture, root) in std::iter::once(first).chain(more) {
            if trees.insert(*architecture, root).is_some() {
                let rule =
                    format!("two directories for {architecture}; give one for each architecture");
                return Err(Failure::Usage(rule));
            }
        }
        let packed = self.write(&draft, &trees)?;
        if let Some(key) = &key {
            sign::sign_file(&self.bundle, key).map_err(|error| Failure::local(&error))?;
        }
        let manifest = &packed.manifest;
        let summary = json!({
            "name": manifest.name.as_str(),
            "version": manifest.version.to_string(),
            "provider": manifest.provider.as_str(),
            "digest": packed.digest.to_string(),
            "bytes": packed.length,
            "signed": key.is_some(),
        });
        output.result(&summary, || {
            let (name, version) = (&manifest.name, &manifest.version);
            let size = show_bytes(packed.length);
            let next = match key {
                Some(_) => "signed; next: limenctl bundle install",
                None => "not signed; next: limenctl bundle sign",
            };
            format!(
                "{}: {name} {version}, {size}, {next}",
                self.bundle.display()
            )
        });
        Ok(())
    }

    /// Writes beside the target and renames: a pack that fails leaves no half bundle.
    fn write(
        &self,
        draft: &[u8],
        trees: &BTreeMap<Architecture, &Path>,
    ) -> Result<pack::Packed, Failure> {
        let failed = |error| Failure::file(&self.bundle, error);
        let mut part = self.bundle.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let mut file = BufWriter::new(File::create(&part).map_err(failed)?);
        let packed = pack::pack(draft, trees, &mut file).map_err(|error| Failure::local(&error));
        let finish = packed.and_then(|packed| {
            file.flush().map_err(failed)?;
            std::fs::rename(&part, &self.bundle).map_err(failed)?;
            Ok(packed)
        });
        if finish.is_err() {
            // What cannot be removed is a file with a telling name; the first error is what matters.
            let _ = std::fs::remove_file(&part);
        }
        finish
    }
}

/// A signature to be made.
#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The bundle; it is signed in place
    bundle: PathBuf,
    /// The secret key
    #[arg(long, value_name = "FILE", required_unless_present = "signature")]
    secret: Option<PathBuf>,
    /// A signature that minisign made over the manifest, instead of a key
    #[arg(long, value_name = "FILE", conflicts_with = "secret")]
    signature: Option<PathBuf>,
    #[command(flatten)]
    password: Password,
}

impl Sign {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        let signature = match (&self.secret, &self.signature) {
            (Some(secret), _) => {
                let key = self.password.key(secret)?;
                sign::sign_file(&self.bundle, &key).map_err(|error| Failure::local(&error))?
            }
            (None, Some(file)) => self.attach(file)?,
            (None, None) => return Err(Failure::Usage("give --secret or --signature".to_owned())),
        };
        let told = json!({
            "bundle": self.bundle,
            "key": signature.key().to_string(),
            "comment": signature.comment(),
        });
        output.result(&told, || {
            format!(
                "{}: signed by key {}",
                self.bundle.display(),
                signature.key()
            )
        });
        Ok(())
    }

    fn attach(&self, file: &Path) -> Result<limen_bundle::signature::Signature, Failure> {
        let minisig = std::fs::read_to_string(file).map_err(|error| Failure::file(file, error))?;
        let failed = |error| Failure::file(&self.bundle, error);
        let input = BufReader::new(File::open(&self.bundle).map_err(failed)?);
        let mut signed = Vec::new();
        let signature = sign::attach(input, &mut signed, &minisig);
        let signature = signature.map_err(|error| Failure::local(&error))?;
        let mut part = self.bundle.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        std::fs::write(&part, signed).map_err(failed)?;
        std::fs::rename(&part, &self.bundle).map_err(failed)?;
        Ok(signature)
    }
}

/// A bundle to look at.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The bundle
    bundle: PathBuf,
    /// It must be signed by this key, a .pub file (repeatable)
    #[arg(long, value_name = "FILE")]
    signing_key: Vec<PathBuf>,
    /// List its files too
    #[arg(long)]
    files: bool,
}

impl Inspect {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        let keys = self.signing_key.iter().map(|path| sign::public_key(path));
        let keys: Vec<_> = keys
            .collect::<Result<_, _>>()
            .map_err(|error| Failure::local(&error))?;
        let file = File::open(&self.bundle).map_err(|error| Failure::file(&self.bundle, error))?;
        let seen = inspect::inspect(BufReader::new(file), &keys);
        let seen = seen.map_err(|error| {
            let text = Failure::local(&error);
            Failure::file(&self.bundle, text)
        })?;
        output.result(&json!(seen), || self.describe(&seen));
        Ok(())
    }

    fn describe(&self, seen: &Inspection) -> String {
        let signature = match &seen.signature {
            Signed::Unsigned => "none; no gateway takes it".to_owned(),
            Signed::Unchecked { key, comment } => {
                format!("names key {key} (not checked; give --signing-key), \"{comment}\"")
            }
            Signed::Verified { key, comment } => format!("good, by key {key}, \"{comment}\""),
        };
        let mut told = facts(&[
            ("name", seen.name.clone()),
            ("version", seen.version.clone()),
            ("provider", seen.provider.clone()),
            ("counter", seen.counter.to_string()),
            ("description", seen.description.clone()),
            ("digest", seen.digest.clone()),
            ("signature", signature),
        ]);
        for tree in &seen.architectures {
            let there = if tree.present {
                ""
            } else {
                ", not in this file"
            };
            let size = show_bytes(tree.unpacked);
            told.push_str(&format!(
                "\n\n{}: {} entries, {size}{there}",
                tree.architecture, tree.entries
            ));
            if self.files && !tree.files.is_empty() {
                let row = |file: &limen_bundle::inspect::InspectedEntry| {
                    let target = file.target.as_ref().map(|to| format!(" -> {to}"));
                    let name = format!("{}{}", file.path, target.unwrap_or_default());
                    vec![file.mode.clone(), file.size.to_string(), name]
                };
                let rows: Vec<_> = tree.files.iter().map(row).collect();
                told.push('\n');
                told.push_str(&table(&["MODE", "SIZE", "PATH"], &rows, ""));
            }
        }
        told.push_str("\n\nmanifest as signed:\n");
        told.push_str(&clean(&seen.manifest));
        told
    }
}
