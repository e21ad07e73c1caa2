//! A bundle, to the provider that it belongs to
//!
//! Two state machines in one object, as TR-181 has them: `State` is the deployment unit's (what the
//! store holds), `UnitState` the execution unit's (what runs).

use limen_proto::manage::{About, Bundle, Verb};
use limen_proto::name::Name;
use limen_proto::state::Exit;
use serde_json::{Value, json};

use super::usage::{self, kilobytes};
use super::vgw::{is_active, posture};
use super::{Argument, Attribute, Effect, Form, Instance, Kind, Need, Operation, Unfit};

/// Most lines that one call of `logs` answers: they must fit one frame of the steward's link.
pub(super) const LOG_LINES: u64 = 256;

/// Longest path that is explained: as long as the kernel takes one.
const PATH_LENGTH: usize = 4096;

/// `type=Bundle`
pub(super) static KIND: Kind = Kind {
    name: "Bundle",
    keys: &["provider", "name"],
    seen_by: "its provider (for core: the operator)",
    description: "one installed bundle and the unit that runs it; install with POST /bundles",
    attributes: &[
        Attribute {
            name: "Name",
            form: Form::Text,
            unit: "",
            description: "its name",
        },
        Attribute {
            name: "Version",
            form: Form::Text,
            unit: "",
            description: "version, from the manifest",
        },
        Attribute {
            name: "Counter",
            form: Form::Long,
            unit: "",
            description: "anti-rollback counter, from the manifest",
        },
        Attribute {
            name: "Description",
            form: Form::Text,
            unit: "",
            description: "description, from the manifest",
        },
        Attribute {
            name: "Digest",
            form: Form::Text,
            unit: "",
            description: "SHA-256 of the signed manifest, hexadecimal",
        },
        Attribute {
            name: "State",
            form: Form::Word,
            unit: "",
            description: "Installing, Installed, Updating, Uninstalling or Uninstalled \
                          (TR-181 DeploymentUnit)",
        },
        Attribute {
            name: "Enabled",
            form: Form::Boolean,
            unit: "",
            description: "whether it shall run; kept over a power cut",
        },
        Attribute {
            name: "UnitState",
            form: Form::Word,
            unit: "",
            description: "Idle, Starting, Active, Stopping or Restarting (TR-181 ExecutionUnit)",
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
            name: "Spare",
            form: Form::Boolean,
            unit: "",
            description: "whether its next life stands ready, so that a restart only lets it go on",
        },
        Attribute {
            name: "Exit",
            form: Form::Text,
            unit: "",
            description: "how its main process ended last (status 1, signal 9); null is never",
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
            name: "MemoryInUse",
            form: Form::Long,
            unit: "kilobytes",
            description: "memory in use (TR-181 ExecutionUnit)",
        },
        Attribute {
            name: "DiskSpaceInUse",
            form: Form::Long,
            unit: "kilobytes",
            description: "its files in the store, by its signed index, and its volumes (TR-181 \
                          ExecutionUnit)",
        },
        Attribute {
            name: "DiskUsage",
            form: Form::Long,
            unit: "bytes",
            description: "bytes in its volumes (the quota of its uid; 0 where the data disk keeps none)",
        },
        Attribute {
            name: "DiskLimit",
            form: Form::Long,
            unit: "bytes",
            description: "most bytes in its volumes together, from the manifest; Posture says whether \
                          the kernel holds it",
        },
        Attribute {
            name: "InodeCount",
            form: Form::Long,
            unit: "",
            description: "files, directories and links in its volumes",
        },
        Attribute {
            name: "InodeLimit",
            form: Form::Long,
            unit: "",
            description: "most of them: as large a part of the contract's as DiskLimit is",
        },
        usage::TOTAL,
        usage::MONTH,
        Attribute {
            name: "Posture",
            form: Form::Map,
            unit: "",
            description: "the isolation that the kernel really enforces, as for VirtualGateway",
        },
        Attribute {
            name: "Ports",
            form: Form::List,
            unit: "",
            description: "ports that it serves inside, each with Name, Protocol and Port",
        },
        Attribute {
            name: "Exports",
            form: Form::List,
            unit: "",
            description: "interfaces that it registers with the broker",
        },
        Attribute {
            name: "Imports",
            form: Form::List,
            unit: "",
            description: "interfaces that it looks for",
        },
    ],
    operations: &[
        Operation {
            name: "start",
            arguments: &[],
            returns: Form::Void,
            description: "run it, now and after a power cut",
            operator_only: false,
            perform: |target, _| call(target, |name| Verb::StartBundle { name }),
        },
        Operation {
            name: "stop",
            arguments: &[],
            returns: Form::Void,
            description: "end it, until it is started again",
            operator_only: false,
            perform: |target, _| call(target, |name| Verb::StopBundle { name }),
        },
        Operation {
            name: "restart",
            arguments: &[],
            returns: Form::Void,
            description: "end it and start it again",
            operator_only: false,
            perform: |target, _| call(target, |name| Verb::RestartBundle { name }),
        },
        Operation {
            name: "uninstall",
            arguments: &[Argument {
                name: "keepVolumes",
                form: Form::Boolean,
                description: "keep its volumes for a later installation",
            }],
            returns: Form::Void,
            description: "end it and remove it from the store",
            operator_only: false,
            perform: |target, arguments| {
                let keep_volumes = arguments.first() == Some(&Value::Bool(true));
                call(target, |name| Verb::UninstallBundle { name, keep_volumes })
            },
        },
        Operation {
            name: "logs",
            arguments: &[
                Argument {
                    name: "after",
                    form: Form::Long,
                    description: "lines behind this number; 0 is from the oldest that is kept",
                },
                Argument {
                    name: "limit",
                    form: Form::Int,
                    description: "at most this many lines, 1 to 256",
                },
            ],
            returns: Form::List,
            description: "what it printed, each line with Number, Time (milliseconds since 1970) \
                          and Text",
            operator_only: false,
            perform: |target, arguments| {
                let number = |index| arguments.get(index).and_then(Value::as_u64);
                let after = number(0).unwrap_or(0);
                let limit = number(1).unwrap_or(LOG_LINES).clamp(1, LOG_LINES);
                let limit = u32::try_from(limit).unwrap_or(u32::MAX);
                call(target, |name| Verb::ReadLogs { name, after, limit })
            },
        },
        Operation {
            name: "explain",
            arguments: &[
                Argument {
                    name: "path",
                    form: Form::Text,
                    description: "a path of its root, or empty",
                },
                Argument {
                    name: "port",
                    form: Form::Int,
                    description: "a port, or 0",
                },
            ],
            returns: Form::List,
            description: "what the kernel refused to it since the steward started, or, of one path \
                          or port, what manifest and contract say: each with What, Count, First \
                          and Last (milliseconds since 1970, 0 is not known) and Remedy",
            operator_only: false,
            perform: |target, arguments| {
                let path = arguments
                    .first()
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let port = arguments.get(1).and_then(Value::as_u64).unwrap_or(0);
                let about = match (path, u16::try_from(port)) {
                    ("", Ok(0)) => About::Refused,
                    ("", Ok(port)) => About::Port(port),
                    (path, Ok(0)) if path.len() <= PATH_LENGTH => About::Path(path.to_owned()),
                    _ => {
                        let rule = "give a path of at most 4096 bytes, or a port up to 65535";
                        return Err(Unfit(rule.to_owned()));
                    }
                };
                call(target, |name| Verb::ExplainBundle { name, about })
            },
        },
        usage::months(|target, _| call(target, |name| Verb::ReadBundleMonths { name })),
        Operation {
            name: "isAlive",
            arguments: &[],
            returns: Form::Boolean,
            description: "whether its unit state is Active",
            operator_only: false,
            perform: |target, _| Ok(Effect::Value(is_active(target, "UnitState"))),
        },
    ],
    needs: &[Need::Bundles],
    instances: |kind, world| {
        let Some(provider) = world.provider() else {
            return Vec::new();
        };
        let named = |bundle: &Bundle| {
            kind.instance(&[provider.as_str(), bundle.name.as_str()], values(bundle))
        };
        world.bundles.iter().map(named).collect()
    },
};

fn call(target: &Instance, verb: impl FnOnce(Name) -> Verb) -> Result<Effect, Unfit> {
    let name = target.name.get("name").unwrap_or_default();
    let name = name.parse::<Name>();
    name.map(|name| Effect::Call(verb(name)))
        .map_err(|error| Unfit(error.to_string()))
}

fn values(bundle: &Bundle) -> Vec<Value> {
    let ports = bundle.ports.iter().map(
        |(name, protocol, port)| json!({"Name": name.as_str(), "Protocol": protocol, "Port": port}),
    );
    let exit = bundle.exit.map(|exit| match exit {
        Exit::Status(status) => format!("status {status}"),
        Exit::Signal(signal) => format!("signal {signal}"),
    });
    vec![
        json!(bundle.name.as_str()),
        json!(bundle.version),
        json!(bundle.counter),
        json!(bundle.description),
        json!(bundle.digest.to_string()),
        json!(bundle.state.to_string()),
        json!(bundle.enabled),
        json!(bundle.unit.to_string()),
        json!(bundle.fault.to_string()),
        json!(bundle.detail),
        json!(bundle.restarts),
        json!(bundle.spare),
        json!(exit),
        json!(bundle.usage.cpu_us),
        json!(bundle.usage.memory),
        json!(bundle.usage.processes),
        json!(kilobytes(bundle.usage.memory)),
        json!(kilobytes(
            bundle.usage.disk.saturating_add(bundle.stored.bytes)
        )),
        json!(bundle.stored.bytes),
        json!(bundle.storage.bytes),
        json!(bundle.stored.inodes),
        json!(bundle.storage.inodes),
        usage::total(&bundle.account),
        usage::month(&bundle.account),
        posture(&bundle.posture),
        ports.collect(),
        bundle
            .exports
            .iter()
            .map(|name| json!(name.as_str()))
            .collect(),
        bundle
            .imports
            .iter()
            .map(|name| json!(name.as_str()))
            .collect(),
    ]
}

/// All attributes as one value.
pub(super) fn map(bundle: &Bundle) -> Value {
    Value::Object(KIND.instance(&[], values(bundle)).values)
}
