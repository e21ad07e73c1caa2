//! The audit trail: what was done, by whom, to whom

use limen_proto::manage::{Caller, Verb};
use serde_json::Value;

use super::{Argument, Effect, Form, Kind, Operation};

/// Most events that one call answers: they must fit one frame of the steward's link.
const EVENTS: u32 = 200;

const READ: Operation = Operation {
    name: "events",
    arguments: &[Argument {
        name: "after",
        form: Form::Long,
        description: "events behind this number; 0 is from the oldest that is kept",
    }],
    returns: Form::List,
    description: "up to 200 events in order, each with Number, Time (milliseconds since 1970), \
                  Actor, Provider and Text",
    operator_only: false,
    perform: |_, arguments| {
        Ok(Effect::Call(Verb::ReadAudit {
            after: arguments.first().and_then(Value::as_u64).unwrap_or(0),
            limit: EVENTS,
        }))
    },
};

/// `type=Audit` of the box
pub(super) static KIND: Kind = Kind {
    name: "Audit",
    keys: &[],
    seen_by: "operator",
    description: "events of the whole box",
    attributes: &[],
    operations: &[READ],
    needs: &[],
    instances: |kind, world| {
        let operator = world.caller == Caller::Operator;
        operator
            .then(|| kind.instance(&[], Vec::new()))
            .into_iter()
            .collect()
    },
};

/// `type=Audit` of a provider
pub(super) static OWN: Kind = Kind {
    name: "Audit",
    keys: &["provider"],
    seen_by: "provider (its own)",
    description: "events about this provider",
    attributes: &[],
    operations: &[READ],
    needs: &[],
    instances: |kind, world| match &world.caller {
        Caller::Provider(name) => vec![kind.instance(&[name.as_str()], Vec::new())],
        Caller::Operator | Caller::Management => Vec::new(),
    },
};
