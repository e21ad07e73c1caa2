//! What `docker save` wrote before it wrote OCI layouts: `manifest.json`, configurations and plain layers
//!
//! Here only the configuration is named by its digest; it is what binds the layers, by their `diff_ids`.

use std::io::{self, Read, Seek};

use oci_spec::image::{Digest, ImageConfiguration};
use serde::Deserialize;

use super::blob::{self, Proof};
use super::error::ImageError;
use super::source::Source;
use super::{Found, Layer, TEXT_BYTES, Wanted};

/// One image of `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// The image that is wanted; none if nothing was saved here.
pub(super) fn find(source: &Source, wanted: Wanted<'_>) -> Result<Option<Found>, ImageError> {
    // The names that its manifest gives are looked up in an archive; in a directory they could lead anywhere.
    let Source::Archive { .. } = source else {
        return Ok(None);
    };
    let Some(text) = source.text("manifest.json", TEXT_BYTES)? else {
        return Ok(None);
    };
    let all: Vec<Saved> = blob::parse("manifest.json", &text)?;
    let saved = choose(&all, wanted.reference)?;
    let (digest, configuration) = configuration(source, &saved.config)?;
    let layers = saved.layers.iter().map(|name| layer(source, name));
    let layers = layers.collect::<Result<_, _>>()?;
    Ok(Some(Found {
        digest,
        configuration,
        layers,
    }))
}

fn choose<'a>(all: &'a [Saved], reference: Option<&str>) -> Result<&'a Saved, ImageError> {
    let tags = |saved: &'a Saved| saved.repo_tags.iter().flatten();
    let names = || {
        let names: Vec<String> = all
            .iter()
            .flat_map(tags)
            .map(|tag| tag.escape_debug().to_string())
            .collect();
        if names.is_empty() {
            "one without a name".to_owned()
        } else {
            names.join(", ")
        }
    };
    match (reference, all) {
        (None, [only]) => Ok(only),
        (None, _) => Err(ImageError::Several(names())),
        (Some(reference), _) => {
            let mut named = all
                .iter()
                .filter(|saved| tags(saved).any(|tag| tag == reference));
            let missing = || ImageError::Reference {
                wanted: reference.to_owned(),
                there: names(),
            };
            named.next().ok_or_else(missing)
        }
    }
}

/// The configuration, proved by its name.
fn configuration(source: &Source, name: &str) -> Result<(String, ImageConfiguration), ImageError> {
    let text = source.text(name, TEXT_BYTES)?;
    let text = text.ok_or_else(|| ImageError::Missing(name.to_owned()))?;
    let stem = name.rsplit('/').next().unwrap_or_default();
    let stem = stem.strip_suffix(".json").unwrap_or(stem);
    let digest: Digest = format!("sha256:{stem}")
        .parse()
        .map_err(|_| ImageError::Algorithm(name.to_owned()))?;
    let mut proof = Proof::new(text.as_slice(), &digest)?;
    io::copy(&mut proof, &mut io::sink()).map_err(ImageError::Temporary)?;
    if !proof.holds() {
        return Err(ImageError::Digest {
            name: name.to_owned(),
            digest: digest.to_string(),
        });
    }
    Ok((digest.to_string(), blob::parse(name, &text)?))
}

/// A private copy of a layer; the configuration proves it when it is decoded.
fn layer(source: &Source, name: &str) -> Result<Layer, ImageError> {
    let Some((from, length)) = source.part(name)? else {
        return Err(ImageError::Missing(name.to_owned()));
    };
    let mut file = tempfile::tempfile().map_err(ImageError::Temporary)?;
    io::copy(&mut from.take(length), &mut file).map_err(ImageError::Temporary)?;
    file.rewind().map_err(ImageError::Temporary)?;
    Ok(Layer {
        name: name.to_owned(),
        file,
    })
}
