//! The Jolokia protocol, version 8.2, over the registry of managed objects
//!
//! An [`Agent`] turns what came over HTTP into what goes back. Parsing, reading, listing and shaping
//! are pure; the only waiting is for the steward, which decides about every call again.
//!
//! Served: version, config, read, exec, search, list, and write as far as its errors (nothing can be
//! written). Not served: notifications, history, proxying, JSONP.

mod about;
mod answer;
mod exec;
mod fields;
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

use limen_proto::manage::Caller;
use limen_proto::name::Name;
use serde_json::Value;

use crate::object::{self, Effect, Form, ObjectName, World, answer_value};
use crate::serve::Notes;
use crate::steward::Steward;
pub use answer::Reply;
use answer::{envelope, failure, now, refuse};
use options::Options;
pub use problem::{Problem, kind_name};
use request::{Command, Request, Target};

pub use crate::object::TrustFacts;

/// Version of the protocol that this agent speaks.
pub const PROTOCOL: &str = "8.2";

/// Most requests in one bulk: each costs the steward a few calls.
const BULK: usize = 256;

/// Most bytes of a bulk's answers together. What is beyond is refused slot by slot, before it is
/// asked of the steward: a short body must not become an answer that exhausts the endpoint.
const BULK_ANSWER: usize = 1 << 20;

/// In whose name a request is answered.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The role that the client's certificate gave.
    pub caller: Caller,
    /// What may be told about trust.
    pub trust: TrustFacts,
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
        let mut bytes = 0;
        for slot in slots {
            let Value::Object(body) = slot else {
                let problem = Problem::Malformed("a request must be an object".to_owned());
                answers.push(Value::Object(problem.object()));
                continue;
            };
            let answer = match Request::from_json(&body, options.clone()) {
                Ok(request) if bytes > BULK_ANSWER => failure(&request, &Problem::too_large()),
                Ok(request) => match self.answer(identity, &request).await {
                    Ok(value) => value,
                    Err(problem) => failure(&request, &problem),
                },
                Err(problem) => {
                    let mut object = problem.object();
                    object.insert("request".to_owned(), Value::Object(body));
                    Value::Object(object)
                }
            };
            bytes += answer.to_string().len();
            answers.push(answer);
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
            Command::Version => about::version(identity),
            Command::Config => about::config(),
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
                return Err(exec::write(target, attribute, &world));
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
        let world = self.world(identity, &target.name).await?;
        let (chosen, effect) = exec::prepare(target, operation, arguments, &world)?;
        match effect {
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
