//! Who may use which verb: the whole matrix in one match
//!
//! | verb | mgmt | operator | provider |
//! | --- | --- | --- | --- |
//! | trust, note | yes | - | - |
//! | create vgw, plan vgw, show core, end a core unit, shut down | - | yes | - |
//! | start, stop, restart, freeze, thaw, remove vgw, set contract | - | any | own: forbidden; other: absent |
//! | show vgw | - | any | own; other: absent |
//! | list vgws, list grants, read audit | - | all | own |
//! | bundle verbs, add and revoke grant | - | as provider `core` | own |
//!
//! The scope that comes back is the only thing that a verb's code may use to find what it acts on:
//! a provider's name never comes from an argument that was not checked here.

use limen_proto::manage::{Caller, Refusal, Verb};
use limen_proto::name::Name;

use super::refusal::{forbidden, no_vgw};

/// What an authorised call may act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The box.
    Box,
    /// One virtual gateway, from outside.
    Vgw(Name),
    /// The inside of one virtual gateway.
    Inside(Name),
    /// Whatever concerns this provider, or everything (none).
    About(Option<Name>),
}

/// The operator's own provider name.
pub fn core_provider() -> Name {
    "core"
        .parse()
        .expect("`core` is a name: letters, four of them")
}

/// Decides one call.
///
/// # Errors
/// `Forbidden` when the role does not have the verb; `NotFound` when a provider names another.
pub fn authorise(caller: &Caller, verb: &Verb) -> Result<Scope, Refusal> {
    match verb {
        Verb::Trust | Verb::Note { .. } => match caller {
            Caller::Management => Ok(Scope::Box),
            Caller::Operator | Caller::Provider(_) => Err(forbidden(
                "only the management program itself may ask for that",
            )),
        },
        Verb::CreateVgw { .. }
        | Verb::PlanVgw { .. }
        | Verb::ShowCore
        | Verb::KillCore { .. }
        | Verb::Shutdown { .. } => match caller {
            Caller::Operator => Ok(Scope::Box),
            Caller::Provider(_) => Err(operator_only()),
            Caller::Management => Err(role_needed()),
        },
        Verb::StartVgw { provider }
        | Verb::StopVgw { provider }
        | Verb::RestartVgw { provider }
        | Verb::FreezeVgw { provider }
        | Verb::ThawVgw { provider }
        | Verb::RemoveVgw { provider, .. }
        | Verb::SetContract { provider, .. } => match caller {
            Caller::Operator => Ok(Scope::Vgw(provider.clone())),
            Caller::Provider(own) if own == provider => Err(operator_only()),
            Caller::Provider(_) => Err(no_vgw(provider)),
            Caller::Management => Err(role_needed()),
        },
        Verb::ShowVgw { provider } | Verb::ReadVgwMonths { provider } => match caller {
            Caller::Operator => Ok(Scope::Vgw(provider.clone())),
            Caller::Provider(own) if own == provider => Ok(Scope::Vgw(own.clone())),
            Caller::Provider(_) => Err(no_vgw(provider)),
            Caller::Management => Err(role_needed()),
        },
        Verb::ListVgw | Verb::ListGrants | Verb::ReadAudit { .. } => match caller {
            Caller::Operator => Ok(Scope::About(None)),
            Caller::Provider(own) => Ok(Scope::About(Some(own.clone()))),
            Caller::Management => Err(role_needed()),
        },
        Verb::InstallBundle
        | Verb::ListBundles
        | Verb::ShowBundle { .. }
        | Verb::StartBundle { .. }
        | Verb::StopBundle { .. }
        | Verb::RestartBundle { .. }
        | Verb::UninstallBundle { .. }
        | Verb::ReadLogs { .. }
        | Verb::ReadBundleMonths { .. }
        | Verb::ExplainBundle { .. }
        | Verb::AddGrant { .. }
        | Verb::RevokeGrant { .. } => match caller {
            Caller::Operator => Ok(Scope::Inside(core_provider())),
            Caller::Provider(own) => Ok(Scope::Inside(own.clone())),
            Caller::Management => Err(role_needed()),
        },
    }
}

fn operator_only() -> Refusal {
    forbidden("only the operator may do that; ask the operator of this gateway")
}

fn role_needed() -> Refusal {
    forbidden("the management program has no role of its own; call in the name of a client")
}
