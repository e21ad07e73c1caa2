//! The developer's machine: which Debian packages it needs, has, and may be given.

mod apt;
mod dpkg;
mod packages;

pub(crate) use apt::{MayNotInstall, install};
pub(crate) use dpkg::Installed;
pub(crate) use packages::{ALWAYS, CROSS_COMPILER, Package};
