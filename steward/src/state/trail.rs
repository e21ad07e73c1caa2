//! Reading the audit trail
//!
//! A provider reads events about itself, text and detail. The operator reads all events, without
//! the detail of those about a provider: that is the provider's own business.

use limen_proto::manage::AuditEvent;
use limen_proto::name::Name;
use rusqlite::{Connection, Row, params};

use super::error::StateError;

const OPERATOR: &str = "SELECT number, time_ms, actor, provider, text,
    CASE WHEN provider IS NULL OR provider = 'core' THEN detail ELSE '' END AS detail
    FROM event WHERE number > ?1 AND ?2 IS NULL ORDER BY number LIMIT ?3";
const PROVIDER: &str = "SELECT number, time_ms, actor, provider, text, detail
    FROM event WHERE number > ?1 AND provider = ?2 ORDER BY number LIMIT ?3";

/// Events behind number `after`, at most `limit`, as `provider` or the operator may see them.
pub(super) fn events(
    from: &Connection,
    provider: Option<&Name>,
    after: u64,
    limit: u32,
) -> Result<Vec<AuditEvent>, StateError> {
    let query = if provider.is_some() {
        PROVIDER
    } else {
        OPERATOR
    };
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut statement = from.prepare_cached(query)?;
    let mut rows = statement.query(params![after, provider.map(Name::as_str), limit])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(event(row)?);
    }
    Ok(events)
}

fn event(row: &Row<'_>) -> Result<AuditEvent, StateError> {
    let number: i64 = row.get("number")?;
    let time: i64 = row.get("time_ms")?;
    let provider: Option<String> = row.get("provider")?;
    let mut text: String = row.get("text")?;
    let detail: String = row.get("detail")?;
    if !detail.is_empty() {
        text.push_str(": ");
        text.push_str(&detail);
    }
    Ok(AuditEvent {
        number: number.cast_unsigned(),
        time_ms: time.cast_unsigned(),
        actor: row.get("actor")?,
        provider: provider.and_then(|name| name.parse().ok()),
        text,
    })
}
