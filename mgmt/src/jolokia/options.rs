//! Processing parameters: from the query string and from `config`
//!
//! `config` wins over the query, key by key. Unknown keys are ignored, a known key with a value of
//! the wrong kind is refused, in both places alike.

use serde_json::{Map, Value};

use super::problem::Problem;

/// How an answer is to be shaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Levels of containers to keep; 0 is all.
    pub max_depth: usize,
    /// Entries of a container to keep; 0 is all.
    pub max_collection_size: usize,
    /// Values to write in all; 0 is any number.
    pub max_objects: usize,
    /// 64-bit numbers as text, for clients whose numbers are floats.
    pub long_as_text: bool,
    /// A failing attribute is an error in its slot, not of the whole read.
    pub ignore_errors: bool,
    /// Keys of names in alphabetic order.
    pub canonical_naming: bool,
    /// Echo the request.
    pub include_request: bool,
    /// `list` only: answer 304 when nothing changed since (epoch seconds).
    pub if_modified_since: Option<u64>,
    /// `list` only: share equal descriptions.
    pub list_cache: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_depth: 0,
            max_collection_size: 0,
            max_objects: 0,
            long_as_text: false,
            ignore_errors: false,
            canonical_naming: false,
            include_request: true,
            if_modified_since: None,
            list_cache: false,
        }
    }
}

impl Options {
    /// Takes one parameter.
    ///
    /// # Errors
    /// The key is known and the value is not of its kind.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), Problem> {
        match key {
            "maxDepth" => self.max_depth = number(key, value)?,
            "maxCollectionSize" => self.max_collection_size = number(key, value)?,
            "maxObjects" => self.max_objects = number(key, value)?,
            "serializeLong" => self.long_as_text = word(key, value, &["number", "string"])? == 1,
            "ignoreErrors" => self.ignore_errors = flag(key, value)?,
            "canonicalNaming" => self.canonical_naming = flag(key, value)?,
            "includeRequest" => self.include_request = flag(key, value)?,
            "listCache" => self.list_cache = flag(key, value)?,
            "ifModifiedSince" => {
                self.if_modified_since = Some(number::<u64>(key, value)?).filter(|time| *time > 0);
            }
            // What these ask for does not exist here; their values are held to the rules all the same.
            "includeStackTrace" => {
                word(key, value, &["true", "false", "runtime"])?;
            }
            "serializeException" | "listKeys" | "listInterfaces" | "openTypes" => {
                flag(key, value)?;
            }
            "mimeType" => {
                word(key, value, &["application/json", "text/plain"])?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes the `config` of a request.
    ///
    /// # Errors
    /// As [`Options::set`].
    pub fn set_all(&mut self, config: &Map<String, Value>) -> Result<(), Problem> {
        for (key, value) in config {
            match value {
                Value::String(text) => self.set(key, text)?,
                Value::Bool(_) | Value::Number(_) => self.set(key, &value.to_string())?,
                Value::Null | Value::Array(_) | Value::Object(_) => {}
            }
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr>(key: &str, value: &str) -> Result<T, Problem> {
    let refused = |_| Problem::Malformed(format!("{key} must be a whole number"));
    value.parse().map_err(refused)
}

fn flag(key: &str, value: &str) -> Result<bool, Problem> {
    Ok(word(key, value, &["false", "true"])? == 1)
}

fn word(key: &str, value: &str, words: &[&str]) -> Result<usize, Problem> {
    let refused = || Problem::Malformed(format!("{key} must be one of: {}", words.join(", ")));
    words
        .iter()
        .position(|word| *word == value)
        .ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn known_keys_are_held_to_their_kind() {
        let mut options = Options::default();
        let config =
            json!({"maxDepth": "2", "ignoreErrors": true, "serializeLong": "string", "x": 1});
        let config = config.as_object().expect("an object");
        options.set_all(config).expect("good");
        assert_eq!((options.max_depth, options.ignore_errors), (2, true));
        assert!(options.long_as_text);
        for (key, value) in [
            ("maxDepth", "-1"),
            ("maxDepth", "two"),
            ("ignoreErrors", "yes"),
            ("serializeLong", "hex"),
            ("mimeType", "text/html"),
            ("includeStackTrace", "maybe"),
        ] {
            assert!(options.set(key, value).is_err(), "{key}={value}");
        }
    }
}
