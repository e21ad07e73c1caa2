//! What the caller is known by
//!
//! Facts about trust without a key in them: enough to see on a console which authority counts and
//! that a change has arrived.

use limen_proto::manage::Caller;
use serde_json::json;

use super::{Attribute, Form, Kind};

/// `type=Security`
pub(super) static KIND: Kind = Kind {
    name: "Security",
    keys: &["provider"],
    seen_by: "provider (its own); the operator as core",
    description: "the certificate authority by which this caller is known",
    attributes: &[
        Attribute {
            name: "Role",
            form: Form::Word,
            unit: "",
            description: "operator or provider",
        },
        Attribute {
            name: "Authority",
            form: Form::Text,
            unit: "",
            description: "SHA-256 of the pinned authority's certificate, hexadecimal",
        },
        Attribute {
            name: "TrustEpoch",
            form: Form::Long,
            unit: "",
            description: "goes up whenever a certificate, key or authority of the box changes",
        },
        Attribute {
            name: "ClockFloor",
            form: Form::Long,
            unit: "seconds since 1970",
            description: "the earliest time that the box believes",
        },
    ],
    operations: &[],
    needs: &[],
    instances: |kind, world| {
        let (role, provider) = match &world.caller {
            Caller::Operator => ("operator", super::CORE_PROVIDER),
            Caller::Provider(name) => ("provider", name.as_str()),
            Caller::Management => return Vec::new(),
        };
        let trust = &world.trust;
        let values = vec![
            json!(role),
            json!(trust.authority),
            json!(trust.epoch),
            json!(trust.floor),
        ];
        vec![kind.instance(&[provider], values)]
    },
};
