//! Requests in the Jolokia protocol
//!
//! The gateway answers what may not be seen as what is not there; the words for that come from the
//! noun, which knows what was meant.

use std::time::Duration;

use serde_json::{Map, Value, json};
use ureq::Agent;

use super::Connection;
use super::identity::{self, Identity};
use super::trouble::explain;
use crate::failure::Failure;

/// Longest wait for an answer: longer than the gateway's own longest, a removal.
const ANSWER: Duration = Duration::from_secs(300);
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(15);
/// Largest answer, bytes.
const SIZE: u64 = 16 * 1024 * 1024;

/// A gateway, as one caller.
pub(crate) struct Client {
    pub(super) agent: Agent,
    pub(super) identity: Identity,
}

/// A managed object, and what to say when it is not there.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    /// Its name.
    pub(crate) name: String,
    /// What to say.
    pub(crate) absent: String,
}

/// Who the gateway takes the caller for.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Whether it is the operator.
    pub(crate) operator: bool,
    /// The provider whose inside it sees: `core` for the operator.
    pub(crate) provider: String,
}

impl Client {
    /// Reads the connection's files. Nothing is sent yet.
    pub(crate) fn open(connection: &Connection) -> Result<Self, Failure> {
        let (identity, tls) = identity::open(connection)?;
        let config = Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            // A box in the home is not reached through the company's proxy.
            .proxy(None)
            .user_agent(concat!("limenctl/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .build();
        Ok(Self {
            agent: config.into(),
            identity,
        })
    }

    /// Values of an object's attributes: all of them, or those named.
    pub(crate) fn read(
        &self,
        object: &Object,
        attributes: &[String],
        path: Option<&str>,
    ) -> Result<Value, Failure> {
        let attribute = match attributes {
            [] => Value::Null,
            [one] => json!(one),
            many => json!(many),
        };
        let request = json!({
            "type": "read",
            "mbean": object.name,
            "attribute": attribute,
            "path": path,
        });
        self.ask(request, &object.absent)
    }

    /// The outcome of an operation.
    pub(crate) fn exec(
        &self,
        object: &Object,
        operation: &str,
        arguments: &[Value],
    ) -> Result<Value, Failure> {
        let request = json!({
            "type": "exec",
            "mbean": object.name,
            "operation": operation,
            "arguments": arguments,
        });
        self.ask(request, &object.absent)
    }

    /// Names of the objects that match.
    pub(crate) fn search(&self, pattern: &str) -> Result<Vec<String>, Failure> {
        let names = self.ask(json!({"type": "search", "mbean": pattern}), "")?;
        let names = names.as_array().into_iter().flatten();
        Ok(names
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect())
    }

    /// Values of all objects that match, in the gateway's order; none is no error.
    pub(crate) fn read_all(&self, pattern: &str) -> Result<Vec<Value>, Failure> {
        let request = json!({"type": "read", "mbean": pattern});
        match self.answer(&request)? {
            Answer::Value(Value::Object(objects)) => {
                Ok(objects.into_iter().map(|(_, values)| values).collect())
            }
            Answer::Value(other) => Err(Failure::Protocol(other.to_string())),
            Answer::Absent => Ok(Vec::new()),
            Answer::Refused(failure) => Err(failure),
        }
    }

    /// Who the gateway takes the caller for.
    pub(crate) fn caller(&self) -> Result<Caller, Failure> {
        let version = self.ask(json!({"type": "version"}), "")?;
        let limen = &version["info"]["limen"];
        match (limen["role"].as_str(), limen["provider"].as_str()) {
            (Some(role), Some(provider)) => Ok(Caller {
                operator: role == "operator",
                provider: provider.to_owned(),
            }),
            _ => Err(Failure::Protocol(
                "its version does not say who is asking".to_owned(),
            )),
        }
    }

    fn ask(&self, request: Value, absent: &str) -> Result<Value, Failure> {
        match self.answer(&request)? {
            Answer::Value(value) => Ok(value),
            Answer::Absent => Err(Failure::Refused {
                message: absent.to_owned(),
                kind: "NotFound".to_owned(),
            }),
            Answer::Refused(failure) => Err(failure),
        }
    }

    fn answer(&self, request: &Value) -> Result<Answer, Failure> {
        let url = format!("{}/jolokia", self.identity.url);
        let sent = self
            .agent
            .post(&url)
            .header("Content-Type", "application/json")
            .send(request.to_string());
        let mut response = sent.map_err(|error| explain(&error, &self.identity))?;
        let status = response.status().as_u16();
        let body = response
            .body_mut()
            .with_config()
            .limit(SIZE)
            .read_to_string();
        let body = body.map_err(|error| explain(&error, &self.identity))?;
        if status != 200 {
            return Err(plain_refusal(status, &body));
        }
        let parsed: Result<Map<String, Value>, _> = serde_json::from_str(&body);
        let answer = parsed.map_err(|error| Failure::Protocol(error.to_string()))?;
        understand(answer)
    }
}

enum Answer {
    Value(Value),
    Absent,
    Refused(Failure),
}

fn understand(mut answer: Map<String, Value>) -> Result<Answer, Failure> {
    let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
    if !answer.contains_key("error") {
        let value = answer.remove("value");
        return value
            .map(Answer::Value)
            .ok_or_else(|| Failure::Protocol("no value".to_owned()));
    }
    let kind = text("refusal");
    if kind.is_empty() && text("error_type").ends_with("InstanceNotFoundException") {
        return Ok(Answer::Absent);
    }
    let (message, kind) = match kind {
        "" => {
            let error = text("error");
            let told = error.split_once(" : ").map_or(error, |(_, told)| told);
            (told, "Invalid")
        }
        kind => (text("reason"), kind),
    };
    let message = match text("error_type") {
        "java.lang.NoSuchMethodException" => {
            format!("{message}; an operation that is not listed is another role's")
        }
        _ => message.to_owned(),
    };
    Ok(Answer::Refused(Failure::Refused {
        message,
        kind: kind.to_owned(),
    }))
}

/// An answer by HTTP status alone: the request was not understood.
fn plain_refusal(status: u16, body: &str) -> Failure {
    let told = body.trim();
    match status {
        400..=499 => Failure::Refused {
            message: told
                .split_once("): ")
                .map_or(told, |(_, told)| told)
                .to_owned(),
            kind: "Invalid".to_owned(),
        },
        _ => Failure::Protocol(format!("HTTP status {status}")),
    }
}
