//! limen-install: one order of the steward, carried out in one provider's tree.
//!
//! The conversation (`limen_proto::install`) has one order, for an installation one question back, and one
//! outcome. What comes from the network is touched in this process alone, which has no network, no
//! privilege beyond its provider's tree, and ends with the order. The sequence of an installation is the
//! argument for its safety:
//!
//! 1. envelope and signature: nothing is parsed before one of the provider's keys is seen to have signed it;
//! 2. manifest: parsed, its provider and architecture compared with the order;
//! 3. `Admit`: the steward compares it with contract, counter and what is there, and says go or no;
//! 4. indexes: proved by the manifest's digests, checked;
//! 5. every entry made in staging, its space reserved;
//! 6. chunks: each proved before it is unpacked;
//! 7. the end of the file, the entries once more, the disk, and the rename into the store.
//!
//! Whatever fails, nothing is left but the refusal, which says what to do. The steward's hang-up is a
//! failure too.

mod bundle;
mod error;
mod session;
mod summary;
mod upload;

pub use error::InstallError;
pub use session::{Hand, run};

use crate::manifest::Architecture;

/// Descriptor number of the channel to the steward.
pub const CHANNEL_DESCRIPTOR: i32 = 4;

/// Descriptor number of the upload stream.
pub const UPLOAD_DESCRIPTOR: i32 = 5;

/// Where limen-install finds its provider's tree.
pub const TENANT_PATH: &str = "/tenant";

/// The architecture that this program was built for; none for one that bundles do not know.
#[must_use]
pub fn own_architecture() -> Option<Architecture> {
    match std::env::consts::ARCH {
        "aarch64" => Some(Architecture::Aarch64),
        "arm" => Some(Architecture::Armv7),
        "x86_64" => Some(Architecture::X86_64),
        _ => None,
    }
}
