//! The demonstration: two providers, two bundles each, from sources in `xtask/demonstration/`.
//!
//! One table says what each bundle is made of. The folder of a bundle holds its manifest and the
//! files written for it; programs come from the cross build, third-party software unmodified from
//! Debian's arm64 packages. Packing and signing is limenctl's work, as it would be a provider's.

mod payload;
mod source;

use std::path::{Path, PathBuf};

use anyhow::Result;
use limen_cross::Built;
use limen_images::debian::Fetcher;

use crate::credentials::Credentials;
use crate::limenctl::Limenctl;
use crate::progress::Step;
use crate::workspace::Workspace;

pub(crate) use payload::Ingredient;

/// A bundle of the demonstration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demonstrated {
    /// Whose it is.
    pub(crate) provider: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
    /// What its root holds besides the files of its folder.
    ingredients: &'static [Ingredient],
}

/// The bundles, in the order in which they are deployed.
///
/// `meter` before `presence`: a provider of a service first, though either order works.
pub(crate) const BUNDLES: [Demonstrated; 4] = [
    Demonstrated {
        provider: "energy",
        name: "web",
        ingredients: &[payload::BUSYBOX],
    },
    Demonstrated {
        provider: "energy",
        name: "meter",
        ingredients: &[Ingredient::Program("meter")],
    },
    Demonstrated {
        provider: "alarm",
        name: "mqtt",
        ingredients: &[payload::MOSQUITTO],
    },
    Demonstrated {
        provider: "alarm",
        name: "presence",
        ingredients: &[Ingredient::Program("presence")],
    },
];

/// The grant that joins them: exporter, interface, consumer.
pub(crate) const GRANT: (&str, &str, &str) = ("energy", "energy.meter", "alarm");

/// Fetches all packages of the demonstration, as far as they are not there.
pub(crate) fn fetch(fetcher: &Fetcher) -> Result<()> {
    BUNDLES
        .iter()
        .flat_map(|bundle| bundle.ingredients)
        .try_for_each(|ingredient| payload::fetch(ingredient, fetcher).map(drop))
}

/// The file with a provider's contract.
pub(crate) fn contract(workspace: &Workspace, provider: &str) -> PathBuf {
    sources(workspace).join(provider).join("contract.toml")
}

fn sources(workspace: &Workspace) -> PathBuf {
    workspace.root().join("xtask/demonstration")
}

/// What is needed to make the bundles.
#[derive(Debug)]
pub(crate) struct Kitchen<'a> {
    /// Folders.
    pub(crate) workspace: &'a Workspace,
    /// Debian's packages.
    pub(crate) fetcher: &'a Fetcher,
    /// The cross build's programs.
    pub(crate) programs: &'a [Built],
    /// Packs and signs.
    pub(crate) limenctl: &'a Limenctl,
    /// Holds the providers' signing keys.
    pub(crate) credentials: &'a Credentials,
}

impl Kitchen<'_> {
    /// Makes one bundle's signed file, unless it was made from the same parts before.
    pub(crate) fn bundle(&self, bundle: &Demonstrated) -> Result<PathBuf> {
        let folder = self
            .workspace
            .target()
            .join("demonstration")
            .join(bundle.provider)
            .join(bundle.name);
        let file = folder.join(format!("{}.bundle", bundle.name));
        let key = self.credentials.signing_key(bundle.provider);
        let source = sources(self.workspace)
            .join(bundle.provider)
            .join(bundle.name);
        let parts = payload::resolve(bundle.ingredients, self.fetcher, self.programs)?;

        let mut inputs = source::Inputs::default();
        inputs.tree(&source)?;
        inputs.file(&key)?;
        inputs.file(self.limenctl.program())?;
        for path in parts.iter().flat_map(payload::Part::inputs) {
            inputs.file(path)?;
        }
        if inputs.made(&file) {
            return Ok(file);
        }
        let step = Step::start(format!(
            "packing {}'s bundle {}",
            bundle.provider, bundle.name
        ));
        self.make(&source, &parts, &folder, &file, &key)?;
        inputs.note(&file)?;
        step.done();
        Ok(file)
    }

    fn make(
        &self,
        source: &Path,
        parts: &[payload::Part<'_>],
        folder: &Path,
        file: &Path,
        key: &Path,
    ) -> Result<()> {
        let root = source::fresh(&folder.join("root"))?;
        for part in parts {
            part.put(&root)?;
        }
        // Last, so that a file written for the bundle replaces a package's.
        source::copy(&source.join("root"), &root)?;
        self.limenctl
            .pack(&source.join("manifest.toml"), &root, file)?;
        self.limenctl.sign(file, key)
    }
}
