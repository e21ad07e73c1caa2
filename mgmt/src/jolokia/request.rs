//! One Jolokia request, whether it came as a path or as JSON
//!
//! Parsing decides everything that can be decided without looking at an object. Explicit nulls count
//! as absent and unknown keys are ignored, as clients expect. Two choices of our own, in
//! docs/reference/management.md: a missing `mbean` is refused (the reference agent reads everything),
//! and `target` (proxying) is refused.

use serde_json::{Map, Value, json};

use super::fields::{
    arguments, attribute_of, echo_path, inner_path, malformed, rest, target, text, text_value,
    wanted,
};
use super::options::Options;
use super::problem::Problem;
use crate::object::ObjectName;

/// A request that was understood.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// What to repeat in the answer.
    pub echo: Map<String, Value>,
    /// What is asked.
    pub command: Command,
    /// How to shape the answer.
    pub options: Options,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(super) enum Command {
    /// Values of attributes.
    Read {
        /// Of which objects.
        target: Target,
        /// Which attributes.
        wanted: Wanted,
        /// Where inside the value.
        path: Vec<String>,
    },
    /// Change of an attribute: nothing here can be written, but the errors differ.
    Write {
        /// Of which object.
        target: Target,
        /// Which attribute.
        attribute: String,
    },
    /// An operation.
    Exec {
        /// Of which object.
        target: Target,
        /// Name, with or without signature.
        operation: String,
        /// As they came.
        arguments: Vec<Value>,
    },
    /// Names of objects.
    Search {
        /// Which.
        target: Target,
    },
    /// Descriptions of objects.
    List {
        /// Domain, properties, section.
        path: Vec<String>,
    },
    /// What agent this is.
    Version,
    /// How to authenticate.
    Config,
    /// Subscriptions, which this agent does not have.
    Notification,
}

/// An object name or pattern, and how it was written.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// As it came.
    pub given: String,
    /// As it is understood.
    pub name: ObjectName,
}

/// Attributes of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of them.
    All,
    /// One: the answer is its value.
    One(String),
    /// Several: the answer is an object, even for a list of one.
    Many(Vec<String>),
}

impl Request {
    /// Understands a GET. `parts` are the segments behind the base path.
    ///
    /// # Errors
    /// [`Problem::Malformed`].
    pub(super) fn from_path(parts: &[String], options: Options) -> Result<Self, Problem> {
        let mut parts = parts.iter().cloned();
        let kind = parts.next().unwrap_or_else(|| "version".to_owned());
        let mut fields = Map::new();
        let mut take = |key: &str, parts: &mut dyn Iterator<Item = String>| {
            if let Some(part) = parts.next() {
                fields.insert(key.to_owned(), Value::from(part));
            }
        };
        let kind = kind.to_ascii_lowercase();
        match kind.as_str() {
            "read" => {
                take("mbean", &mut parts);
                let attribute = parts.next().map_or(Value::Null, |part| attribute_of(&part));
                fields.insert("attribute".to_owned(), attribute);
                fields.insert("path".to_owned(), rest(parts));
            }
            "write" => {
                take("mbean", &mut parts);
                take("attribute", &mut parts);
                let value = parts.next().map_or(Value::Null, |part| text_value(&part));
                fields.insert("value".to_owned(), value);
                fields.insert("path".to_owned(), rest(parts));
            }
            "exec" => {
                take("mbean", &mut parts);
                take("operation", &mut parts);
                let arguments: Value = parts.map(|part| text_value(&part)).collect();
                fields.insert("arguments".to_owned(), arguments);
            }
            "search" => take("mbean", &mut parts),
            "list" => {
                fields.insert("path".to_owned(), rest(parts));
            }
            _ => {}
        }
        Self::understand(&kind, &fields, options)
    }

    /// Understands one JSON object.
    ///
    /// # Errors
    /// [`Problem::Malformed`].
    pub(super) fn from_json(
        body: &Map<String, Value>,
        mut options: Options,
    ) -> Result<Self, Problem> {
        match body.get("config") {
            Some(Value::Object(config)) => options.set_all(config)?,
            Some(Value::Null) | None => {}
            Some(_) => return Err(malformed("\"config\" must be an object")),
        }
        if body.get("target").is_some_and(|target| !target.is_null()) {
            return Err(malformed("this agent is no proxy: leave out \"target\""));
        }
        let kind = text(body, "type")?.ok_or_else(|| malformed("\"type\" is missing"))?;
        Self::understand(&kind.to_ascii_lowercase(), body, options)
    }

    fn understand(
        kind: &str,
        fields: &Map<String, Value>,
        options: Options,
    ) -> Result<Self, Problem> {
        let mut echo = Map::from_iter([("type".to_owned(), Value::from(kind))]);
        let command = match kind {
            "read" => {
                let wanted = wanted(fields)?;
                let path = inner_path(fields)?;
                let target = target(fields, &mut echo)?;
                match &wanted {
                    Wanted::All => echo.insert("attribute".to_owned(), json!([])),
                    Wanted::One(name) => echo.insert("attribute".to_owned(), json!(name)),
                    Wanted::Many(names) => echo.insert("attribute".to_owned(), json!(names)),
                };
                echo_path(&path, &mut echo);
                Command::Read {
                    target,
                    wanted,
                    path,
                }
            }
            "write" => {
                let target = target(fields, &mut echo)?;
                let attribute = text(fields, "attribute")?
                    .ok_or_else(|| malformed("\"attribute\" is missing"))?;
                echo.insert("attribute".to_owned(), json!(attribute));
                let value = fields.get("value").cloned().unwrap_or_default();
                echo.insert("value".to_owned(), value);
                echo_path(&inner_path(fields)?, &mut echo);
                Command::Write { target, attribute }
            }
            "exec" => {
                let target = target(fields, &mut echo)?;
                let operation = text(fields, "operation")?
                    .ok_or_else(|| malformed("\"operation\" is missing"))?;
                echo.insert("operation".to_owned(), json!(operation));
                let arguments = arguments(fields)?;
                if !arguments.is_empty() {
                    echo.insert("arguments".to_owned(), json!(arguments));
                }
                Command::Exec {
                    target,
                    operation,
                    arguments,
                }
            }
            "search" => Command::Search {
                target: target(fields, &mut echo)?,
            },
            "list" => {
                let path = inner_path(fields)?;
                if path.len() > 3 {
                    return Err(malformed("a list path has at most three parts"));
                }
                echo_path(&path, &mut echo);
                Command::List { path }
            }
            "version" => Command::Version,
            "config" => Command::Config,
            "notification" => Command::Notification,
            other => {
                let shown: String = other.chars().take(40).collect();
                return Err(malformed(&format!("unknown type \"{shown}\"")));
            }
        };
        Ok(Self {
            echo,
            command,
            options,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::path;
    use super::*;

    fn get(path: &str) -> Result<Request, Problem> {
        let parts = path::split_url(path).expect("UTF-8");
        Request::from_path(&parts, Options::default())
    }

    fn post(body: Value) -> Result<Request, Problem> {
        let body = body.as_object().expect("an object");
        Request::from_json(body, Options::default())
    }

    #[test]
    fn a_path_and_its_json_are_the_same_request() {
        for (path, body) in [
            (
                "/READ/limen:type=Core/Units,Version/0",
                json!({"type": "read", "mbean": "limen:type=Core",
                       "attribute": ["Units", "Version"], "path": "0"}),
            ),
            (
                "/read/limen:type=Core/*/x!/y",
                json!({"type": "READ", "mbean": "limen:type=Core", "attribute": null,
                       "path": "x!/y", "config": {}, "target": null, "nonsense": 1}),
            ),
            (
                "/exec/limen:type=Core/f/[null]/%22%22/1",
                json!({"type": "exec", "mbean": "limen:type=Core", "operation": "f",
                       "arguments": [null, "", "1"]}),
            ),
            ("/list/limen", json!({"type": "list", "path": ["limen"]})),
            ("/", json!({"type": "version", "mbean": null, "path": "/"})),
        ] {
            let (get, post) = (get(path).expect(path), post(body).expect(path));
            assert_eq!(get.echo, post.echo, "{path}");
            assert_eq!(
                format!("{:?}", get.command),
                format!("{:?}", post.command),
                "{path}"
            );
        }
    }

    #[test]
    fn the_echo_is_what_clients_merge_by() {
        let request = get("/read/limen:type=Core/Units/0/Name").expect("good");
        let wanted = json!({"type": "read", "mbean": "limen:type=Core", "attribute": "Units",
                            "path": "0/Name"});
        assert_eq!(Value::Object(request.echo), wanted);
        let request = get("/search/limen:type=*,a=b").expect("good");
        assert_eq!(request.echo["mbean"], json!("limen:a=b,type=*"));
    }

    #[test]
    fn what_breaks_the_protocol_is_malformed() {
        for path in [
            "/write/limen:type=Core",
            "/dance",
            "/read",
            "/read/limen",
            "/exec/a:b=c",
            "/list/a/b/c/d",
        ] {
            assert!(matches!(get(path), Err(Problem::Malformed(_))), "{path}");
        }
        for body in [
            json!({}),
            json!({"type": 1}),
            json!({"type": "read", "mbean": null}),
            json!({"type": "read", "mbean": "a:b=c", "attribute": 7}),
            json!({"type": "version", "target": {"url": "x"}}),
            json!({"type": "version", "config": {"maxDepth": "deep"}}),
            json!({"type": "exec", "mbean": "a:b=c", "operation": "f", "arguments": "x"}),
        ] {
            assert!(
                matches!(post(body.clone()), Err(Problem::Malformed(_))),
                "{body}"
            );
        }
    }
}
