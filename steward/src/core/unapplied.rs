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
    match summary.user {
        Some(InnerUser::Number(_)) => Err(invalid(
            "run.user as a number is not put in force by this version of the gateway; name a user",
        )),
        Some(InnerUser::Name(_)) | None => Ok(()),
    }
}
