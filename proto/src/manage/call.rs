//! Calls: who asks, and in whose name
//!
//! Every call names its caller; the steward authorises each again.

use serde::{Deserialize, Serialize};

use super::Verb;
use crate::name::Name;

/// mgmt to steward. `id` comes back in the reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Chosen by mgmt.
    pub id: u32,
    /// In whose name.
    pub caller: Caller,
    /// What is asked.
    pub verb: Verb,
}

/// In whose name a call is made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Caller {
    /// mgmt itself: only `Trust`.
    Management,
    /// The operator.
    Operator,
    /// A provider.
    Provider(Name),
}
