//! The grants of a provider, and those that cross the box
//!
//! A provider gives grants on its own services and sees those that it received. The operator sees
//! that providers cooperate, and cannot make them.

use limen_proto::manage::{Caller, Verb};
use serde_json::Value;

use super::grant::map;
use super::{Argument, Attribute, Effect, Form, Kind, Need, Operation, Unfit};

const LIST: Operation = Operation {
    name: "list",
    arguments: &[],
    returns: Form::List,
    description: "every grant that the caller may see, with the attributes of Grant",
    operator_only: false,
    perform: |_, _| Ok(Effect::Call(Verb::ListGrants)),
};

const GRANTS: Attribute = Attribute {
    name: "Grants",
    form: Form::List,
    unit: "",
    description: "every grant that the caller may see, with the attributes of Grant",
};

/// `type=Grants` of a provider
pub(super) static KIND: Kind = Kind {
    name: "Grants",
    keys: &["provider"],
    seen_by: "its provider (for core: the operator)",
    description: "grants that this provider gave or received",
    attributes: &[GRANTS],
    operations: &[
        Operation {
            name: "add",
            arguments: &[
                Argument {
                    name: "interface",
                    form: Form::Text,
                    description: "the interface of one of this provider's services, such as \
                                  energy.meter",
                },
                Argument {
                    name: "consumer",
                    form: Form::Text,
                    description: "the provider whose bundles may use it",
                },
            ],
            returns: Form::Map,
            description: "grant another provider the use of a service; answers the grant",
            operator_only: false,
            perform: |_, arguments| {
                let text = |index| {
                    arguments
                        .get(index)
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                };
                let wrong = |name: &str, error| Unfit(format!("argument \"{name}\": {error}"));
                Ok(Effect::Call(Verb::AddGrant {
                    interface: text(0).parse().map_err(|error| wrong("interface", error))?,
                    consumer: text(1).parse().map_err(|error| wrong("consumer", error))?,
                }))
            },
        },
        LIST,
    ],
    needs: &[Need::Grants, Need::Inside],
    instances: |kind, world| {
        let provider = world.provider();
        let list = || vec![world.grants.iter().map(map).collect()];
        let named = provider.map(|provider| kind.instance(&[provider.as_str()], list()));
        named.into_iter().collect()
    },
};

/// `type=Grants` of the box
pub(super) static CROSSING: Kind = Kind {
    name: "Grants",
    keys: &[],
    seen_by: "operator",
    description: "every grant from one provider to another",
    attributes: &[GRANTS],
    operations: &[LIST],
    needs: &[Need::Grants],
    instances: |kind, world| {
        let operator = world.caller == Caller::Operator;
        let list = || vec![world.grants.iter().map(map).collect()];
        operator
            .then(|| kind.instance(&[], list()))
            .into_iter()
            .collect()
    },
};
