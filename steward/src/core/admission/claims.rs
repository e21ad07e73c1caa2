//! What only one can have: ports of the box, device classes

use limen_proto::contract::Protocol;
use limen_proto::manage::Refusal;
use limen_proto::name::Name;

use super::Question;
use crate::core::refusal::not_admitted;
use crate::core::sound::{port_name, same_port};

pub(super) fn ports(question: &Question<'_>) -> Result<(), Refusal> {
    for publish in &question.contract.publish {
        let listening = &question.fixtures.listening;
        if publish.protocol == Protocol::Tcp && listening.contains(&publish.outside) {
            return Err(not_admitted(format!(
                "{} of the box belongs to the core; publish another outside port",
                port_name(publish)
            )));
        }
        let holder = question.others.iter().find(|vgw| {
            let mut held = vgw.contract.publish.iter();
            held.any(|held| same_port(held, publish))
        });
        if let Some(vgw) = holder {
            return Err(not_admitted(format!(
                "{} of the box is published for provider {}; publish another outside port",
                port_name(publish),
                vgw.provider
            )));
        }
    }
    Ok(())
}

pub(super) fn devices(question: &Question<'_>) -> Result<(), Refusal> {
    for class in &question.contract.devices {
        let known = &question.fixtures.devices;
        if !known.contains(class) {
            let known: Vec<&str> = known.iter().map(Name::as_str).collect();
            let known = if known.is_empty() {
                "it has none".to_owned()
            } else {
                format!("it has {}", known.join(", "))
            };
            return Err(not_admitted(format!(
                "this box has no device class {class}; {known}"
            )));
        }
        // A serial line has one reader: two would tear each other's telegrams apart.
        let mut others = question.others.iter();
        if let Some(vgw) = others.find(|vgw| vgw.contract.devices.contains(class)) {
            return Err(not_admitted(format!(
                "device class {class} is promised to provider {}; take it out of that contract first",
                vgw.provider
            )));
        }
    }
    Ok(())
}
