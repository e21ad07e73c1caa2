use super::*;

/// Vectors of minisign's own documentation: key E7620F1842B4E81F over the four bytes `test`.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const FILE: &str = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1556193335\tfile:test
y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==
";
const LEGACY: &str = "untrusted comment: signature from minisign secret key
RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=
trusted comment: timestamp:1555779966\tfile:test
QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==
";

fn keys() -> Vec<PublicKey> {
    vec![PublicKey::parse(KEY).expect("a key")]
}

#[test]
fn a_file_of_the_tool_is_adopted_and_verifies() {
    let signature = Signature::adopt(FILE).expect("a signature");
    assert_eq!(signature.key().to_string(), "E7620F1842B4E81F");
    assert_eq!(signature.comment(), "timestamp:1556193335\tfile:test");
    assert!(signature.verify(b"test", &keys()).is_ok());
    assert_eq!(
        signature.verify(b"Test", &keys()),
        Err(SignatureError::Bad(signature.key()))
    );
    assert_eq!(
        signature.verify(b"test", &[]),
        Err(SignatureError::Foreign(signature.key()))
    );
    assert_eq!(Signature::parse(signature.text().as_bytes()), Ok(signature));
}

#[test]
fn every_bit_of_the_text_counts() {
    let text = Signature::adopt(FILE)
        .expect("a signature")
        .text()
        .as_bytes()
        .to_vec();
    for bit in 0..text.len() * 8 {
        let mut flipped = text.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let verified =
            Signature::parse(&flipped).and_then(|signature| signature.verify(b"test", &keys()));
        assert!(
            verified.is_err(),
            "bit {bit}: {:?}",
            String::from_utf8_lossy(&flipped)
        );
    }
}

#[test]
fn other_spellings_are_refused() {
    let text = Signature::adopt(FILE)
        .expect("a signature")
        .text()
        .to_owned();
    for wrong in [
        String::new(),
        text.replace('\n', "\r\n"),
        format!("{text}\n"),
        format!("{text}more"),
        format!("\u{feff}{text}"),
        text.trim_end().to_owned(),
        text.replacen("=\n", "\n", 1),
        text.replacen("=\n", " \n", 1),
        text.replacen("\t", "\u{7}", 1),
        FILE.to_owned(),
    ] {
        assert!(Signature::parse(wrong.as_bytes()).is_err(), "{wrong:?}");
    }
}

#[test]
fn signatures_without_prehash_are_refused() {
    assert_eq!(
        Signature::adopt(LEGACY),
        Err(SignatureError::Form("not prehashed"))
    );
}

#[test]
fn a_scalar_that_is_not_reduced_is_refused() {
    // S + L verifies wherever the range of S is not checked.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let text = Signature::adopt(FILE)
        .expect("a signature")
        .text()
        .to_owned();
    let line = text.split('\n').nth(1).expect("four lines");
    let mut bytes: [u8; 74] = decode(line).expect("base64");
    let mut carry = 0;
    for (byte, order) in bytes[42..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    let twisted = text.replace(line, &Base64::encode_to_string(bytes).expect("base64"));
    let signature = Signature::parse(twisted.as_bytes()).expect("the form is right");
    assert!(matches!(
        signature.verify(b"test", &keys()),
        Err(SignatureError::Bad(_))
    ));
}

#[test]
fn keys_and_nonces_of_small_order_are_refused() {
    for (position, point) in SMALL_ORDER.into_iter().enumerate() {
        for sign in [0, 0x80] {
            let mut bytes = [0; 42];
            bytes[..2].copy_from_slice(b"Ed");
            bytes[10..].copy_from_slice(&point);
            bytes[41] |= sign;
            let line = Base64::encode_to_string(bytes).expect("base64");
            assert!(
                matches!(PublicKey::parse(&line), Err(KeyError::Weak(_))),
                "{position}"
            );
            let text = Signature::adopt(FILE)
                .expect("a signature")
                .text()
                .to_owned();
            let second = text.split('\n').nth(1).expect("four lines").to_owned();
            let mut signature: [u8; 74] = decode(&second).expect("base64");
            signature[10..42].copy_from_slice(&bytes[10..]);
            let forged = text.replace(
                &second,
                &Base64::encode_to_string(signature).expect("base64"),
            );
            assert_eq!(
                Signature::parse(forged.as_bytes()),
                Err(SignatureError::Form("a point of small order"))
            );
        }
    }
    let mut above = [0xff; 32];
    above[31] = 0x7f;
    assert!(is_weak(&above));
}

#[test]
fn keys_are_read_from_lines_and_files() {
    let file = format!("untrusted comment: minisign public key E7620F1842B4E81F\n{KEY}\n");
    assert_eq!(PublicKey::parse(&file), PublicKey::parse(KEY));
    for wrong in [
        "",
        "RW",
        &KEY[1..],
        &format!("{KEY}="),
        &format!("x\n{KEY}"),
        &KEY.replacen('R', "S", 1),
    ] {
        assert!(PublicKey::parse(wrong).is_err(), "{wrong}");
    }
}
