//! The shell: one epoll loop, its sockets and their queues
//!
//! | part | what it owns |
//! |---|---|
//! | [`sources`] | the epoll set: which descriptor stands for what |
//! | [`control`] | the control socket: init's events, the descriptor store |
//! | [`steward`] | the link to the steward: decisions in, reports out |
//! | [`peer`] | a bundle's connection and what waits for it |
//! | [`kept`] | the kept duplicates of service ends: cutting and hang-ups |
//! | [`turn`] | the loop |
//!
//! Nothing a bundle does makes the loop wait: bundles' sockets are written without blocking, and a
//! peer is read only when the registry may answer it. Only init is waited for: it is what the
//! broker stands on.

mod control;
mod effects;
mod error;
mod kept;
mod peer;
mod sources;
mod steward;
#[cfg(test)]
mod tests;
mod turn;

pub use error::ShellError;
pub use turn::Shell;
