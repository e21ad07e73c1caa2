//! Reading the gateway's values for people: fields, times

use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

/// A field as text, whatever it is; a dash when there is none.
pub(crate) fn field(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let parts = list.iter().map(|part| match part {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            let joined = parts.collect::<Vec<_>>().join(", ");
            if joined.is_empty() {
                "-".to_owned()
            } else {
                joined
            }
        }
        other => other.to_string(),
    }
}

/// A field as a whole number.
pub(crate) fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or(0)
}

/// Seconds since 1970, for people.
pub(crate) fn time(seconds: u64) -> String {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    // The formatter knows years up to 9999.
    let known = time.filter(|_| seconds < 253_402_300_800);
    known.map_or_else(
        || seconds.to_string(),
        |time| humantime::format_rfc3339_seconds(time).to_string(),
    )
}
