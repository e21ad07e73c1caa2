//! Telegrams in the form that meters send, whole and damaged

use super::crc::crc16;
use super::receiver::{Damage, LONGEST, Receiver};
use super::telegram::{Telegram, TelegramError};
use super::{clock, write};

/// In the form of a DSMR 5 meter with a gas meter behind it.
const WHOLE: &str = "/KFM5KAIFA-METER\r\n\r\n\
    1-3:0.2.8(50)\r\n\
    0-0:1.0.0(240704193015S)\r\n\
    0-0:96.1.1(4530303033303030303036)\r\n\
    1-0:1.8.1(002074.842*kWh)\r\n\
    1-0:1.8.2(000881.383*kWh)\r\n\
    1-0:2.8.1(000010.981*kWh)\r\n\
    1-0:2.8.2(000028.031*kWh)\r\n\
    0-0:96.14.0(0002)\r\n\
    1-0:1.7.0(00.494*kW)\r\n\
    1-0:2.7.0(00.000*kW)\r\n\
    0-0:96.7.21(00004)\r\n\
    1-0:99.97.0(2)(0-0:96.7.19)(000101000001W)(2147483647*s)\r\n\
    0-0:96.13.0()\r\n\
    0-1:24.1.0(003)\r\n\
    0-1:24.2.1(240704190000S)(00671.790*m3)\r\n!";

fn signed(text: &str) -> Vec<u8> {
    format!("{text}{:04X}\r\n", crc16(text.as_bytes())).into_bytes()
}

fn receive(bytes: &[u8]) -> Vec<Result<Telegram, Damage>> {
    let mut receiver = Receiver::default();
    bytes
        .iter()
        .filter_map(|byte| receiver.take(*byte))
        .collect()
}

fn expected() -> Telegram {
    Telegram {
        meter: "E0003000006".to_owned(),
        time: 1_720_114_215,
        delivered_w: 494,
        returned_w: 0,
        delivered_wh: [2_074_842, 881_383],
        returned_wh: [10_981, 28_031],
        tariff: 2,
    }
}

#[test]
fn the_checksum_is_that_of_the_standard() {
    assert_eq!(crc16(b"123456789"), 0xBB3D);
}

#[test]
fn a_whole_telegram_is_read() {
    assert_eq!(receive(&signed(WHOLE)), [Ok(expected())]);
}

#[test]
fn every_flipped_bit_is_noticed() {
    let whole = signed(WHOLE);
    // The line end behind the checksum carries nothing.
    for at in 0..whole.len() - 2 {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            let good = receive(&bytes).into_iter().any(|outcome| outcome.is_ok());
            // A checksum's digit in lower case says the same.
            let same = bytes.eq_ignore_ascii_case(&whole) && at >= whole.len() - 6;
            assert_eq!(good, same, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_telegram_cut_short_does_not_spoil_the_next() {
    let whole = signed(WHOLE);
    for cut in 1..whole.len() - 6 {
        let mut bytes = whole[..cut].to_vec();
        bytes.extend(&whole);
        assert_eq!(
            receive(&bytes),
            [Err(Damage::CutShort), Ok(expected())],
            "cut at {cut}"
        );
    }
}

#[test]
fn noise_between_telegrams_is_skipped() {
    let mut bytes = b"\xff\x00!1234 noise \r\n".to_vec();
    bytes.extend(signed(WHOLE));
    bytes.extend(b"\x80\x81!!!\r\n");
    bytes.extend(signed(WHOLE));
    assert_eq!(receive(&bytes), [Ok(expected()), Ok(expected())]);
}

#[test]
fn what_never_ends_is_given_up() {
    let mut bytes = vec![b'/'];
    bytes.resize(3 * LONGEST, b'x');
    bytes.extend(signed(WHOLE));
    assert_eq!(receive(&bytes), [Err(Damage::TooLong), Ok(expected())]);
}

#[test]
fn a_telegram_without_checksum_is_refused() {
    assert_eq!(
        receive(format!("{WHOLE}\r\n\r\n").as_bytes()),
        [Err(Damage::NoChecksum)]
    );
    assert_eq!(
        receive(format!("{WHOLE}+123\r\n").as_bytes()),
        [Err(Damage::NoChecksum)]
    );
}

#[test]
fn lines_that_are_missing_or_unreadable_are_named() {
    let content = |text: &str| match receive(&signed(text)).remove(0) {
        Err(Damage::Content(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        content(&WHOLE.replace("1-0:1.7.0", "1-0:1.7.9")),
        TelegramError::Missing("1-0:1.7.0")
    );
    for wrong in [
        "00.49*kW",
        "0a.494*kW",
        "00.494*kWh",
        "-0.494*kW",
        "",
        "00.494*kW",
    ] {
        let closing = if wrong == "00.494*kW" { "" } else { ")" };
        let text = WHOLE.replace("(00.494*kW)", &format!("({wrong}{closing}"));
        assert_eq!(
            content(&text),
            TelegramError::Value("1-0:1.7.0"),
            "{wrong:?}"
        );
    }
    assert_eq!(
        content(&WHOLE.replace("240704193015S", "241304193015S")),
        TelegramError::Value("0-0:1.0.0")
    );
}

#[test]
fn what_is_written_is_read() {
    for (delivered_w, returned_w) in [(0, 0), (1, 0), (0, 5_500), (99_999, 0)] {
        let says = Telegram {
            meter: "LIMEN-DEMO-1".to_owned(),
            time: 1_763_616_000,
            delivered_w,
            returned_w,
            delivered_wh: [999_999_999, 1],
            returned_wh: [0, 123_456],
            tariff: 1,
        };
        assert_eq!(receive(write::telegram(&says).as_bytes()), [Ok(says)]);
    }
}

#[test]
fn the_clock_goes_both_ways() {
    assert_eq!(clock::read("700101000000W"), Some(3_155_756_400));
    assert_eq!(clock::read("000229120000S"), Some(951_818_400));
    for bad in [
        "",
        "2407041930S",
        "240704193015X",
        "24070419301 S",
        "240704243015S",
    ] {
        assert_eq!(clock::read(bad), None, "{bad:?}");
    }
    for time in (946_681_200..4_102_000_000).step_by(97_777_777) {
        assert_eq!(clock::read(&clock::write(time)), Some(time));
    }
}
