//! Saying a telegram: the far end of the line
//!
//! In the form of DSMR 5, with the lines that real meters send around those that are read.

use super::clock;
use super::crc::crc16;
use super::telegram::{
    DELIVERED, METER, POWER_DELIVERED, POWER_RETURNED, RETURNED, TARIFF, TIME, Telegram,
};

/// The telegram as it goes over the line, checksum and line ends included.
pub fn telegram(says: &Telegram) -> String {
    let number: String = says
        .meter
        .bytes()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let lines = [
        "/LMN5\\253769484_A".to_owned(),
        String::new(),
        "1-3:0.2.8(50)".to_owned(),
        format!("{TIME}({})", clock::write(says.time)),
        format!("{METER}({number})"),
        energy(DELIVERED[0], says.delivered_wh[0]),
        energy(DELIVERED[1], says.delivered_wh[1]),
        energy(RETURNED[0], says.returned_wh[0]),
        energy(RETURNED[1], says.returned_wh[1]),
        format!("{TARIFF}({:04})", says.tariff),
        power(POWER_DELIVERED, says.delivered_w),
        power(POWER_RETURNED, says.returned_w),
        "0-0:96.7.21(00004)".to_owned(),
        "0-0:96.13.0()".to_owned(),
        "1-0:32.7.0(230.1*V)".to_owned(),
        "!".to_owned(),
    ];
    let covered = lines.join("\r\n");
    let sum = crc16(covered.as_bytes());
    format!("{covered}{sum:04X}\r\n")
}

fn energy(reference: &str, watt_hours: u64) -> String {
    let (whole, fraction) = (watt_hours / 1000, watt_hours % 1000);
    format!("{reference}({whole:06}.{fraction:03}*kWh)")
}

fn power(reference: &str, watts: u32) -> String {
    let (whole, fraction) = (watts / 1000, watts % 1000);
    format!("{reference}({whole:02}.{fraction:03}*kW)")
}
