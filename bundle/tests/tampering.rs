//! A bundle with one thing wrong: refused, whatever it is and wherever.

mod support;

use limen_bundle::chunk::Unpacker;
use limen_bundle::envelope;
use limen_bundle::manifest::Manifest;
use limen_bundle::reader::{BundleError, Sealed};
use limen_bundle::sign::{SecretKey, attach};
use limen_bundle::signature::{PublicKey, SignatureError};
use support::{MANIFEST, Workshop, signed_by};

/// Reads to the end as the box does.
fn read(bundle: &[u8], keys: &[PublicKey]) -> Result<Manifest, BundleError> {
    let (manifest, mut body) = Sealed::read(bundle)?.verify(keys)?.body(|_| true)?;
    let mut unpacker = Unpacker::default();
    while let Some((chunk, stored)) = body.next_chunk()? {
        unpacker.unpack(&chunk, stored)?;
    }
    Ok(manifest)
}

/// A bundle with little in it, so that every place can be tried.
fn small() -> (Vec<u8>, PublicKey, SecretKey) {
    let workshop = Workshop::new();
    std::fs::remove_file(workshop.path("tree/lib/noise")).expect("removed");
    let (secret, public) = workshop.key("energy");
    (signed_by(&workshop.pack(), &secret), public, secret)
}

#[test]
fn every_single_bit_counts() {
    let (bundle, key, _) = small();
    assert!(
        read(&bundle, std::slice::from_ref(&key)).is_ok(),
        "positive control"
    );
    let mut flipped = bundle.clone();
    for bit in 0..bundle.len() * 8 {
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(
            read(&flipped, std::slice::from_ref(&key)).is_err(),
            "bit {bit} of {}",
            bundle.len() * 8
        );
        flipped[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn every_length_but_the_whole_is_refused() {
    let (bundle, key, _) = small();
    for length in 0..bundle.len() {
        let refused = read(&bundle[..length], std::slice::from_ref(&key)).expect_err("shorter");
        assert!(
            matches!(refused, BundleError::Truncated(_)),
            "{length}: {refused}"
        );
    }
    let mut longer = bundle.clone();
    longer.push(0);
    assert!(matches!(read(&longer, &[key]), Err(BundleError::Trailing)));
}

#[test]
fn unsigned_foreign_and_swapped_signatures_are_told_apart() {
    let (bundle, key, secret) = small();
    let workshop = Workshop::new();
    let (_, stranger) = workshop.key("stranger");
    let unsigned = workshop.pack();
    let error = |bundle: &[u8], key: &PublicKey| match read(bundle, std::slice::from_ref(key)) {
        Err(BundleError::Signature(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(error(&unsigned, &key), SignatureError::Unsigned);
    assert_eq!(error(&bundle, &stranger), SignatureError::Foreign(key.id()));
    assert!(
        error(&bundle, &stranger)
            .to_string()
            .contains("none of this provider's keys")
    );

    // A right signature of another manifest by the same key.
    let (_, other) = workshop
        .pack_as(&MANIFEST.replace("counter = 3", "counter = 4"))
        .expect("packed");
    let mut signature = Vec::new();
    limen_bundle::sign::sign(&other[..], &mut signature, &secret).expect("signed");
    let text = Sealed::read(&signature[..])
        .expect("sealed")
        .open_untrusted()
        .expect("opened");
    let text = text.signature().expect("signed").text().to_owned();
    let mut mixed = Vec::new();
    attach(&unsigned[..], &mut mixed, &text).expect("attached");
    assert_eq!(error(&mixed, &key), SignatureError::Bad(key.id()));
}

#[test]
fn parts_of_two_valid_releases_do_not_mix() {
    let workshop = Workshop::new();
    let (secret, key) = workshop.key("energy");
    let old = signed_by(&workshop.pack(), &secret);
    workshop.write("tree/www/index.html", b"<p>newer page</p>", 0o644);
    let new = signed_by(
        &workshop
            .pack_as(&MANIFEST.replace("1.2.3", "1.2.4"))
            .expect("packed")
            .1,
        &secret,
    );
    // Same lengths everywhere, so that only content can tell.
    let head = |bundle: &[u8]| {
        let bytes = bundle[..envelope::LENGTH].try_into().expect("an envelope");
        let envelope = envelope::Envelope::decode(bytes).expect("an envelope");
        envelope::LENGTH + (envelope.manifest + envelope.signature) as usize
    };
    let mixed = [&new[..head(&new)], &old[head(&old)..]].concat();
    assert!(matches!(
        read(&mixed, &[key]),
        Err(BundleError::IndexDigest(_) | BundleError::Truncated(_))
    ));
}

#[test]
fn nothing_is_parsed_before_the_signature() {
    // A manifest that no parser would take: the answer is still about the signature.
    let (_, key, _) = small();
    let manifest = b"\xff\xfe not TOML";
    let envelope = envelope::Envelope {
        present: 1,
        manifest: 11,
        signature: 0,
    };
    let bundle = [&envelope.encode()[..], manifest].concat();
    assert!(matches!(
        read(&bundle, &[key]),
        Err(BundleError::Signature(SignatureError::Unsigned))
    ));
}
