//! What others made, as the tree that a bundle is packed from
//!
//! An OCI image or a set of Debian packages is read on the developer's machine, proved against its own
//! digests, and merged into one [`Tree`] in memory with its contents in an unnamed temporary file. Nothing
//! is written to a named place before [`Tree::extract`], and that only beneath a directory of the caller's:
//! no path, link or device of a hostile archive ever meets the file system on the way.
//!
//! What a bundle cannot hold is refused with its path and a remedy; what it does not need (owners, times,
//! setuid bits, file capabilities, what lies below `/dev`) is left out and counted in [`Notes`], never in silence.
//!
//! It does not fetch from a registry (`skopeo copy` does) and does not run a package's scripts.

mod compression;
mod content;
pub mod debian;
mod layer;
pub mod machine;
mod notes;
pub mod oci;
mod program;
mod tree;

pub use layer::LayerError;
pub use notes::Notes;
pub use program::{NotFound, find as find_program};
pub use tree::Tree;
