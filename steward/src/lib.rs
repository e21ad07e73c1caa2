//! limen-steward: policy, the one owner of what shall be
//!
//! Desired state, credentials, contracts, grants, counters, admission and audit have one owner and one
//! writer. It decides; limen-init acts. It can be killed at any moment: what runs goes on, and the
//! next one adopts it.
//!
//! | module | what |
//! | --- | --- |
//! | [`core`] | every decision; no I/O, no clock |
//! | [`state`] | the one transactional file, its generations, its seal |
//! | [`shell`] | sockets and the loop |
//!
//! It deliberately opens no socket of its own, executes nothing, and writes no file but its own: it
//! starts with its control socket, and every other descriptor arrives there.

pub mod core;
pub mod shell;
pub mod state;
