//! A DSMR 5 P1 telegram, as a Dutch electricity meter sends one every second.
//!
//! Text of IEC 62056-21 data lines between `/` and `!`, closed by a CRC-16 over everything up to
//! and including the `!` (DSMR 5.0.2 P1 companion standard, section 5.2 and chapter 6). The household
//! behind it is made up and repeats: a refrigerator all the time, and people at home every other
//! two minutes, so that a presence detector has something to tell in a short look.

use time::{Duration, OffsetDateTime};

/// How long the people stay, and stay away.
const HALF_PERIOD_SECONDS: u64 = 120;

/// Watts that the household draws at a second of the demonstration.
fn watts(second: u64) -> u64 {
    let refrigerator = if second % 50 < 20 { 95 } else { 5 };
    let at_home = (second / HALF_PERIOD_SECONDS) % 2 == 1;
    // Lamps and a screen, and for ten seconds of each thirty a kettle.
    let people = if at_home { 340 + (second * 37) % 60 } else { 0 };
    let kettle = if at_home && second % 30 < 10 { 1850 } else { 0 };
    45 + refrigerator + people + kettle
}

/// The telegrams of one household, second by second.
#[derive(Debug, Default)]
pub(crate) struct Telegrams {
    second: u64,
    watt_seconds: u64,
}

impl Telegrams {
    /// The next second's telegram, with line ends as on the wire.
    pub(crate) fn next(&mut self, now: OffsetDateTime) -> String {
        let watts = watts(self.second);
        self.second += 1;
        self.watt_seconds += watts;
        // The meter was installed long before the demonstration started.
        let watt_hours = 4_872_310 + self.watt_seconds / 3600;
        let mut telegram = format!(
            "/LMN5\\2DEMONSTRATION\r\n\r\n\
             1-3:0.2.8(50)\r\n\
             0-0:1.0.0({}W)\r\n\
             0-0:96.1.1(4C494D454E303031)\r\n\
             1-0:1.8.1({}*kWh)\r\n\
             1-0:1.8.2(002310.044*kWh)\r\n\
             1-0:2.8.1(000000.000*kWh)\r\n\
             1-0:2.8.2(000000.000*kWh)\r\n\
             0-0:96.14.0(0001)\r\n\
             1-0:1.7.0({}*kW)\r\n\
             1-0:2.7.0(00.000*kW)\r\n\
             0-0:96.7.21(00004)\r\n\
             0-0:96.7.9(00002)\r\n\
             1-0:32.7.0(229.{}*V)\r\n\
             1-0:31.7.0({:03}*A)\r\n\
             1-0:21.7.0({}*kW)\r\n\
             1-0:22.7.0(00.000*kW)\r\n!",
            stamp(now),
            thousandths(watt_hours, 6),
            thousandths(watts, 2),
            self.second % 10,
            watts / 229,
            thousandths(watts, 2),
        );
        telegram.push_str(&format!("{:04X}\r\n", crc(telegram.as_bytes())));
        telegram
    }
}

/// `YYMMDDhhmmss`, in Dutch winter time all year: the mark `W` that the caller writes says so.
fn stamp(now: OffsetDateTime) -> String {
    let now = now + Duration::hours(1);
    format!(
        "{:02}{:02}{:02}{:02}{:02}{:02}",
        now.year() % 100,
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second()
    )
}

/// A fixed-point number with three decimals and `width` digits before them.
fn thousandths(value: u64, width: usize) -> String {
    format!("{:0width$}.{:03}", value / 1000, value % 1000)
}

/// CRC-16/ARC: polynomial x^16 + x^15 + x^2 + 1, least significant bit first, starting at zero.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xa001
            } else {
                crc >> 1
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_has_the_catalogues_check_value() {
        assert_eq!(crc(b"123456789"), 0xbb3d);
    }

    #[test]
    fn a_telegram_ends_with_the_checksum_of_what_precedes_it() {
        let telegram = Telegrams::default().next(OffsetDateTime::UNIX_EPOCH);
        let (before, after) = telegram.split_once('!').unwrap_or_default();
        assert_eq!(
            after,
            format!("{:04X}\r\n", crc(format!("{before}!").as_bytes()))
        );
        assert!(before.starts_with("/LMN5\\2DEMONSTRATION\r\n\r\n"));
        assert!(before.contains("0-0:1.0.0(700101010000W)"));
    }

    #[test]
    fn the_box_reads_what_the_meter_says() {
        let mut telegrams = Telegrams::default();
        let mut receiver = meter::p1::receiver::Receiver::default();
        for second in 0..300 {
            let now = OffsetDateTime::UNIX_EPOCH + Duration::seconds(1_800_000_000 + second);
            let read: Vec<_> = telegrams
                .next(now)
                .bytes()
                .filter_map(|byte| receiver.take(byte))
                .collect();
            assert_eq!(read.len(), 1);
            for telegram in read {
                let telegram = telegram.expect("a telegram without damage");
                assert_eq!(telegram.time, now.unix_timestamp().unsigned_abs());
                assert_eq!(
                    u64::from(telegram.delivered_w),
                    watts(second.unsigned_abs())
                );
            }
        }
    }

    #[test]
    fn numbers_have_the_widths_of_the_standard() {
        assert_eq!(thousandths(4_872_310, 6), "004872.310");
        assert_eq!(thousandths(1193, 2), "01.193");
    }

    #[test]
    fn people_come_and_go() {
        assert!((0..HALF_PERIOD_SECONDS).all(|second| watts(second) < 200));
        assert!((HALF_PERIOD_SECONDS..2 * HALF_PERIOD_SECONDS).all(|second| watts(second) > 350));
    }
}
