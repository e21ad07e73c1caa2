//! The registry of managed objects, as data
//!
//! One file per type of object. A [`Kind`] says what an object of that type has (attributes with type
//! and unit, operations with signature) and how it is made from what the steward says; `list`,
//! `search`, `read`, `exec` and docs/reference/objects.md are all derived from these tables.
//!
//! What a caller may not see is never in the [`World`] that was fetched in its name, so it is absent
//! here too: there is no second list of permissions that could disagree with the steward's.

mod audit;
mod bundle;
mod core;
mod effect;
mod factory;
mod form;
mod grant;
mod grants;
pub mod name;
pub mod reference;
mod security;
mod usage;
mod vgw;
mod world;

use limen_proto::manage::Caller;
use serde_json::{Map, Value};

pub use effect::{Effect, answer_value};
pub use form::{Form, Unfit};
pub use name::ObjectName;
pub use world::{Need, TrustFacts, World};

/// Domain of every object of this endpoint.
pub const DOMAIN: &str = "limen";

/// The operator's own provider name.
pub const CORE_PROVIDER: &str = "core";

/// A type of managed object.
pub struct Kind {
    /// Value of the key `type`.
    pub name: &'static str,
    /// Other keys of its names, in order.
    pub keys: &'static [&'static str],
    /// Who sees objects of this type.
    pub seen_by: &'static str,
    /// What it is.
    pub description: &'static str,
    /// What it shows, in order.
    pub attributes: &'static [Attribute],
    /// What it does, in order.
    pub operations: &'static [Operation],
    /// What must be fetched to make its instances.
    pub needs: &'static [Need],
    /// Its instances in a world.
    pub instances: fn(&'static Self, &World) -> Vec<Instance>,
}

/// A value that an object shows. None can be written: what changes, changes by an operation.
pub struct Attribute {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub form: Form,
    /// Unit, or empty.
    pub unit: &'static str,
    /// What it is.
    pub description: &'static str,
}

/// Something that an object does.
pub struct Operation {
    /// Name; no two operations of a kind share one.
    pub name: &'static str,
    /// Arguments in order.
    pub arguments: &'static [Argument],
    /// What it answers.
    pub returns: Form,
    /// What it does.
    pub description: &'static str,
    /// Absent for a provider.
    pub operator_only: bool,
    /// What to do, given the object and as many arguments as declared, converted.
    pub perform: fn(&Instance, &[Value]) -> Result<Effect, Unfit>,
}

/// An argument of an operation.
pub struct Argument {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub form: Form,
    /// What it is.
    pub description: &'static str,
}

/// One managed object as its caller sees it now.
pub struct Instance {
    /// Its type.
    pub kind: &'static Kind,
    /// Its name.
    pub name: ObjectName,
    /// Attribute to value, in the order of the table.
    pub values: Map<String, Value>,
}

impl Kind {
    /// An instance. `keys` are the values of [`Kind::keys`], `values` those of the attributes.
    fn instance(&'static self, keys: &[&str], values: Vec<Value>) -> Instance {
        let mut pairs = vec![("type", self.name)];
        pairs.extend(self.keys.iter().copied().zip(keys.iter().copied()));
        let names = self.attributes.iter().map(|entry| entry.name.to_owned());
        Instance {
            kind: self,
            name: ObjectName::new(DOMAIN, &pairs),
            values: names.zip(values).collect(),
        }
    }

    /// The Java-style class name that `list` shows.
    pub fn class(&self) -> String {
        format!("{DOMAIN}.{}", self.name)
    }

    /// The operations that a caller has.
    pub fn operations_of(&self, caller: &Caller) -> impl Iterator<Item = &'static Operation> {
        let operator = matches!(caller, Caller::Operator);
        let all: &'static [Operation] = self.operations;
        all.iter()
            .filter(move |entry| operator || !entry.operator_only)
    }
}

/// Every type of managed object.
pub static KINDS: [&Kind; 10] = [
    &core::KIND,
    &factory::KIND,
    &vgw::KIND,
    &bundle::KIND,
    &grants::KIND,
    &grants::CROSSING,
    &grant::KIND,
    &audit::KIND,
    &audit::OWN,
    &security::KIND,
];

/// What must be fetched to know every object that `pattern` may match.
///
/// Only the type decides: a foreign or absent provider or name costs its caller as much time as one
/// that is there.
pub fn needs(pattern: &ObjectName) -> Vec<Need> {
    let mut needs = Vec::new();
    let asked = ObjectName::new(
        pattern.domain(),
        &[("type", pattern.get("type").unwrap_or("*"))],
    );
    for kind in KINDS {
        if asked.matches(&ObjectName::new(DOMAIN, &[("type", kind.name)])) {
            needs.extend(
                kind.needs
                    .iter()
                    .filter(|need| !needs.contains(*need))
                    .copied()
                    .collect::<Vec<_>>(),
            );
        }
    }
    needs
}

/// The objects of a world that `pattern` matches, in the order of [`KINDS`].
pub fn find(pattern: &ObjectName, world: &World) -> Vec<Instance> {
    let all = KINDS
        .into_iter()
        .flat_map(|kind| (kind.instances)(kind, world));
    all.filter(|instance| pattern.matches(&instance.name))
        .collect()
}
