//! Why an order was not carried out, and who is to blame.

use limen_channel::ChannelError;
use limen_proto::install::{Refusal, RefusalKind};

use crate::reader::BundleError;
use crate::signature::{KeyError, SignatureError};
use crate::store::StoreError;

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// One of the provider's keys, as the steward gave it.
    #[error("a key of the provider cannot be used: {0}")]
    Key(#[from] KeyError),
    /// Signed by the provider, in another's name.
    #[error(
        "bundle names provider {named}, this is {provider}; correct the manifest's provider and sign it again"
    )]
    Provider {
        /// In the manifest.
        named: String,
        /// Whose virtual gateway it is.
        provider: String,
    },
    /// The steward said no.
    #[error("{0}")]
    NotAdmitted(String),
    /// No stream came with an installation.
    #[error("no upload came with the order to install")]
    NoUpload,
    /// Space.
    #[error(
        "the disk share of the contract has no room for this ({0}); remove bundles or volumes, or ask the operator for more"
    )]
    Full(StoreError),
    /// Two at once.
    #[error("another order is being carried out for this provider; try again when it has ended")]
    Busy,
    /// The tree.
    #[error("the gateway could not store it: {0}")]
    Store(StoreError),
    /// This program was built for something that bundles do not know.
    #[error("this gateway's architecture is none that bundles are made for")]
    Architecture,
    /// The steward sent something that is no order here.
    #[error("the steward sent a message out of turn")]
    OutOfTurn,
    /// The steward is gone, so nobody is told.
    #[error("the channel to the steward failed: {0}")]
    Channel(#[from] ChannelError),
    /// The steward hung up, so nobody is told.
    #[error("the steward hung up")]
    HungUp,
}

impl From<StoreError> for InstallError {
    fn from(error: StoreError) -> Self {
        if error.is_full() {
            Self::Full(error)
        } else if error.is_busy() {
            Self::Busy
        } else {
            Self::Store(error)
        }
    }
}

impl InstallError {
    /// What the steward is told; none if it cannot be told anything.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        let kind = match self {
            Self::Bundle(error) => bundle_kind(error),
            Self::Key(_) => RefusalKind::Untrusted,
            Self::Provider { .. } => RefusalKind::Invalid,
            Self::NotAdmitted(_) => RefusalKind::NotAdmitted,
            Self::NoUpload => RefusalKind::Incomplete,
            Self::Full(_) => RefusalKind::Full,
            Self::Busy | Self::Store(_) | Self::Architecture | Self::OutOfTurn => {
                RefusalKind::Kernel
            }
            Self::Channel(_) | Self::HungUp => return None,
        };
        Some(Refusal {
            kind,
            message: self.to_string(),
        })
    }
}

/// Before the signature holds, damage cannot be told from malice; behind it, the author is to blame for
/// what is wrong and the way for what is missing or other.
fn bundle_kind(error: &BundleError) -> RefusalKind {
    match error {
        BundleError::Signature(SignatureError::Bad(_) | SignatureError::Form(_))
        | BundleError::Envelope(_)
        | BundleError::IndexDigest(_)
        | BundleError::Present
        | BundleError::Trailing => RefusalKind::Corrupt,
        BundleError::Signature(SignatureError::Unsigned | SignatureError::Foreign(_)) => {
            RefusalKind::Untrusted
        }
        BundleError::Manifest(_)
        | BundleError::Index(..)
        | BundleError::Suit(..)
        | BundleError::Architecture { .. } => RefusalKind::Invalid,
        BundleError::Chunk(crate::chunk::ChunkError::Digest(_)) => RefusalKind::Corrupt,
        BundleError::Chunk(_) => RefusalKind::Invalid,
        BundleError::Truncated(_) | BundleError::Read(_) => RefusalKind::Incomplete,
    }
}
