//! A steward without a box: the real protocol over a world in memory

use std::io::Read;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};

use limen_channel::{Buffer, Channel};
use limen_proto::limits::LINK_FRAME;
use limen_proto::logs::Line;
use limen_proto::manage::{
    Account, Answer, AuditEvent, Call, Caller, Core, CoreUnit, Grant, Push, Refusal, RefusalKind,
    Trust, Usage, Verb,
};
use limen_proto::posture::Posture;
use limen_proto::state::UnitState;

use super::world::{World, bundle, vgw};

type Outcome = Result<Answer, Refusal>;

/// The steward's state, which outlives its links.
pub struct FakeSteward {
    pub trust: Mutex<Trust>,
    pub world: Mutex<World>,
    /// Every call, in order.
    pub calls: Mutex<Vec<(Caller, Verb)>>,
    /// Bytes of every upload.
    pub uploads: Mutex<Vec<Vec<u8>>>,
    link: Mutex<Option<Arc<Channel<LINK_FRAME>>>>,
}

impl FakeSteward {
    pub fn new(trust: Trust) -> Self {
        Self {
            trust: Mutex::new(trust),
            world: Mutex::new(World::new()),
            calls: Mutex::default(),
            uploads: Mutex::default(),
            link: Mutex::default(),
        }
    }

    /// Speaks a link, in a thread, until it ends.
    pub fn serve(self: &Arc<Self>, link: Channel<LINK_FRAME>) {
        let link = Arc::new(link);
        *self.link.lock().unwrap() = Some(link.clone());
        let steward = self.clone();
        std::thread::spawn(move || {
            loop {
                let mut buffer = Buffer::new();
                match link.receive::<Call>(&mut buffer) {
                    Ok(Some((call, _))) => steward.take(&link, call),
                    _ => return,
                }
            }
        });
    }

    /// The steward dies.
    pub fn hang_up(&self) {
        if let Some(link) = self.link.lock().unwrap().take() {
            link.shutdown().unwrap();
        }
    }

    /// Trust changes and mgmt is told.
    pub fn change_trust(&self, change: impl FnOnce(&mut Trust)) {
        {
            let mut trust = self.trust.lock().unwrap();
            change(&mut trust);
            trust.epoch += 1;
        }
        if let Some(link) = &*self.link.lock().unwrap() {
            link.send(&Push::TrustChanged, &[]).unwrap();
        }
    }

    /// Notes that mgmt left.
    pub fn notes(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap();
        let notes = calls.iter().filter_map(|(_, verb)| match verb {
            Verb::Note { text } => Some(text.clone()),
            _ => None,
        });
        notes.collect()
    }

    fn take(self: &Arc<Self>, link: &Arc<Channel<LINK_FRAME>>, call: Call) {
        self.calls
            .lock()
            .unwrap()
            .push((call.caller.clone(), call.verb.clone()));
        if call.verb == Verb::InstallBundle {
            let (steward, link) = (self.clone(), link.clone());
            std::thread::spawn(move || steward.install(&link, call.id));
            return;
        }
        let result = self.decide(&call.caller, &call.verb);
        let _ = link.send(
            &Push::Reply {
                id: call.id,
                result,
            },
            &[],
        );
    }

    fn install(&self, link: &Channel<LINK_FRAME>, id: u32) {
        let (mut stream, upload) = std::io::pipe().unwrap();
        let ready = Push::Reply {
            id,
            result: Ok(Answer::Upload),
        };
        link.send(&ready, &[upload.as_fd()]).unwrap();
        drop(upload);
        let mut head = [0; 6];
        let begun = stream.read_exact(&mut head).is_ok();
        let result = if begun && &head == b"again!" {
            drop(stream);
            Ok(Answer::Bundle(bundle("web")))
        } else if begun && &head == b"forged" {
            drop(stream);
            refuse(
                RefusalKind::Untrusted,
                "the bundle is signed by no key of this provider",
            )
        } else {
            let mut bytes = head.to_vec();
            stream.read_to_end(&mut bytes).unwrap();
            let total = bytes.len() as u64;
            for done in [total / 2, total] {
                link.send(&Push::Progress { id, done, total }, &[]).unwrap();
            }
            let cut_short = bytes.ends_with(b"cut");
            self.uploads.lock().unwrap().push(bytes);
            match cut_short {
                true => refuse(RefusalKind::Invalid, "the bundle ends early; send it again"),
                false => Ok(Answer::Bundle(bundle("web"))),
            }
        };
        let _ = link.send(&Push::Reply { id, result }, &[]);
    }

    fn decide(&self, caller: &Caller, verb: &Verb) -> Outcome {
        let mut world = self.world.lock().unwrap();
        let own = match caller {
            Caller::Provider(name) => name.as_str().to_owned(),
            _ => "core".to_owned(),
        };
        let operator = *caller == Caller::Operator;
        match verb {
            Verb::Trust => Ok(Answer::Trust(self.trust.lock().unwrap().clone())),
            Verb::Note { .. } => Ok(Answer::Done),
            Verb::ListVgw => {
                let all = world.vgws.iter();
                let seen = all.filter(|vgw| operator || vgw.provider.as_str() == own);
                Ok(Answer::Vgws(seen.cloned().collect()))
            }
            Verb::ListBundles => {
                let mine = world
                    .bundles
                    .iter()
                    .filter(|(provider, _)| *provider == own);
                Ok(Answer::Bundles(
                    mine.map(|(_, bundle)| bundle.clone()).collect(),
                ))
            }
            Verb::ListGrants => {
                let seen = world.grants.iter().filter(|grant| {
                    operator || grant.exporter.as_str() == own || grant.consumer.as_str() == own
                });
                Ok(Answer::Grants(seen.cloned().collect()))
            }
            Verb::ShowCore if operator => Ok(Answer::Core(core())),
            Verb::CreateVgw {
                provider, contract, ..
            } if operator => {
                if world.vgws.iter().any(|vgw| vgw.provider == *provider) {
                    return refuse(RefusalKind::Conflict, "it exists already; remove it first");
                }
                if contract.limits.memory > 1 << 30 {
                    return refuse(
                        RefusalKind::NotAdmitted,
                        "the box has 256 MiB; ask for less",
                    );
                }
                let mut made = vgw(provider.as_str(), 3);
                made.contract = contract.clone();
                world.vgws.push(made.clone());
                Ok(Answer::Vgw(made))
            }
            Verb::StopVgw { provider } | Verb::StartVgw { provider } if operator => {
                let wanted = match verb {
                    Verb::StopVgw { .. } => UnitState::Idle,
                    _ => UnitState::Active,
                };
                let Some(vgw) = world.vgws.iter_mut().find(|vgw| vgw.provider == *provider) else {
                    return refuse(RefusalKind::NotFound, "there is no such virtual gateway");
                };
                if vgw.state == wanted {
                    return refuse(RefusalKind::Conflict, "it is in that state already");
                }
                vgw.state = wanted;
                Ok(Answer::Done)
            }
            Verb::RemoveVgw { provider, .. } if operator => {
                world.vgws.retain(|vgw| vgw.provider != *provider);
                Ok(Answer::Done)
            }
            Verb::ReadLogs { after, limit, .. } => Ok(Answer::Lines(
                (after + 1..=3.min(after + u64::from(*limit)))
                    .map(|number| Line {
                        number,
                        time_ms: 1_800_000_000_000,
                        text: format!("line {number}"),
                    })
                    .collect(),
            )),
            Verb::ReadVgwMonths { .. } | Verb::ReadBundleMonths { .. } => {
                Ok(Answer::Months(Vec::new()))
            }
            Verb::ExplainBundle { .. } => Ok(Answer::Denials(Vec::new())),
            Verb::AddGrant {
                interface,
                consumer,
            } => {
                let grant = Grant {
                    id: 2,
                    exporter: own.parse().unwrap(),
                    interface: interface.clone(),
                    consumer: consumer.clone(),
                    created: 1_800_000_001,
                    references: 0,
                };
                world.grants.push(grant.clone());
                Ok(Answer::Grant(grant))
            }
            Verb::RevokeGrant { id } => {
                world.grants.retain(|grant| grant.id != *id);
                Ok(Answer::Done)
            }
            Verb::ReadAudit { after, .. } => {
                let event = AuditEvent {
                    number: 1,
                    time_ms: 1_800_000_000_000,
                    actor: "operator".into(),
                    provider: Some("energy".parse().unwrap()),
                    text: "created the virtual gateway".into(),
                };
                Ok(Answer::Audit(if *after == 0 {
                    vec![event]
                } else {
                    Vec::new()
                }))
            }
            Verb::StartBundle { .. }
            | Verb::StopBundle { .. }
            | Verb::RestartBundle { .. }
            | Verb::UninstallBundle { .. }
            | Verb::RestartVgw { .. }
            | Verb::FreezeVgw { .. }
            | Verb::ThawVgw { .. }
            | Verb::SetContract { .. }
            | Verb::Shutdown { .. } => Ok(Answer::Done),
            _ => refuse(RefusalKind::Forbidden, "only the operator may do that"),
        }
    }
}

fn refuse(kind: RefusalKind, message: &str) -> Outcome {
    Err(Refusal {
        kind,
        message: message.to_owned(),
    })
}

fn core() -> Core {
    Core {
        version: "0.1.0".into(),
        kernel: "6.12.0-test".into(),
        units: vec![CoreUnit {
            name: "steward".parse().unwrap(),
            state: UnitState::Active,
            restarts: 0,
            usage: Usage {
                memory: 4 << 20,
                ..Usage::default()
            },
            account: Account::default(),
            posture: Posture::default(),
        }],
        memory_total: 256 << 20,
        memory_available: 128 << 20,
        uptime_ms: 5000,
        warnings: vec!["the watchdog is missing".into()],
        lacks: Vec::new(),
    }
}
