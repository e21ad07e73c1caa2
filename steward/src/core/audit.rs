//! What is worth remembering, and how much of it
//!
//! Every change and every refused attempt is an event in the state file and a line of the log. An
//! event has a text that the operator may read and a detail that is the provider's own business:
//! names of bundles, what their manifests say. A stranger can cause events, and each costs a flash
//! write: refused attempts are throttled per actor, and what was left out is counted in the next.

use std::collections::BTreeMap;

use limen_proto::manage::{Caller, Refusal, Verb};
use limen_proto::name::Name;

use super::desired::Draft;
use super::turn::Now;

/// Most refused attempts of one actor that are recorded in a row.
const BURST: u32 = 60;
/// One more is recorded after each of these, milliseconds.
const REFILL_MS: u64 = 60_000;
/// Longest text of an event, bytes.
const TEXT: usize = 512;
/// Actors that have a bucket of their own; more share one.
const ACTORS: usize = 64;

/// Who acts when nobody asked.
pub const BOX: &str = "box";

/// The actor of a call.
pub fn actor(caller: &Caller) -> String {
    match caller {
        Caller::Management => "management".to_owned(),
        Caller::Operator => "operator".to_owned(),
        Caller::Provider(name) => format!("provider {name}"),
    }
}

/// Makes a text safe for a line: control characters are escaped, the length is bounded.
pub fn line(text: &str) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        if safe.len() >= TEXT {
            safe.push('…');
            break;
        }
        if character.is_control() {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// An event.
pub fn event(now: Now, actor: &str, about: Option<&Name>, text: &str, detail: &str) -> Draft {
    Draft {
        time_ms: now.wall_ms,
        actor: actor.to_owned(),
        provider: about.cloned(),
        text: line(text),
        detail: line(detail),
        alarm: false,
    }
}

/// The event of a refused call.
pub fn refused(now: Now, caller: &Caller, verb: &Verb, refusal: &Refusal) -> Draft {
    let what = format!("refused to {}: {:?}", verb_name(verb), refusal.kind);
    match caller {
        Caller::Provider(own) => {
            event(now, &actor(caller), Some(own), &what, &refusal.message).alarming()
        }
        Caller::Operator | Caller::Management => {
            let what = format!("{what}: {}", refusal.message);
            event(now, &actor(caller), None, &what, "").alarming()
        }
    }
}

/// A verb in words. A name that the caller gave is not repeated here: for a provider it may be its
/// own business.
pub fn verb_name(verb: &Verb) -> &'static str {
    match verb {
        Verb::Trust => "hand out trust",
        Verb::CreateVgw { .. } => "create a virtual gateway",
        Verb::ListVgw => "list virtual gateways",
        Verb::ShowVgw { .. } => "show a virtual gateway",
        Verb::StartVgw { .. } => "start a virtual gateway",
        Verb::StopVgw { .. } => "stop a virtual gateway",
        Verb::RestartVgw { .. } => "restart a virtual gateway",
        Verb::FreezeVgw { .. } => "freeze a virtual gateway",
        Verb::ThawVgw { .. } => "thaw a virtual gateway",
        Verb::RemoveVgw { .. } => "remove a virtual gateway",
        Verb::SetContract { .. } => "set a contract",
        Verb::InstallBundle => "install a bundle",
        Verb::ListBundles => "list bundles",
        Verb::ShowBundle { .. } => "show a bundle",
        Verb::StartBundle { .. } => "start a bundle",
        Verb::StopBundle { .. } => "stop a bundle",
        Verb::RestartBundle { .. } => "restart a bundle",
        Verb::UninstallBundle { .. } => "uninstall a bundle",
        Verb::ReadLogs { .. } => "read logs",
        Verb::ReadVgwMonths { .. } => "read a virtual gateway's months",
        Verb::ExplainBundle { .. } => "explain a bundle",
        Verb::ReadBundleMonths { .. } => "read a bundle's months",
        Verb::AddGrant { .. } => "add a grant",
        Verb::RevokeGrant { .. } => "revoke a grant",
        Verb::ListGrants => "list grants",
        Verb::ReadAudit { .. } => "read the audit trail",
        Verb::ShowCore => "show the core",
        Verb::Shutdown { .. } => "shut down",
        Verb::Note { .. } => "note",
        Verb::KillCore { .. } => "end a core unit",
        Verb::PlanVgw { .. } => "plan a contract",
    }
}

struct Bucket {
    left: u32,
    filled_ms: u64,
    left_out: u32,
}

/// Holds refused attempts back when there are too many.
#[derive(Default)]
pub struct Throttle {
    buckets: BTreeMap<String, Bucket>,
}

impl Throttle {
    /// Whether one more event of this actor is recorded now, and how many were left out before it.
    pub fn admit(&mut self, now: Now, actor: &str) -> Option<u32> {
        let key = if self.buckets.len() < ACTORS || self.buckets.contains_key(actor) {
            actor
        } else {
            ""
        };
        let bucket = self.buckets.entry(key.to_owned()).or_insert(Bucket {
            left: BURST,
            filled_ms: now.monotonic_ms,
            left_out: 0,
        });
        let refills = now.monotonic_ms.saturating_sub(bucket.filled_ms) / REFILL_MS;
        if refills > 0 {
            let refills = u32::try_from(refills).unwrap_or(u32::MAX);
            bucket.left = bucket.left.saturating_add(refills).min(BURST);
            bucket.filled_ms += u64::from(refills) * REFILL_MS;
        }
        if bucket.left == 0 {
            bucket.left_out = bucket.left_out.saturating_add(1);
            return None;
        }
        bucket.left -= 1;
        Some(std::mem::take(&mut bucket.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_not_written() {
        let mut throttle = Throttle::default();
        let mut now = Now::default();
        let recorded = (0..1000)
            .filter(|_| throttle.admit(now, "stranger").is_some())
            .count();
        assert_eq!(recorded, 60);
        assert_eq!(
            throttle.admit(now, "operator"),
            Some(0),
            "others are not held back"
        );
        now.monotonic_ms += REFILL_MS;
        assert_eq!(throttle.admit(now, "stranger"), Some(940));
        assert_eq!(throttle.admit(now, "stranger"), None);
    }

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(line("a\nb\u{1b}[31m"), "a\\nb\\u{1b}[31m");
        assert!(line(&"x".repeat(5000)).len() < 600);
    }
}
