//! Sizes of what is installed on the box.

use std::fs;

use anyhow::{Context, Result};
use limen_cross::Group;

use super::{Figures, Subject};

/// Adds the sizes.
pub(crate) fn measure(subject: &Subject<'_>, figures: &mut Figures) -> Result<()> {
    let mut all = 0;
    for built in subject.programs {
        if built.program.group != Group::Core {
            continue;
        }
        let size = fs::metadata(&built.path)
            .with_context(|| format!("cannot read {}", built.path.display()))?
            .len();
        all += size;
        figures.add_bytes(format!("size-program-{}", built.program.name), size);
    }
    figures.add_bytes("G8", all);
    for (part, size) in subject.image.sizes()? {
        // The kernel is Debian's.
        if part != "kernel" {
            figures.add_bytes(format!("size-{}", part.replace(' ', "-")), size);
        }
    }
    Ok(())
}
