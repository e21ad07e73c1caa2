//! A bundle's volumes: what it may write, and keeps

use limen_proto::id::{BundleIndex, Slot};
use limen_proto::name::Name;
use limen_proto::spec::Volume;
use rustix::fs::FileType;
use rustix::io::Errno;

use super::bundle::OURS;
use super::{Root, STEP, Source, Use, components};
use crate::fault::Fault;
use crate::step::quota::TENANTS;

impl Root {
    /// Mounts one volume of a bundle where its manifest wants it. limen-install made it and gave it
    /// to the bundle's uid; another owner means that it belongs to somebody else.
    pub(crate) fn volume(
        &self,
        slot: Slot,
        index: BundleIndex,
        bundle: &Name,
        volume: &Volume,
    ) -> Result<(), Fault> {
        let path = volume.path.as_str();
        // The manifest's reader refuses these too; here they would hide a mount of ours.
        match components(path)?.next() {
            Some(top) if path.starts_with('/') && !OURS.contains(&top) => {}
            _ => return Err(Fault::new(STEP, "mount a volume on", path, Errno::INVAL)),
        }
        let from = format!("{TENANTS}/{slot}/volumes/{bundle}/{}", volume.name);
        let source = Source::open(&from)?;
        if source.kind() != FileType::Directory || source.owner() != index.outer_id(slot) {
            let operation = "take as this bundle's volume";
            return Err(Fault::new(STEP, operation, from, Errno::PERM));
        }
        self.bind(&source, path, Use::Write)
    }
}
