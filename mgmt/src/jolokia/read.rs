//! read and search: pure functions over a world

use serde_json::{Map, Value};

use super::options::Options;
use super::problem::Problem;
use super::request::{Target, Wanted};
use super::shape;
use crate::object::{self, Form, Instance, World};

/// Names of the objects that match.
pub(super) fn search(target: &Target, options: &Options, world: &World) -> Value {
    let found = object::find(&target.name, world);
    let names = found
        .iter()
        .map(|instance| instance.name.text(options.canonical_naming));
    names.map(Value::from).collect()
}

/// Values of attributes of one object, or of all that match a pattern.
///
/// # Errors
/// No such object or attribute, or a path that leads nowhere.
pub(super) fn read(
    target: &Target,
    wanted: &Wanted,
    path: &[String],
    options: &Options,
    world: &World,
) -> Result<Value, Problem> {
    let found = object::find(&target.name, world);
    if target.name.is_pattern() {
        return read_all(&found, target, wanted, path, options);
    }
    let instance = found
        .first()
        .ok_or_else(|| Problem::no_object(&target.given))?;
    let names = match wanted {
        Wanted::One(name) => {
            let value = attribute(instance, name, options)?;
            return shape::follow(&value, path);
        }
        Wanted::Many(names) => names.clone(),
        Wanted::All => instance.values.keys().cloned().collect(),
    };
    let mut values = Map::new();
    for name in names {
        let value =
            attribute(instance, &name, options).and_then(|value| shape::follow(&value, path));
        match value {
            Ok(value) => values.insert(name, value),
            Err(problem) if options.ignore_errors => {
                values.insert(name, Value::Object(problem.object()))
            }
            Err(problem) => return Err(problem),
        };
    }
    Ok(Value::Object(values))
}

/// Objects that lack the attribute are left out; that none is left is an error.
fn read_all(
    found: &[Instance],
    target: &Target,
    wanted: &Wanted,
    path: &[String],
    options: &Options,
) -> Result<Value, Problem> {
    let mut objects = Map::new();
    for instance in found {
        let names: Vec<&String> = match wanted {
            Wanted::One(name) => vec![name],
            Wanted::Many(names) => names.iter().collect(),
            Wanted::All => instance.values.keys().collect(),
        };
        let mut values = Map::new();
        for name in names {
            let value = attribute(instance, name, options);
            if let Ok(value) = value.and_then(|value| shape::follow(&value, path)) {
                values.insert(name.clone(), value);
            }
        }
        if !values.is_empty() {
            let name = instance.name.text(options.canonical_naming);
            objects.insert(name, Value::Object(values));
        }
    }
    if objects.is_empty() {
        return Err(Problem::no_match(&target.given));
    }
    Ok(Value::Object(objects))
}

fn attribute(instance: &Instance, name: &str, options: &Options) -> Result<Value, Problem> {
    let missing = || Problem::no_attribute(name, &instance.name.to_string());
    let value = instance.values.get(name).ok_or_else(missing)?;
    let declared = instance
        .kind
        .attributes
        .iter()
        .find(|entry| entry.name == name);
    let long = declared.is_some_and(|entry| entry.form == Form::Long);
    match value {
        Value::Number(number) if long && options.long_as_text => {
            Ok(Value::String(number.to_string()))
        }
        other => Ok(other.clone()),
    }
}
