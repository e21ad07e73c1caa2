//! The box and the core programs on it

use limen_proto::manage::{Core, Lack, Verb};
use serde_json::{Value, json};

use super::usage;
use super::vgw::posture;
use super::{Argument, Attribute, Effect, Form, Kind, Need, Operation, Unfit};

/// `type=Core`
pub(super) static KIND: Kind = Kind {
    name: "Core",
    keys: &[],
    seen_by: "operator",
    description: "the box: its core programs, its memory, what is wrong with it",
    attributes: &[
        Attribute {
            name: "Version",
            form: Form::Text,
            unit: "",
            description: "version of the core programs",
        },
        Attribute {
            name: "Kernel",
            form: Form::Text,
            unit: "",
            description: "kernel release",
        },
        Attribute {
            name: "Units",
            form: Form::List,
            unit: "",
            description: "core programs, each with Name, State, Restarts, MemoryUsage (bytes), \
                          CpuUsage (microseconds), ProcessCount, Total, Month and Posture",
        },
        Attribute {
            name: "MemoryTotal",
            form: Form::Long,
            unit: "bytes",
            description: "memory of the box",
        },
        Attribute {
            name: "MemoryAvailable",
            form: Form::Long,
            unit: "bytes",
            description: "memory that is free for use (MemAvailable of proc(5))",
        },
        Attribute {
            name: "Uptime",
            form: Form::Long,
            unit: "milliseconds",
            description: "time since init's first instruction",
        },
        Attribute {
            name: "Warnings",
            form: Form::List,
            unit: "",
            description: "what is wrong with the box, in words; empty is nothing",
        },
        Attribute {
            name: "KernelLacks",
            form: Form::List,
            unit: "",
            description: "what the kernel lacks, each with Name, Required (no virtual gateway is \
                          started without it), Costs and Remedy",
        },
    ],
    operations: &[
        Operation {
            name: "kill",
            arguments: &[Argument {
                name: "units",
                form: Form::Text,
                description: "names of core programs as Units has them, separated by commas",
            }],
            returns: Form::Void,
            description: "end core programs that hang, together, with SIGKILL; init starts them \
                          again, and no virtual gateway, bundle or reference notices",
            operator_only: true,
            perform: |_, arguments| {
                let names = arguments
                    .first()
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let units = names.split(',').map(|name| name.trim().parse());
                let units = units.collect::<Result<_, _>>();
                let units = units.map_err(|error| Unfit(format!("argument \"units\": {error}")))?;
                Ok(Effect::Call(Verb::KillCore { units }))
            },
        },
        Operation {
            name: "powerOff",
            arguments: &[],
            returns: Form::Void,
            description: "end everything in order and switch off",
            operator_only: true,
            perform: |_, _| Ok(Effect::Call(Verb::Shutdown { reboot: false })),
        },
        Operation {
            name: "reboot",
            arguments: &[],
            returns: Form::Void,
            description: "end everything in order and start again",
            operator_only: true,
            perform: |_, _| Ok(Effect::Call(Verb::Shutdown { reboot: true })),
        },
    ],
    needs: &[Need::Core],
    instances: |kind, world| {
        let core = world.core.iter();
        core.map(|core| kind.instance(&[], values(core))).collect()
    },
};

fn values(core: &Core) -> Vec<Value> {
    let units = core.units.iter().map(|unit| {
        json!({
            "Name": unit.name.as_str(),
            "State": unit.state.to_string(),
            "Restarts": unit.restarts,
            "MemoryUsage": unit.usage.memory,
            "CpuUsage": unit.usage.cpu_us,
            "ProcessCount": unit.usage.processes,
            "Total": usage::total(&unit.account),
            "Month": usage::month(&unit.account),
            "Posture": posture(&unit.posture),
        })
    });
    vec![
        json!(core.version),
        json!(core.kernel),
        units.collect(),
        json!(core.memory_total),
        json!(core.memory_available),
        json!(core.uptime_ms),
        json!(core.warnings),
        core.lacks.iter().map(lack).collect(),
    ]
}

fn lack(lack: &Lack) -> Value {
    json!({
        "Name": lack.name,
        "Required": lack.required,
        "Costs": lack.costs,
        "Remedy": lack.remedy,
    })
}

/// All attributes as one value.
pub(super) fn map(core: &Core) -> Value {
    Value::Object(KIND.instance(&[], values(core)).values)
}
