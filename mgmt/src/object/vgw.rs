//! A virtual gateway from outside
//!
//! The operator sees all of them, a provider its own; only the operator may start, stop, limit and
//! remove. What runs inside is the provider's: `type=Bundle`.

use limen_proto::contract::Contract;
use limen_proto::manage::{Verb, Vgw};
use limen_proto::posture::Posture;
use serde_json::{Value, json};

use super::usage::{self, kilobytes};
use super::{Argument, Attribute, Effect, Form, Instance, Kind, Need, Operation, Unfit};
use limen_proto::name::Name;

/// `type=VirtualGateway`
pub(super) static KIND: Kind = Kind {
    name: "VirtualGateway",
    keys: &["provider"],
    seen_by: "operator (all), provider (its own)",
    description: "one provider's isolated environment: its state, its contract, what it uses",
    attributes: &[
        Attribute {
            name: "Provider",
            form: Form::Text,
            unit: "",
            description: "whose it is",
        },
        Attribute {
            name: "Slot",
            form: Form::Int,
            unit: "",
            description: "its place on the box, 0 to 63",
        },
        Attribute {
            name: "Enabled",
            form: Form::Boolean,
            unit: "",
            description: "whether it shall run; kept over a power cut",
        },
        Attribute {
            name: "Frozen",
            form: Form::Boolean,
            unit: "",
            description: "whether its processes are held where they are; kept over a power cut",
        },
        Attribute {
            name: "VolumeSpent",
            form: Form::Boolean,
            unit: "",
            description: "whether the volume of the month is spent; kept over a power cut",
        },
        Attribute {
            name: "State",
            form: Form::Word,
            unit: "",
            description: "Idle, Starting, Active, Stopping or Restarting (TR-181 ExecutionUnit); Parked: Idle, and built for a start that only opens it",
        },
        Attribute {
            name: "Fault",
            form: Form::Word,
            unit: "",
            description: "NoFault, or why it is not what it should be (TR-181 ExecutionFaultCode), \
                          X_LIMEN_OutOfMemory among them",
        },
        Attribute {
            name: "Detail",
            form: Form::Text,
            unit: "",
            description: "what went wrong last, in words; empty is nothing",
        },
        Attribute {
            name: "Restarts",
            form: Form::Int,
            unit: "",
            description: "restarts since it was started by request",
        },
        Attribute {
            name: "Address",
            form: Form::Text,
            unit: "",
            description: "the IPv4 address that it keeps for life",
        },
        Attribute {
            name: "CpuUsage",
            form: Form::Long,
            unit: "microseconds",
            description: "processor time since its start (cgroup v2 usage_usec)",
        },
        Attribute {
            name: "MemoryUsage",
            form: Form::Long,
            unit: "bytes",
            description: "memory in use (cgroup v2 memory.current)",
        },
        Attribute {
            name: "ProcessCount",
            form: Form::Int,
            unit: "",
            description: "processes and threads (cgroup v2 pids.current)",
        },
        Attribute {
            name: "AllocatedMemory",
            form: Form::Long,
            unit: "kilobytes",
            description: "memory that its contract allows (TR-181 ExecEnv)",
        },
        Attribute {
            name: "AvailableMemory",
            form: Form::Long,
            unit: "kilobytes",
            description: "what is left of it (TR-181 ExecEnv)",
        },
        Attribute {
            name: "AllocatedDiskSpace",
            form: Form::Long,
            unit: "kilobytes",
            description: "disk that its contract allows (TR-181 ExecEnv)",
        },
        Attribute {
            name: "AvailableDiskSpace",
            form: Form::Long,
            unit: "kilobytes",
            description: "what is left of it, at most a minute ago (TR-181 ExecEnv)",
        },
        Attribute {
            name: "DiskUsage",
            form: Form::Long,
            unit: "bytes",
            description: "disk in use: store, staging and volumes, as its quota counts",
        },
        Attribute {
            name: "InodeCount",
            form: Form::Long,
            unit: "",
            description: "files, directories and links on the disk, as its quota counts",
        },
        Attribute {
            name: "BytesSent",
            form: Form::Long,
            unit: "bytes",
            description: "sent since it was made (TR-181 IP.Interface.Stats)",
        },
        Attribute {
            name: "BytesReceived",
            form: Form::Long,
            unit: "bytes",
            description: "received since it was made (TR-181 IP.Interface.Stats)",
        },
        Attribute {
            name: "PacketsSent",
            form: Form::Long,
            unit: "",
            description: "sent since it was made (TR-181 IP.Interface.Stats)",
        },
        Attribute {
            name: "PacketsReceived",
            form: Form::Long,
            unit: "",
            description: "received since it was made (TR-181 IP.Interface.Stats)",
        },
        usage::TOTAL,
        usage::MONTH,
        usage::INSTALL,
        Attribute {
            name: "Contract",
            form: Form::Map,
            unit: "",
            description: "guarantees and limits, as setContract takes them",
        },
        Attribute {
            name: "Posture",
            form: Form::Map,
            unit: "",
            description: "the isolation that the kernel really enforces: LandlockAbi, Seccomp, \
                          UserNamespace, MemfdExecDenied, DiskQuota, Shaped; Compared: whether what was read back from the running unit is exact, or what differs",
        },
        Attribute {
            name: "InstallPosture",
            form: Form::Map,
            unit: "",
            description: "the same of the last run of limen-install for it that was read back",
        },
        Attribute {
            name: "Published",
            form: Form::List,
            unit: "",
            description: "ports of the box that lead inside: protocol, outside, inside",
        },
        Attribute {
            name: "BundleCount",
            form: Form::Int,
            unit: "",
            description: "bundles that are installed",
        },
    ],
    operations: &[
        Operation {
            name: "start",
            arguments: &[],
            returns: Form::Void,
            description: "run it, now and after a power cut",
            operator_only: true,
            perform: |target, _| call(target, |provider| Verb::StartVgw { provider }),
        },
        Operation {
            name: "stop",
            arguments: &[],
            returns: Form::Void,
            description: "end it with everything inside, until it is started again",
            operator_only: true,
            perform: |target, _| call(target, |provider| Verb::StopVgw { provider }),
        },
        Operation {
            name: "restart",
            arguments: &[],
            returns: Form::Void,
            description: "end it with everything inside and start it again",
            operator_only: true,
            perform: |target, _| call(target, |provider| Verb::RestartVgw { provider }),
        },
        Operation {
            name: "freeze",
            arguments: &[],
            returns: Form::Void,
            description: "hold every process in it where it is; bundles cannot be changed until \
                          it is thawed",
            operator_only: true,
            perform: |target, _| call(target, |provider| Verb::FreezeVgw { provider }),
        },
        Operation {
            name: "thaw",
            arguments: &[],
            returns: Form::Void,
            description: "let its processes go on",
            operator_only: true,
            perform: |target, _| call(target, |provider| Verb::ThawVgw { provider }),
        },
        Operation {
            name: "remove",
            arguments: &[Argument {
                name: "volumes",
                form: Form::Word,
                description: "discard-volumes, or empty: then volumes that hold data refuse it",
            }],
            returns: Form::Void,
            description: "remove it with everything that it holds",
            operator_only: true,
            perform: |target, arguments| {
                let discard_volumes = match arguments.first().and_then(Value::as_str) {
                    Some("discard-volumes") => true,
                    Some("") | None => false,
                    Some(_) => {
                        let rule = "argument \"volumes\" must be discard-volumes or empty";
                        return Err(Unfit(rule.to_owned()));
                    }
                };
                call(target, |provider| Verb::RemoveVgw {
                    provider,
                    discard_volumes,
                })
            },
        },
        Operation {
            name: "setContract",
            arguments: &[Argument {
                name: "contract",
                form: Form::Json,
                description: "the whole new contract, as the attribute Contract shows it",
            }],
            returns: Form::Map,
            description: "change its guarantees and limits while it runs, its bundles' shares with \
                          them; answers when they are in force, with Restart, the keys that \
                          running bundles keep as they were until they are restarted, and \
                          Bundles, how many those are",
            operator_only: true,
            perform: |target, arguments| {
                let contract = contract(arguments.first().unwrap_or(&Value::Null))?;
                call(target, |provider| Verb::SetContract { provider, contract })
            },
        },
        usage::months(|target, _| call(target, |provider| Verb::ReadVgwMonths { provider })),
        Operation {
            name: "isAlive",
            arguments: &[],
            returns: Form::Boolean,
            description: "whether its state is Active",
            operator_only: false,
            perform: |target, _| Ok(Effect::Value(is_active(target, "State"))),
        },
    ],
    needs: &[Need::Vgws],
    instances: |kind, world| {
        let vgws = world.vgws.iter();
        vgws.map(|vgw| kind.instance(&[vgw.provider.as_str()], values(vgw)))
            .collect()
    },
};

fn call(target: &Instance, verb: impl FnOnce(Name) -> Verb) -> Result<Effect, Unfit> {
    let provider = target.name.get("provider").unwrap_or_default();
    let provider = provider.parse::<Name>();
    provider
        .map(|provider| Effect::Call(verb(provider)))
        .map_err(|error| Unfit(error.to_string()))
}

/// Whether the attribute that holds a unit state says `Active`.
pub(super) fn is_active(target: &Instance, attribute: &str) -> Value {
    let state = target.values.get(attribute).and_then(Value::as_str);
    Value::Bool(state == Some("Active"))
}

/// Reads a contract.
pub(super) fn contract(given: &Value) -> Result<Contract, Unfit> {
    serde_json::from_value(given.clone())
        .map_err(|error| Unfit(format!("invalid contract: {error}")))
}

/// What is enforced, with names as attributes have them.
pub(super) fn posture(posture: &Posture) -> Value {
    json!({
        "LandlockAbi": posture.landlock_abi,
        "Seccomp": posture.seccomp,
        "UserNamespace": posture.user_namespace,
        "MemfdExecDenied": posture.memfd_exec_denied,
        "DiskQuota": posture.disk_quota,
        "Shaped": posture.shaped,
        "Compared": posture.compared.to_string(),
    })
}

fn values(vgw: &Vgw) -> Vec<Value> {
    let [a, b, c, d] = vgw.address;
    let (memory, total) = (vgw.contract.limits.memory, vgw.account.total);
    vec![
        json!(vgw.provider.as_str()),
        json!(vgw.slot),
        json!(vgw.enabled),
        json!(vgw.frozen),
        json!(vgw.spent),
        json!(vgw.state.to_string()),
        json!(vgw.fault.to_string()),
        json!(vgw.detail),
        json!(vgw.restarts),
        json!(format!("{a}.{b}.{c}.{d}")),
        json!(vgw.usage.cpu_us),
        json!(vgw.usage.memory),
        json!(vgw.usage.processes),
        json!(kilobytes(memory)),
        json!(kilobytes(memory.saturating_sub(vgw.usage.memory))),
        json!(kilobytes(vgw.contract.disk)),
        json!(kilobytes(vgw.contract.disk.saturating_sub(vgw.usage.disk))),
        json!(vgw.usage.disk),
        json!(vgw.usage.inodes),
        json!(total.bytes_sent),
        json!(total.bytes_received),
        json!(total.packets_sent),
        json!(total.packets_received),
        usage::total(&vgw.account),
        usage::month(&vgw.account),
        usage::install(&vgw.install),
        json!(vgw.contract),
        posture(&vgw.posture),
        posture(&vgw.install_posture),
        json!(vgw.contract.publish),
        json!(vgw.bundles),
    ]
}

/// All attributes as one value.
pub(super) fn map(vgw: &Vgw) -> Value {
    Value::Object(KIND.instance(&[vgw.provider.as_str()], values(vgw)).values)
}
