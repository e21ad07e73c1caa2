//! Taking a bundle from the stream into the store.

use std::io::Read;

use limen_proto::install::{Order, Report};
use limen_proto::name::Name;

use super::InstallError;
use super::session::Steward;
use super::summary::summary;
use crate::chunk::Unpacker;
use crate::digest::Digest;
use crate::index::Index;
use crate::manifest::{Architecture, Manifest};
use crate::reader::{Body, BundleError, Opened, Sealed};
use crate::signature::PublicKey;
use crate::store::{Incoming, Tenant};

/// Reports of progress per installation, at most.
const REPORTS: u64 = 50;

/// Least bytes between two reports.
const REPORT_BYTES: u64 = 256 * 1024;

/// Installs what `upload` carries.
pub(super) fn install(
    upload: impl Read,
    provider: &Name,
    keys: &[String],
    architecture: Architecture,
    tenant: &Tenant,
    steward: &mut Steward,
) -> Result<(), InstallError> {
    let keys = keys
        .iter()
        .map(|key| PublicKey::parse(key))
        .collect::<Result<Vec<_>, _>>()?;
    let opened = Sealed::read(upload)?.verify(&keys)?;
    let digest = admit(&opened, provider, architecture, steward)?;
    if tenant.has(&digest)? {
        return Ok(());
    }
    let incoming = tenant.incoming(&digest)?;
    incoming.keep("manifest.toml", opened.manifest_bytes())?;
    let signature = opened.signature().map_or("", |signature| signature.text());
    incoming.keep("manifest.minisig", signature.as_bytes())?;
    let (_, body) = opened.body(|candidate| candidate == architecture)?;
    receive(body, architecture, incoming, steward)
}

fn admit(
    opened: &Opened<impl Read>,
    provider: &Name,
    architecture: Architecture,
    steward: &mut Steward,
) -> Result<Digest, InstallError> {
    let manifest: &Manifest = opened.manifest();
    if manifest.provider != *provider {
        return Err(InstallError::Provider {
            named: manifest.provider.to_string(),
            provider: provider.to_string(),
        });
    }
    opened.has(architecture)?;
    let tree = manifest
        .architectures
        .get(&architecture)
        .ok_or(BundleError::Present)?;
    let digest = opened.digest();
    steward.report(&Report::Admit(summary(manifest, tree, digest)))?;
    match steward.order()? {
        Order::Go(Ok(())) => Ok(digest),
        Order::Go(Err(reason)) => Err(InstallError::NotAdmitted(reason)),
        _ => Err(InstallError::OutOfTurn),
    }
}

fn receive(
    mut body: Body<impl Read>,
    architecture: Architecture,
    incoming: Incoming<'_>,
    steward: &mut Steward,
) -> Result<(), InstallError> {
    let (index, bytes) = body.take_index(architecture).ok_or(BundleError::Present)?;
    incoming.keep("index", &bytes)?;
    drop(bytes);
    write(&mut body, &index, &incoming, steward)?;
    incoming.commit(&index)?;
    Ok(())
}

fn write(
    body: &mut Body<impl Read>,
    index: &Index,
    incoming: &Incoming<'_>,
    steward: &mut Steward,
) -> Result<(), InstallError> {
    let numbers: std::collections::BTreeMap<[u8; 32], u32> = index
        .chunks()
        .iter()
        .zip(0..)
        .map(|(chunk, number)| (chunk.digest.0, number))
        .collect();
    let total = index.unpacked();
    let step = (total / REPORTS).max(REPORT_BYTES);
    let (mut unpacker, mut writer, mut reported) =
        (Unpacker::default(), incoming.writer(index)?, 0);
    while let Some((chunk, stored)) = body.next_chunk()? {
        // Chunks of other trees are proved all the same, and not unpacked.
        let Some(number) = numbers.get(&chunk.digest.0) else {
            continue;
        };
        writer.put(
            *number,
            unpacker.unpack(&chunk, stored).map_err(BundleError::from)?,
        )?;
        if writer.written() - reported >= step {
            reported = writer.written();
            steward.report(&Report::Progress {
                done: reported,
                total,
            })?;
        }
    }
    steward.report(&Report::Progress {
        done: writer.written(),
        total,
    })
}
