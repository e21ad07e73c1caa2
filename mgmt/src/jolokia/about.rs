//! version and config: what agent this is, and whom it takes the caller for
//!
//! Both are constants but for the caller: nothing of the box is told that a client could not guess.

use limen_proto::manage::Caller;
use serde_json::{Value, json};

use super::{Identity, PROTOCOL};
use crate::object::CORE_PROVIDER;

pub(super) fn version(identity: &Identity) -> Value {
    let (role, provider) = match &identity.caller {
        Caller::Provider(name) => ("provider", name.as_str()),
        Caller::Operator | Caller::Management => ("operator", CORE_PROVIDER),
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

pub(super) fn config() -> Value {
    json!({
        "agent": env!("CARGO_PKG_VERSION"),
        "protocol": PROTOCOL,
        "id": "limen",
        "security": {"authentication": [{"method": "mtls"}]},
    })
}
