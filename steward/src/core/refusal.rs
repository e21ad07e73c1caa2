//! Refusals: one constructor a kind, one text for what is absent
//!
//! What a caller may not see and what does not exist must read the same, so the texts of absence
//! stand here and nowhere else.

use limen_proto::manage::{Refusal, RefusalKind};
use limen_proto::name::Name;

fn refusal(kind: RefusalKind, message: impl Into<String>) -> Refusal {
    Refusal {
        kind,
        message: message.into(),
    }
}

/// No such thing, or not for this caller.
pub fn not_found(message: impl Into<String>) -> Refusal {
    refusal(RefusalKind::NotFound, message)
}

/// No such virtual gateway, or not for this caller.
pub fn no_vgw(provider: &Name) -> Refusal {
    not_found(format!(
        "there is no virtual gateway of provider {provider}; list them to see what there is"
    ))
}

/// No such bundle, or not for this caller.
pub fn no_bundle(name: &Name) -> Refusal {
    not_found(format!(
        "there is no bundle {name}; list the bundles to see what there is"
    ))
}

/// No such grant, or not for this caller.
pub fn no_grant(id: u64) -> Refusal {
    not_found(format!(
        "there is no grant {id}; list the grants to see what there is"
    ))
}

/// The role does not have the verb.
pub fn forbidden(message: impl Into<String>) -> Refusal {
    refusal(RefusalKind::Forbidden, message)
}

/// The argument breaks a rule.
pub fn invalid(message: impl Into<String>) -> Refusal {
    refusal(RefusalKind::Invalid, message)
}

/// It exists already, or is in a state that does not allow this.
pub fn conflict(message: impl Into<String>) -> Refusal {
    refusal(RefusalKind::Conflict, message)
}

/// It does not fit.
pub fn not_admitted(message: impl Into<String>) -> Refusal {
    refusal(RefusalKind::NotAdmitted, message)
}

/// A part of the core is not there now.
pub fn unavailable(message: impl Into<String>) -> Refusal {
    refusal(RefusalKind::Unavailable, message)
}

/// The box failed.
pub fn failed(message: impl Into<String>) -> Refusal {
    refusal(RefusalKind::Failed, message)
}
