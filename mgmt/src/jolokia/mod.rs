//! The Jolokia protocol, version 8.2, over the registry of managed objects
//!
//! An [`Agent`] turns what came over HTTP into what goes back. Parsing, reading, listing and shaping
//! are pure; the only waiting is for the steward, which decides about every call again.
//!
//! Served: version, config, read, exec, search, list, and write as far as its errors (nothing can be
//! written). Not served: notifications, history, proxying, JSONP.

mod list;
pub mod options;
pub mod path;
mod problem;
mod read;
mod request;
mod shape;

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use limen_proto::manage::Caller;
use limen_proto::name::Name;
use serde_json::{Map, Value, json};

use crate::object::{self, Effect, Form, ObjectName, World, answer_value};
use crate::serve::Notes;
use crate::steward::Steward;
use options::Options;
pub use problem::{Problem, kind_name};
use request::{Command, Request, Target};

pub use crate::object::TrustFacts;

/// Version of the protocol that this agent speaks.
pub const PROTOCOL: &str = "8.2";

/// Most requests in one bulk: each costs the steward a few calls.
const BULK: usize = 256;

/// In whose name a request is answered.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The role that the client's certificate gave.
    pub caller: Caller,
    /// What may be told about trust.
    pub trust: TrustFacts,
}

/// What goes back over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// HTTP 200, JSON.
    Json(Value),
    /// HTTP 400, text: a request alone that breaks the protocol.
    BadRequest(String),
}

/// The agent: one for all connections.
pub struct Agent {
    steward: Steward,
    notes: Rc<Notes>,
    /// For `ifModifiedSince`: fingerprint of a caller's names, and since when. Callers are pinned
    /// authorities, so there are as many as virtual gateways.
    seen: RefCell<HashMap<Caller, (u64, u64)>>,
}

impl Agent {
    /// An agent that asks this steward, and tells it of attempts on what belongs to others.
    pub fn new(steward: Steward, notes: Rc<Notes>) -> Self {
        Self {
            steward,
            notes,
            seen: RefCell::default(),
        }
    }

    /// Answers a GET. `path` stands behind the base path, percent-encoded.
    pub async fn get(&self, identity: &Identity, path: &str, query: &str) -> Reply {
        let request = parameters(query).and_then(|(options, p)| {
            let behind = path.trim_start_matches('/');
            let path = if behind.is_empty() {
                p.as_deref().unwrap_or("")
            } else {
                path
            };
            let parts = path::split_url(path).map_err(Problem::Malformed)?;
            Request::from_path(&parts, options)
        });
        match request {
            Ok(request) => self.alone(identity, request).await,
            Err(problem) => refuse(&problem),
        }
    }

    /// Answers a POST.
    pub async fn post(&self, identity: &Identity, body: &[u8], query: &str) -> Reply {
        let options = match parameters(query) {
            Ok((options, _)) => options,
            Err(problem) => return refuse(&problem),
        };
        match serde_json::from_slice(body) {
            Ok(Value::Object(body)) => match Request::from_json(&body, options) {
                Ok(request) => self.alone(identity, request).await,
                Err(problem) => refuse(&problem),
            },
            Ok(Value::Array(slots)) if slots.len() > BULK => {
                let message = format!("a bulk has at most {BULK} requests");
                refuse(&Problem::Malformed(message))
            }
            Ok(Value::Array(slots)) => Reply::Json(self.bulk(identity, slots, &options).await),
            Ok(_) => refuse(&Problem::Malformed(
                "the body must be an object or a list".to_owned(),
            )),
            Err(error) => {
                let problem = Problem::Malformed(format!("the body is not JSON: {error}"));
                Reply::Json(Value::Object(problem.object()))
            }
        }
    }

    /// One slot each, in order: a slot that breaks the protocol spoils no other.
    async fn bulk(&self, identity: &Identity, slots: Vec<Value>, options: &Options) -> Value {
        let mut answers = Vec::with_capacity(slots.len());
        for slot in slots {
            let Value::Object(body) = slot else {
                let problem = Problem::Malformed("a request must be an object".to_owned());
                answers.push(Value::Object(problem.object()));
                continue;
            };
            answers.push(match Request::from_json(&body, options.clone()) {
                Ok(request) => match self.answer(identity, &request).await {
                    Ok(value) => value,
                    Err(problem) => failure(&request, &problem),
                },
                Err(problem) => {
                    let mut object = problem.object();
                    object.insert("request".to_owned(), Value::Object(body));
                    Value::Object(object)
                }
            });
        }
        Value::Array(answers)
    }

    async fn alone(&self, identity: &Identity, request: Request) -> Reply {
        match self.answer(identity, &request).await {
            Ok(value) => Reply::Json(value),
            Err(problem @ Problem::Malformed(_)) => refuse(&problem),
            Err(problem) => Reply::Json(failure(&request, &problem)),
        }
    }

    async fn answer(&self, identity: &Identity, request: &Request) -> Result<Value, Problem> {
        let options = &request.options;
        let value = match &request.command {
            Command::Version => version(identity),
            Command::Config => config(),
            Command::Notification => {
                return Err(Problem::unsupported("this agent has no notifications"));
            }
            Command::List { path } => {
                let everything = ObjectName::new("*", &[]).open();
                let world = self.world(identity, &everything).await?;
                let changed = self.changed(&world);
                if options
                    .if_modified_since
                    .is_some_and(|since| changed <= since)
                {
                    return Ok(envelope(request, None));
                }
                list::limited(list::list(path, options, &world)?, options)
            }
            Command::Search { target } => {
                read::search(target, options, &self.world(identity, &target.name).await?)
            }
            Command::Read {
                target,
                wanted,
                path,
            } => {
                let world = self.world(identity, &target.name).await?;
                let value = read::read(target, wanted, path, options, &world)?;
                shape::limit(value, options)
            }
            Command::Write { target, attribute } => {
                let world = self.world(identity, &target.name).await?;
                return Err(write(target, attribute, &world));
            }
            Command::Exec {
                target,
                operation,
                arguments,
            } => {
                let value = self.exec(identity, target, operation, arguments).await?;
                shape::limit(value, options)
            }
        };
        Ok(envelope(request, Some(value)))
    }

    async fn world(&self, identity: &Identity, pattern: &ObjectName) -> Result<World, Problem> {
        self.notice(&identity.caller, pattern);
        let needs = object::needs(pattern);
        let trust = identity.trust.clone();
        let world = World::fetch(&identity.caller, trust, &needs, &self.steward).await;
        world.map_err(Problem::from)
    }

    /// A provider that names another is told nothing, and the operator is told of it. Whether that
    /// other is on the box plays no part, not even in time.
    fn notice(&self, caller: &Caller, pattern: &ObjectName) {
        let named = pattern
            .get("provider")
            .and_then(|text| text.parse::<Name>().ok());
        if let (Caller::Provider(own), Some(named)) = (caller, named)
            && *own != named
        {
            let text = format!("provider {own} asked for objects of provider {named}");
            self.notes.tell(text);
        }
    }

    async fn exec(
        &self,
        identity: &Identity,
        target: &Target,
        operation: &str,
        arguments: &[Value],
    ) -> Result<Value, Problem> {
        if target.name.is_pattern() {
            return Err(Problem::Malformed(
                "exec needs a plain object name".to_owned(),
            ));
        }
        let world = self.world(identity, &target.name).await?;
        let found = object::find(&target.name, &world);
        let instance = found
            .first()
            .ok_or_else(|| Problem::no_object(&target.given))?;
        let known: Vec<&'static object::Operation> =
            instance.kind.operations_of(&identity.caller).collect();
        let chosen = known.iter().find(|entry| fits(entry, operation));
        let Some(chosen) = chosen else {
            let names: Vec<&str> = known.iter().map(|entry| entry.name).collect();
            return Err(Problem::no_operation(operation, &target.given, &names));
        };
        if arguments.len() != chosen.arguments.len() {
            let (wanted, given) = (chosen.arguments.len(), arguments.len());
            let message = format!("{} takes {wanted} arguments, not {given}", chosen.name);
            return Err(Problem::Malformed(message));
        }
        let unfit = |error: object::Unfit| Problem::Malformed(error.0);
        let declared = chosen.arguments.iter().zip(arguments);
        let converted =
            declared.map(|(argument, given)| argument.form.convert(argument.name, given));
        let converted = converted.collect::<Result<Vec<_>, _>>().map_err(unfit)?;
        match (chosen.perform)(instance, &converted).map_err(unfit)? {
            Effect::Value(value) => Ok(value),
            Effect::Call(verb) => {
                let answer = self.steward.call(&identity.caller, verb).await?;
                match chosen.returns {
                    Form::Void => Ok(Value::Null),
                    _ => Ok(answer_value(&answer)),
                }
            }
        }
    }

    /// Since when the caller's names are what they are, epoch seconds.
    fn changed(&self, world: &World) -> u64 {
        let mut fingerprint = DefaultHasher::new();
        for instance in object::find(&ObjectName::new("*", &[]).open(), world) {
            instance.name.text(true).hash(&mut fingerprint);
        }
        let fingerprint = fingerprint.finish();
        let mut seen = self.seen.borrow_mut();
        let entry = seen.entry(world.caller.clone());
        let (last, since) = entry.or_insert_with(|| (fingerprint, now()));
        if *last != fingerprint {
            (*last, *since) = (fingerprint, now());
        }
        *since
    }
}

/// Whether `asked`, a name or `name(type, type)`, means this operation.
fn fits(operation: &object::Operation, asked: &str) -> bool {
    match asked.split_once('(') {
        None => asked == operation.name,
        Some((name, types)) => {
            let types = types.trim_end().trim_end_matches(')');
            let types = types
                .split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty());
            let declared = operation.arguments.iter().map(|entry| entry.form.java());
            name == operation.name && types.eq(declared)
        }
    }
}

fn write(target: &Target, attribute: &str, world: &World) -> Problem {
    let found = object::find(&target.name, world);
    match found.first() {
        _ if target.name.is_pattern() => {
            Problem::Malformed("write needs a plain object name".to_owned())
        }
        None => Problem::no_object(&target.given),
        Some(instance) if instance.values.contains_key(attribute) => Problem::read_only(attribute),
        Some(_) => Problem::no_attribute(attribute, &target.given),
    }
}

/// Options of a query string, and its parameter `p`.
fn parameters(query: &str) -> Result<(Options, Option<String>), Problem> {
    let mut options = Options::default();
    let mut path = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if key == "p" {
            path = Some(value.to_owned());
            continue;
        }
        let value = percent_encoding::percent_decode_str(value).decode_utf8();
        let value = value.map_err(|_| Problem::Malformed("the query is not UTF-8".to_owned()))?;
        options.set(key, &value)?;
    }
    Ok((options, path))
}

fn refuse(problem: &Problem) -> Reply {
    match problem {
        Problem::Malformed(message) => Reply::BadRequest(format!("400 (Bad Request): {message}\n")),
        Problem::Fault { .. } => Reply::Json(Value::Object(problem.object())),
    }
}

fn failure(request: &Request, problem: &Problem) -> Value {
    let mut object = Map::new();
    if request.options.include_request {
        object.insert("request".to_owned(), Value::Object(request.echo.clone()));
    }
    object.extend(problem.object());
    Value::Object(object)
}

/// A good answer; without a value it says that nothing changed.
fn envelope(request: &Request, value: Option<Value>) -> Value {
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

fn version(identity: &Identity) -> Value {
    let (role, provider) = match &identity.caller {
        Caller::Provider(name) => ("provider", name.as_str()),
        Caller::Operator | Caller::Management => ("operator", object::CORE_PROVIDER),
    };
    let version = env!("CARGO_PKG_VERSION");
    json!({
        "agent": version,
        "protocol": PROTOCOL,
        "id": "limen",
        "details": {
            "agent_version": version,
            "agent_id": "limen",
            "secured": true,
            "server_vendor": "Limen",
            "server_product": "limen-mgmt",
            "server_version": version,
        },
        "config": {
            "agentId": "limen",
            "maxDepth": "0",
            "maxCollectionSize": "0",
            "maxObjects": "0",
            "canonicalNaming": "false",
            "includeRequest": "true",
            "serializeLong": "number",
        },
        // Who the endpoint takes the caller for: a client need not guess it from its certificate.
        "info": {"limen": {"role": role, "provider": provider}},
        "decorators": {},
    })
}

fn config() -> Value {
    json!({
        "agent": env!("CARGO_PKG_VERSION"),
        "protocol": PROTOCOL,
        "id": "limen",
        "security": {"authentication": [{"method": "mtls"}]},
    })
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
