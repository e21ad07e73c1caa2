//! What a unit uses and has used, as values
//!
//! Names are TR-181's where it has one (`SoftwareModules.ExecutionUnit`, `SoftwareModules.ExecEnv`,
//! `IP.Interface.Stats`), with its units: kilobytes there, bytes in ours.

use limen_proto::account::Counters;
use limen_proto::manage::{Account, MonthCount};
use serde_json::{Value, json};

use super::{Attribute, Effect, Form, Instance, Operation, Unfit};

/// Since the unit was made.
pub(super) const TOTAL: Attribute = Attribute {
    name: "Total",
    form: Form::Map,
    unit: "",
    description: "what it has used since it was made, over restarts and power cuts: CpuUsage and \
                  ThrottledTime (microseconds), ThrottledPeriods, MemoryPeak (bytes), MemoryHighHits, \
                  MemoryLimitHits, OutOfMemoryKills, ProcessLimitHits, Restarts, BytesSent, \
                  BytesReceived, PacketsSent, PacketsReceived, DiskBytesRead, DiskBytesWritten",
};

/// Since the month began.
pub(super) const MONTH: Attribute = Attribute {
    name: "Month",
    form: Form::Map,
    unit: "",
    description: "the same since the beginning of the calendar month that Month names (UTC)",
};

/// What limen-install used for a virtual gateway, since that was made.
pub(super) const INSTALL: Attribute = Attribute {
    name: "InstallTotal",
    form: Form::Map,
    unit: "",
    description: "what installing and removing its bundles has used of the core's, in the form of \
                  Total, which does not have it",
};

/// The value of [`INSTALL`].
pub(super) fn install(account: &Account) -> Value {
    counters(&account.total)
}

/// What `months` answers.
pub(super) const MONTHS: &str = "what it used in each month, the present one last, at most 13 of \
                                 them, in the form of Month";

/// The operation `months`.
pub(super) const fn months(perform: fn(&Instance, &[Value]) -> Result<Effect, Unfit>) -> Operation {
    Operation {
        name: "months",
        arguments: &[],
        returns: Form::List,
        description: MONTHS,
        operator_only: false,
        perform,
    }
}

/// TR-181 counts in kilobytes of 1024 bytes.
pub(super) const fn kilobytes(bytes: u64) -> u64 {
    bytes.div_ceil(1024)
}

/// The value of [`TOTAL`].
pub(super) fn total(account: &Account) -> Value {
    counters(&account.total)
}

/// The value of [`MONTH`].
pub(super) fn month(account: &Account) -> Value {
    month_map(&MonthCount {
        month: account.month,
        counted: account.counted,
    })
}

/// One month.
pub(super) fn month_map(count: &MonthCount) -> Value {
    let mut value = counters(&count.counted);
    value["Month"] = json!(count.month.to_string());
    value
}

fn counters(counters: &Counters) -> Value {
    json!({
        "CpuUsage": counters.cpu_us,
        "ThrottledTime": counters.throttled_us,
        "ThrottledPeriods": counters.throttled,
        "MemoryPeak": counters.memory_peak,
        "MemoryHighHits": counters.memory_high,
        "MemoryLimitHits": counters.memory_max,
        "OutOfMemoryKills": counters.oom_kills,
        "ProcessLimitHits": counters.process_hits,
        "Restarts": counters.restarts,
        "BytesSent": counters.bytes_sent,
        "BytesReceived": counters.bytes_received,
        "PacketsSent": counters.packets_sent,
        "PacketsReceived": counters.packets_received,
        "DiskBytesRead": counters.disk_read,
        "DiskBytesWritten": counters.disk_written,
    })
}
