//! Credentials: what may be pinned
//!
//! An authority and signing keys are set once, when a virtual gateway is created. The authority
//! that verifies a client decides its role, so one authority must never stand for two roles.
//! Certificates are not interpreted here: mgmt's TLS library does that. What is checked is what
//! would make every later handshake fail, or mean two things.

use limen_proto::manage::Refusal;
use limen_proto::name::Name;
use minisign_verify::PublicKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::desired::Desired;
use super::refusal::{conflict, invalid, not_admitted};

/// Longest authority, bytes of PEM: several times a certificate with an RSA key of 4096 bits.
const AUTHORITY: usize = 16 * 1024;
/// Most bytes of all authorities together: mgmt gets them in one frame with the box's own identity.
const AUTHORITIES: usize = 40 * 1024;
/// Most signing keys of one provider: the one in use, its successor, two spare.
const KEYS: usize = 4;

/// Decides whether `authority` may be pinned for a new provider.
///
/// # Errors
/// It is not one certificate, it stands for another role, or there is no room for it.
pub fn authority(desired: &Desired, text: &str) -> Result<(), Refusal> {
    if text.len() > AUTHORITY {
        return Err(invalid(format!(
            "the certificate authority has {} bytes; one certificate of at most {AUTHORITY} is needed",
            text.len()
        )));
    }
    if text.contains("PRIVATE KEY") {
        return Err(invalid(
            "the certificate authority's file holds a private key; send the certificate alone, and treat that key as known to others",
        ));
    }
    let certificate = one_certificate(text)?;
    let taken = desired
        .identity
        .iter()
        .map(|identity| ("the operator".to_owned(), &identity.operator))
        .chain(
            desired
                .vgws
                .values()
                .map(|vgw| (format!("provider {}", vgw.provider), &vgw.authority)),
        )
        .find(|(_, held)| one_certificate(held).is_ok_and(|held| held == certificate));
    if let Some((holder, _)) = taken {
        return Err(conflict(format!(
            "this certificate authority stands for {holder} already; every role needs its own"
        )));
    }
    let together: usize = desired.vgws.values().map(|vgw| vgw.authority.len()).sum();
    if together + text.len() > AUTHORITIES {
        return Err(not_admitted(format!(
            "the providers' certificate authorities would take {} bytes; there is room for {AUTHORITIES}: use elliptic-curve certificates",
            together + text.len()
        )));
    }
    Ok(())
}

fn one_certificate(text: &str) -> Result<CertificateDer<'static>, Refusal> {
    let mut certificates = CertificateDer::pem_slice_iter(text.as_bytes());
    let remedy = "send one certificate in PEM form";
    let first = match certificates.next() {
        Some(Ok(first)) => first,
        Some(Err(error)) => {
            return Err(invalid(format!(
                "the certificate authority is not PEM ({error}); {remedy}"
            )));
        }
        None => {
            return Err(invalid(format!(
                "the certificate authority holds no certificate; {remedy}"
            )));
        }
    };
    if certificates.next().is_some() {
        return Err(invalid(format!(
            "the certificate authority holds more than one certificate; {remedy}"
        )));
    }
    // DER of a certificate is a SEQUENCE; anything else fails every handshake later.
    if first.as_ref().first() != Some(&0x30) {
        return Err(invalid(format!(
            "the certificate authority is not a certificate; {remedy}"
        )));
    }
    Ok(first)
}

/// Decides whether these signing keys may be pinned for `provider`.
///
/// # Errors
/// There is none, there are too many, or one is not a minisign public key.
pub fn keys(provider: &Name, keys: &[String]) -> Result<(), Refusal> {
    if keys.is_empty() {
        return Err(invalid(format!(
            "provider {provider} needs a signing key, or no bundle could ever be installed; make one with `limenctl bundle keygen`"
        )));
    }
    if keys.len() > KEYS {
        return Err(invalid(format!(
            "{} signing keys are too many; at most {KEYS} are kept",
            keys.len()
        )));
    }
    for (place, key) in keys.iter().enumerate() {
        PublicKey::from_base64(key.trim()).map_err(|_| {
            invalid(format!(
                "signing key {} is not a minisign public key; give the base64 line of the .pub file",
                place + 1
            ))
        })?;
    }
    Ok(())
}
