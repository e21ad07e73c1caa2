//! One grant, to the provider that gave it
//!
//! A provider that received a grant sees it in the list of its `type=Grants`, not as an object: there
//! is nothing that it could do with it.

use limen_proto::manage::{Grant, Verb};
use serde_json::{Value, json};

use super::{Attribute, Effect, Form, Kind, Need, Operation, Unfit};

/// `type=Grant`
pub(super) static KIND: Kind = Kind {
    name: "Grant",
    keys: &["provider", "id"],
    seen_by: "the exporting provider (for core: the operator)",
    description: "permission for another provider's bundles to use a service of this one's",
    attributes: &[
        Attribute {
            name: "Id",
            form: Form::Long,
            unit: "",
            description: "its number, never reused",
        },
        Attribute {
            name: "Exporter",
            form: Form::Text,
            unit: "",
            description: "whose service",
        },
        Attribute {
            name: "Interface",
            form: Form::Text,
            unit: "",
            description: "which service",
        },
        Attribute {
            name: "Consumer",
            form: Form::Text,
            unit: "",
            description: "who may use it",
        },
        Attribute {
            name: "Created",
            form: Form::Long,
            unit: "seconds since 1970",
            description: "since when",
        },
        Attribute {
            name: "References",
            form: Form::Int,
            unit: "",
            description: "references in use now",
        },
    ],
    operations: &[Operation {
        name: "revoke",
        arguments: &[],
        returns: Form::Void,
        description: "end it; every reference that was obtained under it is cut",
        operator_only: false,
        perform: |target, _| {
            let id = target.name.get("id").and_then(|text| text.parse().ok());
            let id = id.ok_or_else(|| Unfit("the grant's id must be a number".to_owned()))?;
            Ok(Effect::Call(Verb::RevokeGrant { id }))
        },
    }],
    needs: &[Need::Grants, Need::Inside],
    instances: |kind, world| {
        let Some(provider) = world.provider() else {
            return Vec::new();
        };
        let own = world
            .grants
            .iter()
            .filter(|grant| grant.exporter == provider);
        let named = |grant: &Grant| {
            kind.instance(&[provider.as_str(), &grant.id.to_string()], values(grant))
        };
        own.map(named).collect()
    },
};

fn values(grant: &Grant) -> Vec<Value> {
    vec![
        json!(grant.id),
        json!(grant.exporter.as_str()),
        json!(grant.interface.as_str()),
        json!(grant.consumer.as_str()),
        json!(grant.created),
        json!(grant.references),
    ]
}

/// All attributes as one value.
pub(super) fn map(grant: &Grant) -> Value {
    Value::Object(KIND.instance(&[], values(grant)).values)
}
