//! An image in which other programs stand in the places of some of the core's.
//!
//! Kernel and initramfs are the ordinary image's; the system image is a file of the caller's own, so
//! that the ordinary one and its stamp stay as they are.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use limen_cross::{Built, Group};
use limen_images::image::{Builder, EARLY, Image};
use limen_images::system::Contents;
use limen_images::units::{self, Table};

/// What differs from the ordinary image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant<'a> {
    /// Who stands where.
    pub(crate) places: &'a [Place<'a>],
    /// Folders whose content is laid over the root.
    pub(crate) trees: &'a [PathBuf],
}

/// A program in the place of one of the core's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// Which program is replaced.
    pub(crate) name: &'a str,
    /// By what.
    pub(crate) by: &'a Path,
    /// Under which name the replaced one stays beside it.
    pub(crate) kept_as: Option<&'a str>,
}

impl Variant<'_> {
    /// Writes its system image to `target`; `adjust` may change the table of units.
    pub(crate) fn write(
        &self,
        builder: &Builder,
        built: &[Built],
        target: &Path,
        adjust: impl FnOnce(&mut Table) -> Result<()>,
    ) -> Result<()> {
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let mut table = units::table(u64::try_from(now)?)?;
        adjust(&mut table)?;
        Contents {
            programs: &self.programs(built)?,
            busybox: &builder.busybox()?,
            table: &table,
            trees: self.trees,
        }
        .write(target)
    }

    fn programs(&self, built: &[Built]) -> Result<Vec<(String, PathBuf)>> {
        let mut programs = Vec::new();
        for item in built {
            let name = item.program.name;
            if item.program.group != Group::Core || name == EARLY {
                continue;
            }
            match self.places.iter().find(|place| place.name == name) {
                Some(place) => {
                    let kept = place
                        .kept_as
                        .map(|kept| (kept.to_owned(), item.path.clone()));
                    programs.push((name.to_owned(), place.by.to_owned()));
                    programs.extend(kept);
                }
                None => programs.push((name.to_owned(), item.path.clone())),
            }
        }
        for place in self.places {
            ensure!(
                programs.iter().any(|(name, _)| name == place.name),
                "the core has no program {} to replace",
                place.name
            );
        }
        Ok(programs)
    }
}

/// The ordinary image with that system image.
pub(crate) fn with_system(image: &Image, system: PathBuf) -> Image {
    Image {
        system,
        ..image.clone()
    }
}

#[cfg(test)]
mod tests {
    use limen_cross::program;

    use super::*;

    fn programs(name: &str, kept_as: Option<&str>) -> Result<Vec<(String, PathBuf)>> {
        let built: Vec<_> = program::BOX
            .iter()
            .map(|program| Built {
                program,
                path: Path::new("/own").join(program.name),
            })
            .collect();
        let by = Path::new("/other");
        let places = &[Place { name, by, kept_as }];
        Variant { places, trees: &[] }.programs(&built)
    }

    #[test]
    fn the_other_stands_in_the_place_and_the_replaced_one_beside_it() -> Result<()> {
        let programs = programs("limen-init", Some("limen-ordinary"))?;
        let find = |name: &str| {
            let mut all = programs.iter();
            all.find(|(other, _)| other == name)
                .map(|(_, path)| path.display().to_string())
        };
        assert_eq!(find("limen-init").as_deref(), Some("/other"));
        assert_eq!(find("limen-ordinary").as_deref(), Some("/own/limen-init"));
        assert_eq!(find("limen-jail").as_deref(), Some("/own/limen-jail"));
        // It is in the initramfs; and no test's program comes into an image by itself.
        assert_eq!((find(EARLY), find("adversary")), (None, None));
        Ok(())
    }

    #[test]
    fn a_place_that_the_core_does_not_have_is_refused() {
        assert!(programs("limen-butler", None).is_err());
    }
}
