//! What an operation comes to: a call of the steward, or a value that is known already
//!
//! Also the one translation of the steward's answers into JSON, so that an operation's answer and
//! an attribute never spell the same thing in two ways.

use limen_proto::logs::Line;
use limen_proto::manage::{Answer, AuditEvent, Denial, Plan, Verb};
use serde_json::{Value, json};

use super::{bundle, core, grant, usage, vgw};

/// What an operation comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the steward; its answer is the operation's.
    Call(Verb),
    /// The answer itself.
    Value(Value),
}

/// The steward's answer as a value.
pub fn answer_value(answer: &Answer) -> Value {
    match answer {
        // The two that never answer an operation: a trust holds a private key, an upload a descriptor.
        Answer::Done | Answer::Trust(_) | Answer::Upload => Value::Null,
        Answer::Vgws(list) => list.iter().map(vgw::map).collect(),
        Answer::Vgw(one) => vgw::map(one),
        Answer::Bundles(list) => list.iter().map(bundle::map).collect(),
        Answer::Bundle(one) => bundle::map(one),
        Answer::Lines(lines) => lines.iter().map(line_map).collect(),
        Answer::Grant(one) => grant::map(one),
        Answer::Grants(list) => list.iter().map(grant::map).collect(),
        Answer::Audit(events) => events.iter().map(event_map).collect(),
        Answer::Core(core) => core::map(core),
        Answer::Plan(plan) => plan_map(plan),
        Answer::Changed(changed) => json!({
            "Restart": changed.restart,
            "Bundles": changed.bundles,
        }),
        Answer::Denials(denials) => denials.iter().map(denial_map).collect(),
        Answer::Months(months) => months.iter().map(usage::month_map).collect(),
    }
}

fn plan_map(plan: &Plan) -> Value {
    let resources = plan.resources.iter().map(|one| {
        json!({
            "Resource": one.resource,
            "Key": one.key,
            "Unit": one.unit,
            "Total": one.total,
            "Promised": one.promised,
            "Asked": one.asked,
            "Left": one.left,
        })
    });
    let displaced = plan.displaced.iter().map(|one| {
        json!({
            "Provider": one.provider.as_str(),
            "Resource": one.resource,
            "Unit": one.unit,
            "Guaranteed": one.guaranteed,
            "Left": one.left,
        })
    });
    json!({
        "Fits": plan.obstacles.is_empty(),
        "Obstacles": plan.obstacles,
        "Resources": resources.collect::<Value>(),
        "Displaced": displaced.collect::<Value>(),
    })
}

fn line_map(line: &Line) -> Value {
    json!({"Number": line.number, "Time": line.time_ms, "Text": line.text})
}

fn denial_map(denial: &Denial) -> Value {
    json!({
        "What": denial.what,
        "Count": denial.count,
        "First": denial.first_ms,
        "Last": denial.last_ms,
        "Remedy": denial.remedy,
    })
}

fn event_map(event: &AuditEvent) -> Value {
    json!({
        "Number": event.number,
        "Time": event.time_ms,
        "Actor": event.actor,
        "Provider": event.provider.as_ref().map(ToString::to_string),
        "Text": event.text,
    })
}
