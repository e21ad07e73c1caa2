//! The attacks, by wall

pub(crate) mod devices;
pub(crate) mod execution;
pub(crate) mod files;
pub(crate) mod kernel;
pub(crate) mod mounts;
pub(crate) mod namespaces;
pub(crate) mod network;
pub(crate) mod privileges;
pub(crate) mod processes;
pub(crate) mod resources;
pub(crate) mod sockets;

use crate::attempt::Attack;

/// Refusals of a right that is not there, or of a call that is filtered.
pub(crate) const DENIED: &[i32] = &[libc::EPERM, libc::EACCES, libc::ENOSYS];
/// The same, and what is not there cannot be opened.
pub(crate) const ABSENT: &[i32] = &[
    libc::EPERM,
    libc::EACCES,
    libc::ENOSYS,
    libc::ENOENT,
    libc::ENOTDIR,
    libc::EROFS,
    libc::EXDEV,
    libc::ENXIO,
    libc::ENODEV,
];

/// Every attack that leaves the attacker alive, in the catalogue's order.
pub(crate) fn all() -> Vec<Attack> {
    let mut all: Vec<Attack> = [
        privileges::ATTACKS,
        files::ATTACKS,
        mounts::ATTACKS,
        namespaces::ATTACKS,
        devices::ATTACKS,
        execution::ATTACKS,
        processes::ATTACKS,
        kernel::ATTACKS,
        sockets::ATTACKS,
        network::ATTACKS,
        resources::ATTACKS,
    ]
    .concat();
    all.sort_by_key(|attack| attack.id);
    all
}
