//! exec and write, up to the call of the steward: pure functions over a world

use serde_json::Value;

use super::problem::Problem;
use super::request::Target;
use crate::object::{self, Effect, Operation, Unfit, World};

/// Finds the operation and what it comes to.
///
/// # Errors
/// No such object or operation, or arguments that it does not take.
pub(super) fn prepare(
    target: &Target,
    operation: &str,
    arguments: &[Value],
    world: &World,
) -> Result<(&'static Operation, Effect), Problem> {
    if target.name.is_pattern() {
        return Err(Problem::Malformed(
            "exec needs a plain object name".to_owned(),
        ));
    }
    let found = object::find(&target.name, world);
    let instance = found
        .first()
        .ok_or_else(|| Problem::no_object(&target.given))?;
    let known: Vec<&'static Operation> = instance.kind.operations_of(&world.caller).collect();
    let chosen = known.iter().copied().find(|entry| fits(entry, operation));
    let Some(chosen) = chosen else {
        let names: Vec<&str> = known.iter().map(|entry| entry.name).collect();
        return Err(Problem::no_operation(operation, &target.given, &names));
    };
    if arguments.len() != chosen.arguments.len() {
        let (wanted, given) = (chosen.arguments.len(), arguments.len());
        let message = format!("{} takes {wanted} arguments, not {given}", chosen.name);
        return Err(Problem::Malformed(message));
    }
    let unfit = |error: Unfit| Problem::Malformed(error.0);
    let declared = chosen.arguments.iter().zip(arguments);
    let converted = declared.map(|(argument, given)| argument.form.convert(argument.name, given));
    let converted = converted.collect::<Result<Vec<_>, _>>().map_err(unfit)?;
    let effect = (chosen.perform)(instance, &converted).map_err(unfit)?;
    Ok((chosen, effect))
}

/// Whether `asked`, a name or `name(type, type)`, means this operation.
fn fits(operation: &Operation, asked: &str) -> bool {
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

/// Why an attribute is not written.
pub(super) fn write(target: &Target, attribute: &str, world: &World) -> Problem {
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
