//! Calls: authorised, carried out, answered
//!
//! One match from verb to the function that knows it. A refused call is an event and changes
//! nothing else.

use limen_proto::control;
use limen_proto::feature::Feature;
use limen_proto::id::UnitId;
use limen_proto::logs::{Lines, Read};
use limen_proto::manage::{Answer, Call, Caller, Core, CoreUnit, Lack, Refusal, Trust, Verb};
use limen_proto::name::Name;

use super::accounts::Payer;
use super::audit::{self, actor, event};
use super::authorise::{Scope, authorise};
use super::desired::VgwRecord;
use super::life::Move;
use super::refusal::{no_bundle, no_vgw, not_found, unavailable};
use super::turn::{Effect, Turn};
use super::wait::{Form, Goal, READ_MS};
use super::{Outcome, Steward};

/// Most lines that are asked of the logger at once: what fits a frame.
const LINES: u32 = 256;
/// Most events in one answer.
const EVENTS: u32 = 128;
/// Most bytes of events in one answer: a frame less its other fields.
const EVENT_BYTES: usize = 48 * 1024;

/// A call under way: who asked, and where the answer goes.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    /// In whose name.
    pub(super) caller: Caller,
    /// Where the answer goes.
    pub(super) call: u32,
}

impl Asking {
    /// Who acts, for an event.
    pub(super) fn actor(&self) -> String {
        actor(&self.caller)
    }
}

impl Steward {
    pub(super) fn called(&mut self, turn: &mut Turn<'_>, call: Call) {
        let asking = Asking {
            caller: call.caller,
            call: call.id,
        };
        let outcome = authorise(&asking.caller, &call.verb)
            .and_then(|scope| self.carry_out(turn, &asking, scope, &call.verb));
        match outcome {
            Ok(None) => {}
            Ok(Some(answer)) => self.reply(turn, Some(call.id), Ok(answer)),
            Err(refusal) => {
                self.refused(turn, &asking.caller, &call.verb, &refusal);
                self.reply(turn, Some(call.id), Err(refusal));
            }
        }
    }

    fn carry_out(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        scope: Scope,
        verb: &Verb,
    ) -> Outcome {
        match scope {
            Scope::Box => self.on_box(turn, asking, verb),
            Scope::Vgw(provider) => self.on_vgw(turn, asking, &provider, verb),
            // The operator looks for bundles of a `core` that has none; that is no mistake.
            Scope::Inside(provider)
                if *verb == Verb::ListBundles && self.desired.vgw_of(&provider).is_none() =>
            {
                Ok(Some(Answer::Bundles(Vec::new())))
            }
            Scope::Inside(provider) => {
                let vgw = self
                    .desired
                    .vgw_of(&provider)
                    .cloned()
                    .ok_or_else(|| no_vgw(&provider))?;
                self.on_inside(turn, asking, &vgw, verb)
            }
            Scope::About(provider) => self.on_all(turn, provider.as_ref(), verb),
        }
    }

    fn on_box(&mut self, turn: &mut Turn<'_>, asking: &Asking, verb: &Verb) -> Outcome {
        match verb {
            Verb::Trust => self.trust().map(Some),
            Verb::Note { text } => {
                let draft = event(turn.now, &asking.actor(), None, text, "");
                self.throttled(turn, draft.alarming());
                Ok(Some(Answer::Done))
            }
            Verb::CreateVgw {
                provider,
                contract,
                authority,
                keys,
            } => {
                let wish = super::vgws::Wish {
                    provider,
                    contract,
                    authority,
                    keys,
                };
                self.create_vgw(turn, asking, &wish)
            }
            Verb::PlanVgw { provider, contract } => self.plan_vgw(turn, provider, contract),
            Verb::ShowCore => Ok(Some(Answer::Core(self.core_view(turn)))),
            Verb::Shutdown { reboot } => self.shut_down(turn, asking, *reboot),
            Verb::KillCore { units } => self.kill_core(turn, asking, units),
            _ => Err(misplaced(verb)),
        }
    }

    fn on_vgw(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        provider: &Name,
        verb: &Verb,
    ) -> Outcome {
        let vgw = self
            .desired
            .vgw_of(provider)
            .cloned()
            .ok_or_else(|| no_vgw(provider))?;
        match verb {
            Verb::ShowVgw { .. } => Ok(Some(Answer::Vgw(self.vgw_view(turn, &vgw)))),
            Verb::ReadVgwMonths { .. } => Ok(Some(self.month_view(&Payer::Vgw(vgw.slot)))),
            Verb::StartVgw { .. } => self.move_vgw(turn, asking, vgw, Move::Start),
            Verb::StopVgw { .. } => self.move_vgw(turn, asking, vgw, Move::Stop),
            Verb::RestartVgw { .. } => self.move_vgw(turn, asking, vgw, Move::Restart),
            Verb::FreezeVgw { .. } => self.move_vgw(turn, asking, vgw, Move::Freeze),
            Verb::ThawVgw { .. } => self.move_vgw(turn, asking, vgw, Move::Thaw),
            Verb::RemoveVgw {
                discard_volumes, ..
            } => self.remove_vgw(turn, asking, vgw, *discard_volumes),
            Verb::SetContract { contract, .. } => self.set_contract(turn, asking, vgw, contract),
            _ => Err(misplaced(verb)),
        }
    }

    fn on_inside(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        vgw: &VgwRecord,
        verb: &Verb,
    ) -> Outcome {
        match verb {
            Verb::InstallBundle => self.install_bundle(turn, asking, vgw),
            Verb::ListBundles => Ok(Some(Answer::Bundles(self.bundle_views(turn, vgw.slot)))),
            Verb::ShowBundle { name } => self.show_bundle(turn, vgw.slot, name),
            Verb::StartBundle { name } => self.start_bundle(turn, asking, vgw, name),
            Verb::StopBundle { name } => self.stop_bundle(turn, asking, vgw, name),
            Verb::RestartBundle { name } => self.restart_bundle(turn, asking, vgw, name),
            Verb::UninstallBundle { name, keep_volumes } => {
                self.uninstall_bundle(turn, asking, vgw, name, *keep_volumes)
            }
            Verb::ReadLogs { name, after, limit } => {
                self.read_logs(turn, asking, vgw, name, (*after, *limit))
            }
            Verb::ExplainBundle { name, about } => {
                let bundle = self.desired.bundle_named(vgw.slot, name);
                let bundle = bundle.cloned().ok_or_else(|| no_bundle(name))?;
                Ok(Some(self.explain(turn, vgw, &bundle, about)))
            }
            Verb::ReadBundleMonths { name } => {
                let bundle = self.desired.bundle_named(vgw.slot, name);
                let bundle = bundle.ok_or_else(|| no_bundle(name))?;
                let payer = Payer::Bundle(vgw.slot, bundle.index);
                Ok(Some(self.month_view(&payer)))
            }
            Verb::AddGrant {
                interface,
                consumer,
            } => self.add_grant(turn, asking, vgw, interface, consumer),
            Verb::RevokeGrant { id } => self.revoke_grant(turn, asking, vgw, *id),
            _ => Err(misplaced(verb)),
        }
    }

    fn on_all(&mut self, turn: &mut Turn<'_>, provider: Option<&Name>, verb: &Verb) -> Outcome {
        match verb {
            Verb::ListVgw => {
                let records: Vec<VgwRecord> = self
                    .desired
                    .vgws
                    .values()
                    .filter(|vgw| provider.is_none_or(|own| vgw.provider == *own))
                    .cloned()
                    .collect();
                let views = records.iter().map(|vgw| self.vgw_view(turn, vgw)).collect();
                Ok(Some(Answer::Vgws(views)))
            }
            Verb::ListGrants => Ok(Some(Answer::Grants(self.grant_views(provider)))),
            Verb::ReadAudit { after, limit } => {
                let limit = (*limit).min(EVENTS);
                let mut events = turn
                    .outside
                    .events(provider, *after, limit)
                    .map_err(|error| {
                        super::failed(format!("the audit trail is not readable: {error}"))
                    })?;
                let mut room = EVENT_BYTES;
                events.retain(|event| {
                    let size = event.text.len() + event.actor.len() + 64;
                    let fits = size <= room;
                    room = if fits { room - size } else { 0 };
                    fits
                });
                Ok(Some(Answer::Audit(events)))
            }
            _ => Err(misplaced(verb)),
        }
    }

    fn trust(&self) -> Result<Answer, Refusal> {
        let identity = self.desired.identity.as_ref().ok_or_else(|| {
            unavailable(
                "the box is not provisioned: put operator-ca.pem, gateway.pem and gateway.key into provision/ on its data disk and boot it again",
            )
        })?;
        let providers = self
            .desired
            .vgws
            .values()
            .filter(|vgw| vgw.phase != super::desired::Phase::Removing)
            .map(|vgw| (vgw.provider.clone(), vgw.authority.clone()))
            .collect();
        Ok(Answer::Trust(Trust {
            certificate: identity.certificate.clone(),
            key: identity.key.clone(),
            operator: identity.operator.clone(),
            providers,
            epoch: self.desired.marks.epoch,
            not_before: self.clock_floor(),
        }))
    }

    fn core_view(&mut self, turn: &mut Turn<'_>) -> Core {
        let reports: Vec<_> = self.core.values().copied().collect();
        for report in &reports {
            self.sample(turn, report);
        }
        let capacity = turn.outside.capacity();
        let units = self
            .core
            .iter()
            .filter_map(|(number, report)| {
                let name = self.facts.core_units.get(usize::from(*number)).cloned();
                let name = name.or_else(|| format!("core-{number}").parse().ok())?;
                Some(CoreUnit {
                    state: report.state,
                    restarts: report.restarts,
                    usage: turn.outside.usage(UnitId::Core(*number)),
                    account: self.account(&Payer::Core(name.clone())).shown(),
                    posture: report.posture,
                    name,
                })
            })
            .collect();
        let mut warnings = self.facts.warnings.clone();
        if self.desired.identity.is_none() {
            warnings.push("the box is not provisioned".to_owned());
        }
        Core {
            version: self.facts.version.clone(),
            kernel: self.facts.kernel.clone(),
            units,
            memory_total: capacity.memory,
            memory_available: capacity.memory_available,
            uptime_ms: turn.now.monotonic_ms,
            warnings,
            lacks: turn.outside.lacks().into_iter().map(lack).collect(),
        }
    }

    fn shut_down(&mut self, turn: &mut Turn<'_>, asking: &Asking, reboot: bool) -> Outcome {
        let what = if reboot { "reboot" } else { "power off" };
        let text = format!("asked the box to {what}");
        self.note(turn, event(turn.now, &asking.actor(), None, &text, ""));
        self.write_accounts(turn);
        self.reply(turn, Some(asking.call), Ok(Answer::Done));
        self.ask(turn, control::Verb::Shutdown { reboot });
        Ok(None)
    }

    fn kill_core(&mut self, turn: &mut Turn<'_>, asking: &Asking, names: &[Name]) -> Outcome {
        let numbers = names.iter().map(|name| self.core_number(name));
        let numbers: Vec<u8> = numbers.collect::<Result<_, _>>()?;
        for name in names {
            let text = format!("ended core unit {name}, which is started again");
            self.note(turn, event(turn.now, &asking.actor(), None, &text, ""));
        }
        // Answered first: one may be this unit, or the one that carries the answer.
        self.reply(turn, Some(asking.call), Ok(Answer::Done));
        for number in numbers {
            let unit = UnitId::Core(number);
            self.ask(turn, control::Verb::Kill { unit });
        }
        Ok(None)
    }

    /// A core unit's number by its name.
    fn core_number(&self, name: &Name) -> Result<u8, Refusal> {
        let known = self.facts.core_units.iter().position(|known| known == name);
        known
            .and_then(|place| u8::try_from(place).ok())
            .filter(|number| self.core.contains_key(number))
            .ok_or_else(|| {
                not_found(format!(
                    "there is no core unit {name}; show the core to see what there is"
                ))
            })
    }

    fn read_logs(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        vgw: &VgwRecord,
        name: &Name,
        (after, limit): (u64, u32),
    ) -> Outcome {
        let bundle = self
            .desired
            .bundle_named(vgw.slot, name)
            .ok_or_else(|| no_bundle(name))?;
        if !self.links.logger {
            return Err(unavailable(
                "the log program is not there now; it is being restarted, try again",
            ));
        }
        let unit = UnitId::Bundle(vgw.slot, bundle.index);
        let id = self.request_id();
        turn.push(Effect::ReadLogs(Read {
            id,
            unit,
            after,
            limit: limit.min(LINES),
        }));
        self.waiters.add(
            asking.call,
            Goal::Lines(id),
            Form::Done,
            turn.now.monotonic_ms + READ_MS,
        );
        Ok(None)
    }

    pub(super) fn lines_read(&mut self, turn: &mut Turn<'_>, lines: Lines) {
        let call = self.waiters.take_lines(lines.id);
        self.reply(turn, call, Ok(Answer::Lines(lines.lines)));
    }
}

fn lack(feature: Feature) -> Lack {
    let need = feature.need();
    Lack {
        name: need.name.to_owned(),
        required: need.required,
        costs: need.costs.to_owned(),
        remedy: need.remedy.to_owned(),
    }
}

/// A verb arrived in a scope that `authorise` does not give it: a mistake of ours, refused.
fn misplaced(verb: &Verb) -> Refusal {
    super::failed(format!(
        "the steward has no rule to {}; report this as a defect",
        audit::verb_name(verb)
    ))
}
