//! list: what the caller's objects have, derived from the tables
//!
//! Source for the shapes: the Jolokia manual, "Listing MBeans", and what Hawtio reads of them.

use limen_proto::manage::Caller;
use serde_json::{Map, Value, json};

use super::options::Options;
use super::problem::Problem;
use super::shape;
use crate::object::{self, DOMAIN, Instance, Kind, ObjectName, World};

/// The description of every object of a world, or of the part that `path` names: domain, properties,
/// section.
///
/// # Errors
/// No such object or section.
pub(super) fn list(path: &[String], options: &Options, world: &World) -> Result<Value, Problem> {
    let found = object::find(&ObjectName::new("*", &[]).open(), world);
    let value = match path {
        [domain, properties, section @ ..] => {
            let instance = lookup(domain, properties, &found)?;
            let description = describe(instance.kind, &world.caller);
            match section.first() {
                None => description,
                Some(section) => {
                    let missing = || Problem::illegal(format!("list has no section {section}"));
                    description.get(section).cloned().ok_or_else(missing)?
                }
            }
        }
        [domain] if domain != DOMAIN => json!({}),
        [_] if options.list_cache => cached(&found, options, world),
        [_] => names(&found, options, world),
        [] if options.list_cache => cached(&found, options, world),
        [] => json!({ DOMAIN: names(&found, options, world) }),
    };
    Ok(shallow(value, options))
}

fn lookup<'a>(
    domain: &str,
    properties: &str,
    found: &'a [Instance],
) -> Result<&'a Instance, Problem> {
    let given = format!("{domain}:{properties}");
    let name = given.parse::<ObjectName>();
    let name = name.map_err(|error| Problem::Malformed(error.to_string()))?;
    let instance = found.iter().find(|instance| instance.name == name);
    instance.ok_or_else(|| Problem::no_object(&given))
}

fn names(found: &[Instance], options: &Options, world: &World) -> Value {
    let entry = |instance: &Instance| {
        let name = instance.name.properties(options.canonical_naming);
        (name, describe(instance.kind, &world.caller))
    };
    Value::Object(found.iter().map(entry).collect())
}

/// Objects of one kind share a description by key.
fn cached(found: &[Instance], options: &Options, world: &World) -> Value {
    let (mut objects, mut cache) = (Map::new(), Map::new());
    for instance in found {
        let kind = instance.kind;
        let key = format!("{}:{}", kind.name, kind.keys.join(","));
        let name = instance.name.properties(options.canonical_naming);
        objects.insert(name, Value::from(key.as_str()));
        cache
            .entry(key)
            .or_insert_with(|| describe(kind, &world.caller));
    }
    json!({"domains": {DOMAIN: objects}, "cache": cache})
}

/// Below `maxDepth` only that something is there is told: a scalar, not a text.
fn shallow(value: Value, options: &Options) -> Value {
    match options.max_depth {
        0 => value,
        depth => clip(value, depth),
    }
}

fn clip(value: Value, depth: usize) -> Value {
    match value {
        Value::Object(_) | Value::Array(_) if depth == 0 => json!(1),
        Value::Object(map) => {
            let clipped = map
                .into_iter()
                .map(|(key, inner)| (key, clip(inner, depth - 1)));
            Value::Object(clipped.collect())
        }
        Value::Array(list) => list
            .into_iter()
            .map(|inner| clip(inner, depth - 1))
            .collect(),
        scalar => scalar,
    }
}

fn describe(kind: &Kind, caller: &Caller) -> Value {
    let mut description = Map::new();
    description.insert("class".to_owned(), json!(kind.class()));
    description.insert("desc".to_owned(), json!(kind.description));
    let attributes: Map<String, Value> = kind
        .attributes
        .iter()
        .map(|entry| {
            let unit = match entry.unit {
                "" => String::new(),
                unit => format!(" ({unit})"),
            };
            let shown = json!({
                "type": entry.form.java(),
                "desc": format!("{}{unit}", entry.description),
                "rw": false,
                "r": true,
                "w": false,
                "is": false,
            });
            (entry.name.to_owned(), shown)
        })
        .collect();
    if !attributes.is_empty() {
        description.insert("attr".to_owned(), Value::Object(attributes));
    }
    let operations: Map<String, Value> = kind
        .operations_of(caller)
        .map(|entry| {
            let arguments = entry.arguments.iter().map(|argument| {
                json!({
                    "name": argument.name,
                    "type": argument.form.java(),
                    "desc": argument.description,
                })
            });
            let shown = json!({
                "args": arguments.collect::<Value>(),
                "ret": entry.returns.java(),
                "desc": entry.description,
            });
            (entry.name.to_owned(), shown)
        })
        .collect();
    if !operations.is_empty() {
        description.insert("op".to_owned(), Value::Object(operations));
    }
    Value::Object(description)
}

/// The entries that a list keeps (`maxCollectionSize`) are cut by the caller, like any value's.
pub(super) fn limited(value: Value, options: &Options) -> Value {
    let options = Options {
        max_depth: 0,
        ..options.clone()
    };
    shape::limit(value, &options)
}
