//! The nouns of the command line, one file each
//!
//! A noun's verbs are an enum whose `run` is one match: arguments in, a few requests, something
//! printed.

pub(crate) mod audit;
pub(crate) mod bundle;
pub(crate) mod core;
pub(crate) mod grant;
pub(crate) mod object;
pub(crate) mod usage;
pub(crate) mod vgw;
