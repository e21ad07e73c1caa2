//! The bundle: manifest, index, chunks, signature, store, and the program that installs them.
//!
//! A bundle is the signed unit of deployment; `docs/reference/bundle.md` is its normative description
//! and this crate its one implementation. The modules follow the file from its first byte to its last:
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`envelope`] | the twenty bytes in front |
//! | [`manifest`] | what the bundle says of itself: raw TOML, then validated |
//! | [`signature`] | whose word that is |
//! | [`index`] | the tree of one architecture: [`path`], [`link`], [`chunk`] |
//! | [`reader`] | the whole file as a stream, each byte proved before it is used |
//! | [`store`] | a provider's tree on the data disk: store, staging, volumes |
//! | [`install`] | limen-install: requests of the steward carried out in that tree |
//! | `pack`, `sign`, `inspect`, `diff` | the developer's side, behind the feature `tools` |
//!
//! Invariants: nothing of a file is parsed before the signature over it holds, but the envelope's
//! twenty bytes; no length is believed before it was compared with a fixed limit; what is held in
//! memory is bounded by [`limits`], whatever the file says.
//!
//! What this crate does not do: decide. Which keys count, whether a contract has room and which counter
//! is too old is the steward's knowledge; it arrives with the request.

pub mod chunk;
pub mod digest;
pub mod envelope;
pub mod index;
pub mod install;
pub mod limits;
pub mod link;
pub mod manifest;

pub mod path;
pub mod quote;
pub mod reader;
pub mod signature;
pub mod size;
pub mod store;

#[cfg(feature = "tools")]
pub mod diff;
#[cfg(feature = "tools")]
pub mod inspect;
#[cfg(feature = "tools")]
pub mod pack;
#[cfg(feature = "tools")]
pub mod sign;
