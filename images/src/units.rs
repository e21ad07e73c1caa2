//! The tables that grant all authority of the core's programs
//!
//! `units.toml` and `devices.toml` are read in two steps: raw (unknown keys refused), then validated
//! into `limen_proto::table::Table`, which is written in postcard form into the system image. init
//! and limen-jail trust that table as they trust their own code; so what can be wrong in it must be
//! found here, on the developer's machine.
//!
//! | file of this module | noun |
//! | --- | --- |
//! | `raw` | the files as written |
//! | `validate` | what must hold, and the step from raw to table |
//! | `capability` | names of capabilities, and those that no core unit may have |

mod capability;
mod raw;
#[cfg(test)]
mod tests;
mod validate;

use anyhow::{Context as _, Result, ensure};
use limen_proto::table::UNITS_SIZE;

pub use capability::Refused;
pub use limen_proto::table::Table;
pub use validate::Invalid;

const UNITS: &str = include_str!("../units.toml");
const DEVICES: &str = include_str!("../devices.toml");

/// The checked-in tables, validated. `built` is the image's build time, seconds since 1970.
///
/// # Errors
/// A file is not TOML, has an unknown key, or breaks a rule; the message names the unit.
pub fn table(built: u64) -> Result<Table> {
    parse(UNITS, DEVICES, built)
}

/// The same from other texts.
///
/// # Errors
/// As [`table`].
pub fn parse(units: &str, devices: &str, built: u64) -> Result<Table> {
    let units: raw::Units = toml::from_str(units).context("images/units.toml")?;
    let devices: raw::Devices = toml::from_str(devices).context("images/devices.toml")?;
    validate::table(&units, &devices, built).map_err(Into::into)
}

/// The table's form in the system image.
///
/// # Errors
/// It is larger than what init reads.
pub fn compile(table: &Table) -> Result<Vec<u8>> {
    let mut buffer = vec![0; UNITS_SIZE];
    let used = postcard::to_slice(table, &mut buffer)
        .map(|used| used.len())
        .with_context(|| format!("the table of core units is larger than {UNITS_SIZE} bytes"))?;
    buffer.truncate(used);
    // What init will do; a table that it cannot read is a box that does not boot.
    let read = limen_proto::table::read(&buffer).context("read the compiled table back")?;
    ensure!(
        &read == table,
        "the compiled table reads differently than it was written"
    );
    Ok(buffer)
}
