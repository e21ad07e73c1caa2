//! Answers: the object around a value, the object of an error, HTTP 400
//!
//! An answer has a timestamp, an error has none: clients tell them apart by that.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::request::Request;

/// What goes back over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// HTTP 200, JSON.
    Json(Value),
    /// HTTP 400, text: a request alone that breaks the protocol.
    BadRequest(String),
}

/// A request that was not understood at all: there is no echo.
pub(super) fn refuse(problem: &Problem) -> Reply {
    match problem {
        Problem::Malformed(message) => Reply::BadRequest(format!("400 (Bad Request): {message}\n")),
        Problem::Fault { .. } => Reply::Json(Value::Object(problem.object())),
    }
}

/// An error, with the echo of its request.
pub(super) fn failure(request: &Request, problem: &Problem) -> Value {
    let mut object = Map::new();
    if request.options.include_request {
        object.insert("request".to_owned(), Value::Object(request.echo.clone()));
    }
    object.extend(problem.object());
    Value::Object(object)
}

/// A good answer; without a value it says that nothing changed.
pub(super) fn envelope(request: &Request, value: Option<Value>) -> Value {
    let mut object = Map::new();
    if request.options.include_request {
        object.insert("request".to_owned(), Value::Object(request.echo.clone()));
    }
    let status = if value.is_some() { 200 } else { 304 };
    if let Some(value) = value {
        object.insert("value".to_owned(), value);
    }
    object.insert("status".to_owned(), json!(status));
    object.insert("timestamp".to_owned(), json!(now()));
    Value::Object(object)
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
