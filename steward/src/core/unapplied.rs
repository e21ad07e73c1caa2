//! What a manifest may say and this version does not put in force
//!
//! It is refused by name: what is written down and not kept is worse than nothing.

use limen_proto::install::Summary;
use limen_proto::manage::Refusal;
use limen_proto::user::InnerUser;

use super::refusal::invalid;

/// # Errors
/// The manifest asks for something that would not be there.
pub fn of_bundle(summary: &Summary) -> Result<(), Refusal> {
    refuse(&[(
        "run.user as a number",
        matches!(summary.user, Some(InnerUser::Number(_))),
    )])
}

fn refuse(keys: &[(&str, bool)]) -> Result<(), Refusal> {
    let asked = keys.iter().find(|(_, asked)| *asked);
    asked.map_or(Ok(()), |(key, _)| {
        Err(invalid(format!(
            "{key} is not put in force by this version of the gateway; leave it out"
        )))
    })
}
