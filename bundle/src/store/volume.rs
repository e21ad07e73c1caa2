//! Volumes: directories that belong to a bundle and outlive its versions.
//!
//! A volume is named by bundle and volume, never by digest, so an update finds it. It is made the
//! superuser's: limen-jail gives it to the outer uid of the bundle's place in its virtual gateway when it
//! first starts there, once that uid's quota is as large as the new volume asks. A bundle that was removed
//! with its volumes kept may come back in another place: then everything in them changes hands, the
//! volume's own directory last, so that a cut in the middle is seen and repeated.

use limen_proto::name::Name;
use rustix::fs::{FileType, Mode};

use super::beneath::{Directory, StoreError};
use super::{Ownership, Tenant};

/// Mode of a volume: its bundle's alone.
const MODE: Mode = Mode::from_raw_mode(0o700);

impl Tenant {
    /// Makes the volume unless it is there; one that another uid than `owner` has is given to it.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn make_volume(&self, bundle: &Name, volume: &Name, owner: u32) -> Result<(), StoreError> {
        self.volumes.make_if_missing(bundle.as_str())?;
        if self.ownership == Ownership::Box {
            self.volumes.chown(bundle.as_str(), 0)?;
        }
        let holder = self.volumes.directory(bundle.as_str())?;
        if holder.has(volume.as_str())? {
            return self.hand_over(&holder, volume.as_str(), owner);
        }
        let name = format!("volume-{volume}");
        self.staging.make(&name)?;
        let made = self.staging.directory(name.as_str())?;
        rustix::fs::fchmod(&made, MODE)
            .map_err(StoreError::new("change mode of", name.as_str()))?;
        if self.ownership == Ownership::Box {
            self.staging.chown(&name, 0)?;
        }
        made.sync()?;
        self.staging
            .rename(name.as_str(), &holder, volume.as_str())?;
        holder.sync()?;
        self.volumes.sync()
    }

    /// The bundles that have volumes and the volumes' names, sorted.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn volumes(&self) -> Result<Vec<(Name, Vec<Name>)>, StoreError> {
        let mut all = Vec::new();
        for bundle in plain_names(&self.volumes)? {
            let volumes = plain_names(&self.volumes.directory(bundle.as_str())?)?;
            all.push((bundle, volumes));
        }
        Ok(all)
    }

    fn hand_over(&self, holder: &Directory, volume: &str, owner: u32) -> Result<(), StoreError> {
        // The superuser's was never given to a bundle.
        let is_right = |whose| whose == owner || whose == 0;
        if self.ownership == Ownership::Caller || is_right(holder.stat(volume)?.st_uid) {
            return Ok(());
        }
        let top = holder.directory(volume)?;
        let mut pending = vec![Vec::new()];
        while let Some(path) = pending.pop() {
            let inner = if path.is_empty() {
                None
            } else {
                Some(top.directory(path.as_slice())?)
            };
            let here = inner.as_ref().unwrap_or(&top);
            for (name, kind) in here.entries(usize::MAX)? {
                here.chown_entry(&name, owner)?;
                if kind == FileType::Directory {
                    let separator: &[u8] = if path.is_empty() { b"" } else { b"/" };
                    pending.push([&path, separator, name.as_bytes()].concat());
                }
            }
        }
        holder.chown(volume, owner)?;
        holder.sync()
    }
}

fn plain_names(directory: &Directory) -> Result<Vec<Name>, StoreError> {
    let mut names: Vec<Name> = directory
        .names()?
        .iter()
        .filter_map(|name| name.to_str().ok()?.parse().ok())
        .collect();
    names.sort();
    Ok(names)
}
