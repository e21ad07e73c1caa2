//! Shaping of values: inner paths, depth, size, exact numbers
//!
//! Pure functions from a value to the value that is sent. Order matters: first the path, then the
//! limits.

use serde_json::{Map, Number, Value};

use super::options::Options;
use super::problem::Problem;

/// Text that stands for what was left out because `maxObjects` was reached.
const LIMIT_EXCEEDED: &str = "[Object limit exceeded]";

/// Largest whole number that a float holds exactly, 2^53 - 1.
const EXACT: u64 = (1 << 53) - 1;

/// Follows an inner path. A missing key of a map is null, as in the reference agent; `*` takes every
/// entry.
///
/// # Errors
/// A step into something that has no parts, an index that is none, or `*` as last step.
pub(super) fn follow(value: &Value, path: &[String]) -> Result<Value, Problem> {
    let Some((step, rest)) = path.split_first() else {
        return Ok(value.clone());
    };
    if step == "*" && rest.is_empty() {
        return Err(Problem::illegal("a path must not end in *"));
    }
    match value {
        Value::Object(map) if step == "*" => {
            let followed = map
                .iter()
                .map(|(key, inner)| Ok((key.clone(), follow(inner, rest)?)));
            followed
                .collect::<Result<Map<_, _>, _>>()
                .map(Value::Object)
        }
        Value::Object(map) => match map.get(step) {
            Some(inner) => follow(inner, rest),
            None => Ok(Value::Null),
        },
        Value::Array(list) if step == "*" => {
            let followed = list.iter().map(|inner| follow(inner, rest));
            followed.collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        Value::Array(list) => {
            let inner = step.parse().ok().and_then(|index: usize| list.get(index));
            let missing = || Problem::illegal(format!("the path has no index {step}"));
            follow(inner.ok_or_else(missing)?, rest)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(
            Problem::illegal(format!("the path leads into a plain value at {step}")),
        ),
    }
}

/// Applies the limits of a request to a value.
pub(super) fn limit(value: Value, options: &Options) -> Value {
    let mut written = 0;
    cut(value, 1, &mut written, options)
}

fn cut(value: Value, depth: usize, written: &mut usize, options: &Options) -> Value {
    *written += 1;
    if options.max_objects != 0 && *written > options.max_objects {
        return Value::from(LIMIT_EXCEEDED);
    }
    let too_deep = options.max_depth != 0 && depth > options.max_depth;
    let keep = match options.max_collection_size {
        0 => usize::MAX,
        size => size,
    };
    match value {
        Value::Null => Value::Null,
        Value::String(text) => Value::String(text),
        other if too_deep => Value::String(other.to_string()),
        Value::Number(number) => exact(number, options),
        Value::Bool(flag) => Value::Bool(flag),
        Value::Array(list) => {
            let kept = list.into_iter().take(keep);
            kept.map(|inner| cut(inner, depth + 1, written, options))
                .collect()
        }
        Value::Object(map) => {
            let kept = map.into_iter().take(keep);
            let cut = kept.map(|(key, inner)| (key, cut(inner, depth + 1, written, options)));
            Value::Object(cut.collect())
        }
    }
}

fn exact(number: Number, options: &Options) -> Value {
    let wide = number.as_u64().is_some_and(|number| number > EXACT)
        || number
            .as_i64()
            .is_some_and(|number| number.unsigned_abs() > EXACT);
    if options.long_as_text && wide {
        Value::String(number.to_string())
    } else {
        Value::Number(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(text: &str) -> Vec<String> {
        super::super::path::split(text)
    }

    #[test]
    fn paths_lead_inside() {
        let value = json!({"Limits": {"memory": 7}, "Ports": [{"Port": 80}, {"Port": 81}]});
        for (steps, wanted) in [
            ("Limits/memory", json!(7)),
            ("Ports/1/Port", json!(81)),
            ("Ports/*/Port", json!([80, 81])),
            ("Nothing/there", json!(null)),
        ] {
            assert_eq!(follow(&value, &path(steps)), Ok(wanted), "{steps}");
        }
        for steps in ["Ports/7", "Limits/memory/x", "Ports/*"] {
            assert!(follow(&value, &path(steps)).is_err(), "{steps}");
        }
    }

    #[test]
    fn limits_cut_and_numbers_stay_exact() {
        let big = json!({"a": 9_007_199_254_740_993_u64, "b": [1, 2, 3], "c": {"d": 1.5}});
        assert_eq!(limit(big.clone(), &Options::default()), big);
        let text = Options {
            long_as_text: true,
            ..Options::default()
        };
        assert_eq!(limit(big.clone(), &text)["a"], json!("9007199254740993"));
        let shallow = Options {
            max_depth: 2,
            max_collection_size: 2,
            ..Options::default()
        };
        assert_eq!(
            limit(big.clone(), &shallow),
            json!({"a": 9_007_199_254_740_993_u64, "b": ["1", "2"]})
        );
        let few = Options {
            max_objects: 2,
            ..Options::default()
        };
        assert_eq!(limit(big, &few)["b"], json!(LIMIT_EXCEEDED));
    }
}
