//! What a contract may say and this version does not put in force
//!
//! The shape of the contract is complete; what the kernel is not told of yet is refused by name,
//! for a limit that is written down and not kept is worse than none.

use limen_proto::contract::Contract;
use limen_proto::install::Summary;
use limen_proto::manage::Refusal;
use limen_proto::user::InnerUser;

use super::refusal::invalid;

/// # Errors
/// The contract asks for something that would not be kept.
pub fn of_contract(contract: &Contract) -> Result<(), Refusal> {
    refuse(&[("warm", contract.warm)])
}

/// # Errors
/// The manifest asks for something that would not be there.
pub fn of_bundle(summary: &Summary) -> Result<(), Refusal> {
    refuse(&[
        (
            "run.user as a number",
            matches!(summary.user, Some(InnerUser::Number(_))),
        ),
        ("run.spare", summary.spare),
    ])
}

fn refuse(keys: &[(&str, bool)]) -> Result<(), Refusal> {
    let asked = keys.iter().find(|(_, asked)| *asked);
    asked.map_or(Ok(()), |(key, _)| {
        Err(invalid(format!(
            "{key} is not put in force by this version of the gateway; leave it out"
        )))
    })
}
