//! The factory of virtual gateways, the operator's
//!
//! `createVirtualGw`, `startVirtualGw`, `stopVirtualGw` and `listVirtualGw` carry the names that the
//! founding paper gives its life-cycle interface.

use limen_proto::contract::Contract;
use limen_proto::manage::{Caller, Verb};
use limen_proto::name::Name;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Argument, Attribute, Effect, Form, Kind, Need, Operation, Unfit};

/// `type=VirtualGatewayFactory`
pub(super) static KIND: Kind = Kind {
    name: "VirtualGatewayFactory",
    keys: &[],
    seen_by: "operator",
    description: "creates virtual gateways",
    attributes: &[Attribute {
        name: "Providers",
        form: Form::List,
        unit: "",
        description: "providers that have a virtual gateway",
    }],
    operations: &[
        Operation {
            name: "createVirtualGw",
            arguments: &[Argument {
                name: "wish",
                form: Form::Json,
                description: "{provider, contract, authority, keys}: a name; a contract as \
                              VirtualGateway's attribute Contract shows it; the provider's \
                              certificate authority in PEM; its minisign public keys, one base64 \
                              line each",
            }],
            returns: Form::Map,
            description: "make a virtual gateway and start it; answers its attributes",
            operator_only: true,
            perform: |_, arguments| create(arguments.first().unwrap_or(&Value::Null)),
        },
        Operation {
            name: "startVirtualGw",
            arguments: &[PROVIDER],
            returns: Form::Void,
            description: "as start of that virtual gateway",
            operator_only: true,
            perform: |_, arguments| {
                let provider = provider(arguments)?;
                Ok(Effect::Call(Verb::StartVgw { provider }))
            },
        },
        Operation {
            name: "stopVirtualGw",
            arguments: &[PROVIDER],
            returns: Form::Void,
            description: "as stop of that virtual gateway",
            operator_only: true,
            perform: |_, arguments| {
                let provider = provider(arguments)?;
                Ok(Effect::Call(Verb::StopVgw { provider }))
            },
        },
        Operation {
            name: "planVirtualGw",
            arguments: &[Argument {
                name: "wish",
                form: Form::Json,
                description: "{provider, contract}, as for createVirtualGw; the provider may have \
                              a virtual gateway or not",
            }],
            returns: Form::Map,
            description: "what would come of a contract, without changing anything: Fits; \
                          Obstacles in words; Resources, each with Resource, Key, Unit, Total, \
                          Promised (to others), Asked, Left; Displaced, whose guarantee would \
                          break, each with Provider, Resource, Unit, Guaranteed, Left",
            operator_only: true,
            perform: |_, arguments| plan(arguments.first().unwrap_or(&Value::Null)),
        },
        Operation {
            name: "listVirtualGw",
            arguments: &[],
            returns: Form::List,
            description: "every virtual gateway with its attributes",
            operator_only: true,
            perform: |_, _| Ok(Effect::Call(Verb::ListVgw)),
        },
    ],
    needs: &[Need::Vgws],
    instances: |kind, world| {
        let providers = world.vgws.iter().map(|vgw| json!(vgw.provider.as_str()));
        let values = vec![providers.collect()];
        let operator = world.caller == Caller::Operator;
        operator
            .then(|| kind.instance(&[], values))
            .into_iter()
            .collect()
    },
};

const PROVIDER: Argument = Argument {
    name: "provider",
    form: Form::Text,
    description: "whose virtual gateway",
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    provider: Name,
    contract: Contract,
    authority: String,
    keys: Vec<String>,
}

fn create(given: &Value) -> Result<Effect, Unfit> {
    let wish: Wish = serde_json::from_value(given.clone())
        .map_err(|error| Unfit(format!("invalid virtual gateway: {error}")))?;
    Ok(Effect::Call(Verb::CreateVgw {
        provider: wish.provider,
        contract: wish.contract,
        authority: wish.authority,
        keys: wish.keys,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    provider: Name,
    contract: Contract,
}

fn plan(given: &Value) -> Result<Effect, Unfit> {
    let question: Question = serde_json::from_value(given.clone())
        .map_err(|error| Unfit(format!("invalid plan: {error}")))?;
    Ok(Effect::Call(Verb::PlanVgw {
        provider: question.provider,
        contract: question.contract,
    }))
}

fn provider(arguments: &[Value]) -> Result<Name, Unfit> {
    let text = arguments
        .first()
        .and_then(Value::as_str)
        .unwrap_or_default();
    text.parse()
        .map_err(|error| Unfit(format!("argument \"provider\": {error}")))
}
