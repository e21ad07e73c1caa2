//! Why a Jolokia request has no value
//!
//! The class names are Java's because clients decide by them: Hawtio ignores by name, jmx4perl
//! prints them. `Malformed` is what the reference agent answers with HTTP 400: the request itself
//! cannot be understood.

use limen_proto::manage::{Refusal, RefusalKind};
use serde_json::{Map, Value, json};

/// Why a request has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The request breaks the protocol.
    Malformed(String),
    /// The request is understood and fails.
    Fault {
        /// Status of the answer's object, as in HTTP.
        status: u16,
        /// Java-style class name.
        class: &'static str,
        /// What exactly.
        message: String,
        /// What kind of refusal it was, when the steward refused.
        refusal: Option<&'static str>,
    },
}

const MISSING_OBJECT: &str = "javax.management.InstanceNotFoundException";
const MISSING_ATTRIBUTE: &str = "javax.management.AttributeNotFoundException";
const ILLEGAL_ARGUMENT: &str = "java.lang.IllegalArgumentException";

impl Problem {
    fn fault(status: u16, class: &'static str, message: impl Into<String>) -> Self {
        Self::Fault {
            status,
            class,
            message: message.into(),
            refusal: None,
        }
    }

    /// No such object for this caller. The text depends on nothing but the name that was asked for.
    pub fn no_object(name: &str) -> Self {
        Self::fault(404, MISSING_OBJECT, name)
    }

    /// The answers of a bulk are larger than one bulk may be.
    pub fn too_large() -> Self {
        let message = "the answers before this one fill a bulk: ask for the rest in another, or for \
                       less with path, maxDepth or maxCollectionSize";
        Self::fault(413, ILLEGAL_ARGUMENT, message)
    }

    /// A pattern that matches nothing.
    pub fn no_match(pattern: &str) -> Self {
        let message = format!("no object matches {pattern}");
        Self::fault(404, MISSING_OBJECT, message)
    }

    /// No such attribute.
    pub fn no_attribute(attribute: &str, name: &str) -> Self {
        let message = format!("No attribute {attribute} found on {name}");
        Self::fault(404, MISSING_ATTRIBUTE, message)
    }

    /// An attribute that cannot be written.
    pub fn read_only(attribute: &str) -> Self {
        let message =
            format!("attribute {attribute} is read-only; what changes, changes by an operation");
        Self::fault(404, MISSING_ATTRIBUTE, message)
    }

    /// No such operation.
    pub fn no_operation(operation: &str, name: &str, known: &[&str]) -> Self {
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        let message = format!("No operation {operation} found on {name}. Known: {known}");
        Self::fault(500, "java.lang.NoSuchMethodException", message)
    }

    /// An argument of the protocol (a path, a section) that leads nowhere.
    pub fn illegal(message: impl Into<String>) -> Self {
        Self::fault(500, ILLEGAL_ARGUMENT, message)
    }

    /// A command that this agent does not have.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::fault(500, "java.lang.UnsupportedOperationException", message)
    }

    /// A request that a browser was tricked into.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::fault(403, "java.lang.Exception", message)
    }

    /// The status of this problem's answer.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Fault { status, .. } => *status,
        }
    }

    /// The answer's object, but for the echo of the request.
    pub fn object(&self) -> Map<String, Value> {
        let (class, message, refusal) = match self {
            Self::Malformed(message) => (ILLEGAL_ARGUMENT, message, None),
            Self::Fault {
                class,
                message,
                refusal,
                ..
            } => (*class, message, *refusal),
        };
        let mut object = Map::new();
        object.insert(".error".to_owned(), Value::Bool(true));
        object.insert("error_type".to_owned(), json!(class));
        if class.starts_with("javax.management.") {
            object.insert("error_type_jmx".to_owned(), json!(class));
        }
        object.insert("error".to_owned(), json!(format!("{class} : {message}")));
        object.insert("status".to_owned(), json!(self.status()));
        if let Some(kind) = refusal {
            object.insert("refusal".to_owned(), json!(kind));
            object.insert("reason".to_owned(), json!(message));
        }
        object
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, class) = match refusal.kind {
            RefusalKind::NotFound => (404, MISSING_OBJECT),
            RefusalKind::Forbidden => (403, "java.lang.SecurityException"),
            RefusalKind::Invalid => (400, ILLEGAL_ARGUMENT),
            RefusalKind::Conflict => (409, "java.lang.IllegalStateException"),
            RefusalKind::NotAdmitted => (507, "java.lang.IllegalStateException"),
            RefusalKind::Untrusted => (422, "java.security.SignatureException"),
            RefusalKind::Unavailable => (503, "java.lang.IllegalStateException"),
            RefusalKind::Failed => (500, "java.lang.RuntimeException"),
        };
        Self::Fault {
            status,
            class,
            message: refusal.message,
            refusal: Some(kind_name(refusal.kind)),
        }
    }
}

/// A refusal's kind as clients see it, here and in the answers of `POST /bundles`.
pub const fn kind_name(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::NotFound => "NotFound",
        RefusalKind::Forbidden => "Forbidden",
        RefusalKind::Invalid => "Invalid",
        RefusalKind::Conflict => "Conflict",
        RefusalKind::NotAdmitted => "NotAdmitted",
        RefusalKind::Untrusted => "Untrusted",
        RefusalKind::Unavailable => "Unavailable",
        RefusalKind::Failed => "Failed",
    }
}
