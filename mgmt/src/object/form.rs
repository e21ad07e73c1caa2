//! Types of values, as JMX clients see them, and the conversion of arguments
//!
//! A GET carries every argument as text, a POST as JSON; both end here as the JSON value that the
//! operation was declared with, or as a refusal that names the argument.

use serde_json::Value;

/// The type of an attribute, argument or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Nothing.
    Void,
    /// Text.
    Text,
    /// One of a fixed set of words.
    Word,
    /// 64 bits, signed or not, exact.
    Long,
    /// 32 bits.
    Int,
    /// True or false.
    Boolean,
    /// An object of named values.
    Map,
    /// An array.
    List,
    /// An argument that is a JSON object, or a text that holds one.
    Json,
}

/// An argument that an operation cannot take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

impl Form {
    /// The Java type that `list` shows.
    pub const fn java(self) -> &'static str {
        match self {
            Self::Void => "void",
            Self::Text | Self::Word | Self::Json => "java.lang.String",
            Self::Long => "long",
            Self::Int => "int",
            Self::Boolean => "boolean",
            Self::Map => "java.util.Map",
            Self::List => "java.util.List",
        }
    }

    /// Turns a request's argument into a value of this type.
    ///
    /// # Errors
    /// It is not one; the text says what is expected.
    pub fn convert(self, name: &str, given: &Value) -> Result<Value, Unfit> {
        let refused = |wanted: &str| Unfit(format!("argument \"{name}\" must be {wanted}"));
        match (self, given) {
            (Self::Text | Self::Word, Value::String(_))
            | (Self::Boolean, Value::Bool(_))
            | (Self::Json | Self::Map, Value::Object(_))
            | (Self::List, Value::Array(_)) => Ok(given.clone()),
            (Self::Text | Self::Word, Value::Null) => Ok(Value::from("")),
            (Self::Text | Self::Word, Value::Number(number)) => Ok(Value::from(number.to_string())),
            (Self::Text | Self::Word, Value::Bool(flag)) => Ok(Value::from(flag.to_string())),
            (Self::Long, Value::Number(number)) if number.is_u64() => Ok(given.clone()),
            (Self::Long, Value::String(text)) => {
                let number = text.parse::<u64>();
                number
                    .map(Value::from)
                    .map_err(|_| refused("a whole number"))
            }
            (Self::Int, Value::Number(number)) => {
                let number = number.as_u64().and_then(|wide| u32::try_from(wide).ok());
                number
                    .map(Value::from)
                    .ok_or_else(|| refused("a whole number of 32 bits"))
            }
            (Self::Int, Value::String(text)) => {
                let number = text.parse::<u32>();
                number
                    .map(Value::from)
                    .map_err(|_| refused("a whole number of 32 bits"))
            }
            (Self::Boolean, Value::String(text)) => match text.as_str() {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(refused("true or false")),
            },
            (Self::Json | Self::Map, Value::String(text)) => {
                match serde_json::from_str::<Value>(text) {
                    Ok(value @ Value::Object(_)) => Ok(value),
                    Ok(_) => Err(refused("a JSON object")),
                    Err(error) => Err(Unfit(format!("argument \"{name}\" is not JSON: {error}"))),
                }
            }
            (Self::Text | Self::Word, _) => Err(refused("text")),
            (Self::Long | Self::Int, _) => Err(refused("a whole number")),
            (Self::Boolean, _) => Err(refused("true or false")),
            (Self::Json | Self::Map, _) => Err(refused("a JSON object")),
            (Self::List, _) => Err(refused("a JSON array")),
            (Self::Void, _) => Err(refused("absent")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_convert_from_text_and_from_json() {
        for (form, given, wanted) in [
            (
                Form::Long,
                json!("9007199254740993"),
                json!(9_007_199_254_740_993_u64),
            ),
            (Form::Long, json!(u64::MAX), json!(u64::MAX)),
            (Form::Int, json!("7"), json!(7)),
            (Form::Boolean, json!("true"), json!(true)),
            (Form::Text, json!(null), json!("")),
            (Form::Json, json!("{\"a\":1}"), json!({"a": 1})),
        ] {
            assert_eq!(form.convert("x", &given), Ok(wanted));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        for (form, given) in [
            (Form::Long, json!(-1)),
            (Form::Long, json!(1.5)),
            (Form::Int, json!("4294967296")),
            (Form::Boolean, json!("yes")),
            (Form::Json, json!("[1]")),
            (Form::Json, json!("{")),
            (Form::Text, json!({})),
        ] {
            let refusal = form.convert("after", &given).expect_err("unfit");
            assert!(refusal.0.contains("\"after\""), "{refusal}");
        }
    }
}
