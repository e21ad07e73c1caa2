//! The steps of the recipes, one file each
//!
//! A step is a function that does one thing to the calling process, or to what it is about to
//! become, and returns a fault with its own name. Their order stands in `recipe` alone.

pub(crate) mod cgroup;
pub(crate) mod descriptors;
pub(crate) mod exec;
pub(crate) mod features;
pub(crate) mod identity;
pub(crate) mod landlock;
pub(crate) mod limits;
pub(crate) mod namespaces;
pub(crate) mod network;
pub(crate) mod quota;
pub(crate) mod root;
pub(crate) mod seccomp;
pub(crate) mod sysctls;
pub(crate) mod users;
