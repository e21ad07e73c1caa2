//! The matrix of verbs and roles, compared with the written policy
//!
//! One row a verb. A verb without a row does not compile.

use limen_proto::manage::{Caller, RefusalKind, Verb};

use super::house::*;
use crate::core::authorise::{Scope, authorise};

/// What the policy says, for mgmt, the operator, the provider `energy` about itself, and about
/// another.
#[derive(Debug, PartialEq, Clone, Copy)]
enum Rule {
    /// Allowed on the box.
    Box,
    /// Allowed on the virtual gateway that is named.
    Vgw,
    /// Allowed inside the caller's own.
    Inside,
    /// Allowed about everything, or about oneself.
    About,
    /// The role does not have the verb.
    Forbidden,
    /// As if it did not exist.
    Absent,
}

fn row(verb: &Verb) -> [Rule; 4] {
    use Rule::*;
    match verb {
        Verb::Trust | Verb::Note { .. } => [Box, Forbidden, Forbidden, Forbidden],
        Verb::CreateVgw { .. }
        | Verb::PlanVgw { .. }
        | Verb::ShowCore
        | Verb::KillCore { .. }
        | Verb::Shutdown { .. } => [Forbidden, Box, Forbidden, Forbidden],
        Verb::StartVgw { .. }
        | Verb::StopVgw { .. }
        | Verb::RestartVgw { .. }
        | Verb::FreezeVgw { .. }
        | Verb::ThawVgw { .. }
        | Verb::RemoveVgw { .. }
        | Verb::SetContract { .. } => [Forbidden, Vgw, Forbidden, Absent],
        Verb::ShowVgw { .. } | Verb::ReadVgwMonths { .. } => [Forbidden, Vgw, Vgw, Absent],
        Verb::ListVgw | Verb::ListGrants | Verb::ReadAudit { .. } => {
            [Forbidden, About, About, About]
        }
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
        | Verb::RevokeGrant { .. } => [Forbidden, Inside, Inside, Inside],
    }
}

fn verbs(about: &str) -> Vec<Verb> {
    let provider = || name(about);
    let bundle = || name("web");
    vec![
        Verb::Trust,
        Verb::Note {
            text: String::new(),
        },
        Verb::CreateVgw {
            provider: provider(),
            contract: contract(),
            authority: String::new(),
            keys: Vec::new(),
        },
        Verb::ShowCore,
        Verb::KillCore {
            units: vec![bundle()],
        },
        Verb::PlanVgw {
            provider: provider(),
            contract: contract(),
        },
        Verb::Shutdown { reboot: true },
        Verb::StartVgw {
            provider: provider(),
        },
        Verb::StopVgw {
            provider: provider(),
        },
        Verb::RestartVgw {
            provider: provider(),
        },
        Verb::FreezeVgw {
            provider: provider(),
        },
        Verb::ThawVgw {
            provider: provider(),
        },
        Verb::RemoveVgw {
            provider: provider(),
            discard_volumes: false,
        },
        Verb::SetContract {
            provider: provider(),
            contract: contract(),
        },
        Verb::ShowVgw {
            provider: provider(),
        },
        Verb::ReadVgwMonths {
            provider: provider(),
        },
        Verb::ReadBundleMonths { name: bundle() },
        Verb::ExplainBundle {
            name: bundle(),
            about: limen_proto::manage::About::Refused,
        },
        Verb::ListVgw,
        Verb::ListGrants,
        Verb::ReadAudit { after: 0, limit: 1 },
        Verb::InstallBundle,
        Verb::ListBundles,
        Verb::ShowBundle { name: bundle() },
        Verb::StartBundle { name: bundle() },
        Verb::StopBundle { name: bundle() },
        Verb::RestartBundle { name: bundle() },
        Verb::UninstallBundle {
            name: bundle(),
            keep_volumes: false,
        },
        Verb::ReadLogs {
            name: bundle(),
            after: 0,
            limit: 1,
        },
        Verb::AddGrant {
            interface: "a.b".parse().unwrap(),
            consumer: provider(),
        },
        Verb::RevokeGrant { id: 1 },
    ]
}

fn rule(caller: &Caller, verb: &Verb) -> Rule {
    match authorise(caller, verb) {
        Ok(Scope::Box) => Rule::Box,
        Ok(Scope::Vgw(_)) => Rule::Vgw,
        Ok(Scope::Inside(of)) => {
            let own = match caller {
                Caller::Provider(own) => own.clone(),
                Caller::Operator | Caller::Management => name("core"),
            };
            assert_eq!(of, own);
            Rule::Inside
        }
        Ok(Scope::About(of)) => {
            let own = match caller {
                Caller::Provider(own) => Some(own.clone()),
                Caller::Operator | Caller::Management => None,
            };
            assert_eq!(of, own);
            Rule::About
        }
        Err(refusal) if refusal.kind == RefusalKind::Forbidden => Rule::Forbidden,
        Err(refusal) if refusal.kind == RefusalKind::NotFound => Rule::Absent,
        Err(refusal) => panic!("{refusal:?}"),
    }
}

#[test]
fn every_role_has_the_verbs_of_the_policy_and_no_other() {
    for (own, other) in verbs("energy").iter().zip(verbs("alarm").iter()) {
        let found = [
            rule(&Caller::Management, own),
            rule(&Caller::Operator, own),
            rule(&provider("energy"), own),
            rule(&provider("energy"), other),
        ];
        assert_eq!(found, row(own), "{own:?}");
    }
}

#[test]
fn another_providers_vgw_reads_exactly_as_one_that_does_not_exist() {
    let mut house = House::inhabited();
    let make: [fn(&str) -> Verb; 8] = [
        |of| Verb::ShowVgw { provider: name(of) },
        |of| Verb::StartVgw { provider: name(of) },
        |of| Verb::StopVgw { provider: name(of) },
        |of| Verb::RestartVgw { provider: name(of) },
        |of| Verb::FreezeVgw { provider: name(of) },
        |of| Verb::ThawVgw { provider: name(of) },
        |of| Verb::RemoveVgw {
            provider: name(of),
            discard_volumes: true,
        },
        |of| Verb::SetContract {
            provider: name(of),
            contract: contract(),
        },
    ];
    for verb in make {
        let present = house.call(provider("alarm"), verb("energy")).unwrap_err();
        let absent = house.call(provider("alarm"), verb("nobody")).unwrap_err();
        assert_eq!(present.kind, absent.kind);
        assert_eq!(present.message.replace("energy", "nobody"), absent.message);
    }
}

#[test]
fn another_providers_bundle_reads_exactly_as_one_that_does_not_exist() {
    let mut house = House::inhabited();
    house.install("energy", summary("meter", 1)).unwrap();
    let make: [fn(&str) -> Verb; 6] = [
        |of| Verb::ShowBundle { name: name(of) },
        |of| Verb::StartBundle { name: name(of) },
        |of| Verb::StopBundle { name: name(of) },
        |of| Verb::RestartBundle { name: name(of) },
        |of| Verb::UninstallBundle {
            name: name(of),
            keep_volumes: false,
        },
        |of| Verb::ReadLogs {
            name: name(of),
            after: 0,
            limit: 10,
        },
    ];
    for caller in [provider("alarm"), Caller::Operator] {
        for verb in make {
            let present = house.call(caller.clone(), verb("meter")).unwrap_err();
            let absent = house.call(caller.clone(), verb("nothing")).unwrap_err();
            assert_eq!(present.kind, RefusalKind::NotFound);
            assert_eq!(present.message.replace("meter", "nothing"), absent.message);
        }
    }
}
