//! Which of several images is meant

use limen_bundle::manifest::Architecture;
use oci_spec::image::{Arch, Descriptor, Os};

use super::Wanted;
use super::error::ImageError;

/// Where layouts and their tools keep an image's name (OCI image specification 1.1, annotations.md).
const NAME: &str = "org.opencontainers.image.ref.name";

/// How well a machine of `wanted` runs what was built for `(architecture, variant)`; smaller is better, none is not
/// at all.
pub(super) fn rank(wanted: Architecture, built: (&Arch, Option<&str>)) -> Option<u8> {
    match (wanted, built) {
        (Architecture::Aarch64, (Arch::ARM64, None | Some("v8")))
        | (Architecture::Armv7, (Arch::ARM, Some("v7")))
        | (Architecture::X86_64, (Arch::Amd64, None | Some("v1"))) => Some(0),
        // An image without variant says nothing of its floating point: taken if there is no better.
        (Architecture::Armv7, (Arch::ARM, None)) => Some(1),
        (Architecture::Armv7, (Arch::ARM, Some("v6"))) => Some(2),
        _ => None,
    }
}

/// The platform in words.
pub(super) fn describe(architecture: &Arch, variant: Option<&str>) -> String {
    match variant {
        Some(variant) => format!("{architecture}/{variant}"),
        None => architecture.to_string(),
    }
}

fn named(descriptor: &Descriptor) -> Option<&str> {
    let annotations = descriptor.annotations().as_ref()?;
    annotations.get(NAME).map(String::as_str)
}

/// The one descriptor of an index that is wanted. A `top` index is chosen from by name first.
pub(super) fn choose<'a>(
    all: &'a [Descriptor],
    wanted: Wanted<'_>,
    top: bool,
) -> Result<&'a Descriptor, ImageError> {
    let mut left: Vec<&Descriptor> = all.iter().collect();
    if let (true, Some(reference)) = (top, wanted.reference) {
        left.retain(|descriptor| named(descriptor) == Some(reference));
        if left.is_empty() {
            return Err(ImageError::Reference {
                wanted: reference.to_owned(),
                there: names(all),
            });
        }
    }
    if let [only] = left[..] {
        return Ok(only);
    }
    let fit = |descriptor: &&Descriptor| {
        let platform = descriptor.platform().as_ref()?;
        let variant = platform.variant().as_deref();
        let linux = *platform.os() == Os::Linux;
        rank(wanted.architecture, (platform.architecture(), variant)).filter(|_| linux)
    };
    let best = left.iter().filter_map(fit).min();
    let Some(best) = best else {
        let unnamed = left
            .iter()
            .all(|descriptor| descriptor.platform().is_some());
        return Err(match unnamed && !left.is_empty() {
            true => ImageError::Architecture {
                image: platforms(&left),
                wanted: wanted.architecture,
            },
            false => ImageError::Several(names(all)),
        });
    };
    left.retain(|descriptor| fit(descriptor) == Some(best));
    match left[..] {
        [only] => Ok(only),
        _ => Err(ImageError::Several(names(all))),
    }
}

fn names(all: &[Descriptor]) -> String {
    let name =
        |descriptor: &Descriptor| named(descriptor).unwrap_or("one without a name").to_owned();
    listed(all.iter().map(name))
}

fn platforms(all: &[&Descriptor]) -> String {
    let platform = |descriptor: &&Descriptor| {
        let platform = descriptor.platform().as_ref()?;
        Some(describe(
            platform.architecture(),
            platform.variant().as_deref(),
        ))
    };
    listed(all.iter().filter_map(platform))
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names
        .take(20)
        .map(|name| name.escape_debug().to_string())
        .collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
