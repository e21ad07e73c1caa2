//! `limenctl bundle from-oci`

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use limen_bundle::manifest::{Architecture, Manifest};
use limen_import::oci::{Image, Wanted};
use limen_proto::name::Name;

use super::draft::{Known, draft};
use super::origin::temporary;
use super::parcel::Parcel;
use crate::failure::Failure;
use crate::output::Output;

/// An image to be turned into a bundle.
#[derive(Debug, Args)]
pub(crate) struct FromOci {
    /// The image: an OCI layout directory, an archive of one, or what docker save wrote
    image: PathBuf,
    #[command(flatten)]
    parcel: Parcel,
    /// Which image, if there are several: its tag, or NAME:TAG in what docker save wrote
    #[arg(long, value_name = "NAME")]
    reference: Option<String>,
    /// What it must run on
    #[arg(long, value_name = "NAME", default_value = "aarch64")]
    architecture: Architecture,
    /// A manifest of your own, instead of one made from the image's configuration
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "provider"])]
    manifest: Option<PathBuf>,
    /// The bundle's name
    #[arg(long, required_unless_present = "manifest")]
    name: Option<Name>,
    /// Whose bundle it is
    #[arg(long, required_unless_present = "manifest")]
    provider: Option<Name>,
    /// Its version
    #[arg(long, value_name = "VERSION", default_value = "1.0.0")]
    version: String,
    /// Its anti-rollback counter: never lower than that of a version before it
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    counter: u64,
    /// Memory that it asks for
    #[arg(long, value_name = "AMOUNT", default_value = "64MiB")]
    memory: String,
    /// Processes and threads that it asks for
    #[arg(long, value_name = "NUMBER", default_value_t = 32)]
    processes: u32,
    /// Size of each volume that the image declares
    #[arg(long, value_name = "AMOUNT", default_value = "16MiB")]
    volume_size: String,
    /// Command to run instead of the image's (repeat for arguments)
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    command: Vec<String>,
    /// Keep the manifest that was made, to be changed and given with --manifest
    #[arg(long, value_name = "FILE", conflicts_with = "manifest")]
    write_manifest: Option<PathBuf>,
}

impl FromOci {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        let parcel = self.parcel.ready()?;
        let image = self.read(output)?;
        let manifest = match &self.manifest {
            Some(path) => std::fs::read(path).map_err(|error| Failure::file(path, error))?,
            None => self.draft(&image)?.into_bytes(),
        };
        // Before the tree is written: a manifest that is refused is no reason to write one.
        Manifest::draft(&manifest).map_err(|error| Failure::local(&error))?;
        let root = temporary()?;
        let extracted = image.tree.extract(root.path());
        extracted.map_err(|error| Failure::file(root.path(), error))?;
        let written = parcel.write(
            &manifest,
            &BTreeMap::from([(self.architecture, root.path())]),
        )?;
        written.tell(output, &image.notes.sentences());
        Ok(())
    }

    fn read(&self, output: Output) -> Result<Image, Failure> {
        let bar = if output.json {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(0)
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} layer {pos} of {len}") {
            bar.set_style(style);
        }
        let wanted = Wanted {
            reference: self.reference.as_deref(),
            architecture: self.architecture,
        };
        let read = Image::read(&self.image, wanted, &mut |number, all| {
            bar.set_length(all as u64);
            bar.set_position(number as u64);
        });
        bar.finish_and_clear();
        read.map_err(|error| Failure::local(&error))
    }

    fn draft(&self, image: &Image) -> Result<String, Failure> {
        let settings = &image.settings;
        let mut command = if self.command.is_empty() {
            settings.command.clone()
        } else {
            self.command.clone()
        };
        let Some(program) = command.first_mut() else {
            return Err(Failure::Usage(
                "the image names no command; give one with --command".to_owned(),
            ));
        };
        let path = settings.environment.get("PATH").map(String::as_str);
        let found = limen_import::find_program(&image.tree, program, &settings.directory, path);
        *program = found.map_err(|error| Failure::local(&error))?;
        let known = Known {
            name: self.name.as_ref().map_or("", Name::as_str),
            version: &self.version,
            provider: self.provider.as_ref().map_or("", Name::as_str),
            counter: self.counter,
            memory: &self.memory,
            processes: self.processes,
            volume_size: &self.volume_size,
        };
        let text = draft(image, command, &known)?;
        if let Some(path) = &self.write_manifest {
            std::fs::write(path, &text).map_err(|error| Failure::file(path, error))?;
        }
        Ok(text)
    }
}
