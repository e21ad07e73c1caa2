//! A bundle's volumes: what it may write, and keeps

use std::os::fd::AsFd;

use limen_proto::id::{BundleIndex, Slot};
use limen_proto::name::Name;
use limen_proto::spec::Volume;
use rustix::fs::FileType;
use rustix::io::Errno;

use super::bundle::OURS;
use super::{Ahead, STEP, Source, Use, components};
use crate::fault::Fault;
use crate::step::quota::TENANTS;

/// One volume of a bundle, for where its manifest wants it. One that limen-install has just made is
/// root's, and is given to the bundle here, where a full quota cannot refuse it; another owner than the
/// bundle's uid means that it belongs to somebody else.
pub(crate) fn volume(
    slot: Slot,
    index: BundleIndex,
    bundle: &Name,
    volume: &Volume,
) -> Result<Ahead, Fault> {
    let path = volume.path.as_str();
    // The manifest's reader refuses these too; here they would hide a mount of ours.
    match components(path)?.next() {
        Some(top) if path.starts_with('/') && !OURS.contains(&top) => {}
        _ => return Err(Fault::new(STEP, "mount a volume on", path, Errno::INVAL)),
    }
    let from = format!("{TENANTS}/{slot}/volumes/{bundle}/{}", volume.name);
    let source = Source::open(&from)?;
    let owner = index.outer_id(slot);
    match (source.kind(), source.owner()) {
        (FileType::Directory, 0) => source.give_to(owner)?,
        (FileType::Directory, whose) if whose == owner => {}
        _ => {
            let operation = "take as this bundle's volume";
            return Err(Fault::new(STEP, operation, from, Errno::PERM));
        }
    }
    Ahead::new(source.as_fd(), path, Use::Write)
}
