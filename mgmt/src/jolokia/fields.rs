//! The fields of a request, each by its rule
//!
//! A path and a JSON object arrive here as the same map of fields.

use serde_json::{Map, Value, json};

use super::path;
use super::problem::Problem;
use super::request::{Target, Wanted};
use crate::object::ObjectName;

pub(super) fn malformed(message: &str) -> Problem {
    Problem::Malformed(message.to_owned())
}

/// A field that is text; null and absent are the same.
pub(super) fn text(fields: &Map<String, Value>, key: &str) -> Result<Option<String>, Problem> {
    match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(malformed(&format!("\"{key}\" must be text"))),
    }
}

pub(super) fn target(
    fields: &Map<String, Value>,
    echo: &mut Map<String, Value>,
) -> Result<Target, Problem> {
    let given = text(fields, "mbean")?.ok_or_else(|| malformed("\"mbean\" is missing"))?;
    let name: ObjectName = given
        .parse()
        .map_err(|error| malformed(&format!("{error}")))?;
    let shown = if name.is_pattern() {
        name.text(true)
    } else {
        given.clone()
    };
    echo.insert("mbean".to_owned(), Value::from(shown));
    Ok(Target { given, name })
}

pub(super) fn wanted(fields: &Map<String, Value>) -> Result<Wanted, Problem> {
    let refused = || malformed("\"attribute\" must be text or a list of texts");
    match fields.get("attribute") {
        None | Some(Value::Null) => Ok(Wanted::All),
        Some(Value::String(name)) if name.is_empty() => Ok(Wanted::All),
        Some(Value::String(name)) => Ok(Wanted::One(name.clone())),
        Some(Value::Array(list)) if list.is_empty() => Ok(Wanted::All),
        Some(Value::Array(list)) => {
            let names = list.iter().map(|name| name.as_str().map(str::to_owned));
            names
                .collect::<Option<_>>()
                .map(Wanted::Many)
                .ok_or_else(refused)
        }
        Some(_) => Err(refused()),
    }
}

/// `path`: text, or (a client's habit) a list of steps. `"/"` and the empty text are no path.
pub(super) fn inner_path(fields: &Map<String, Value>) -> Result<Vec<String>, Problem> {
    match fields.get("path") {
        Some(Value::Array(steps)) => {
            let steps = steps.iter().map(|step| step.as_str().map(str::to_owned));
            steps
                .collect::<Option<_>>()
                .ok_or_else(|| malformed("\"path\" must be text"))
        }
        _ => {
            let given = text(fields, "path")?.unwrap_or_default();
            Ok(path::split(given.strip_prefix('/').unwrap_or(&given)))
        }
    }
}

pub(super) fn arguments(fields: &Map<String, Value>) -> Result<Vec<Value>, Problem> {
    match fields.get("arguments") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => Ok(list.clone()),
        Some(_) => Err(malformed("\"arguments\" must be a list")),
    }
}

pub(super) fn echo_path(path: &[String], echo: &mut Map<String, Value>) {
    if !path.is_empty() {
        echo.insert("path".to_owned(), Value::from(path::join(path)));
    }
}

/// The attribute segment of a GET: `*` is all, commas make a list.
pub(super) fn attribute_of(part: &str) -> Value {
    if part == "*" {
        return Value::Null;
    }
    match path::split_names(part).as_slice() {
        [one] => json!(one),
        many => json!(many),
    }
}

/// A value segment of a GET: `[null]` and `*` are null, `""` is the empty text.
pub(super) fn text_value(part: &str) -> Value {
    match part {
        "[null]" | "*" => Value::Null,
        "\"\"" => Value::from(""),
        text => Value::from(text),
    }
}

pub(super) fn rest(parts: impl Iterator<Item = String>) -> Value {
    parts.collect()
}
