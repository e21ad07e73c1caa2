//! Whose certificate is it? The pinned authority that verifies the chain says so
//!
//! Every authority is asked separately, so a certificate can never borrow another's chain; no name
//! in the certificate counts. The operator is asked first: a provider that pinned the operator's
//! authority as its own cannot take the operator's place. A chain that two providers' authorities
//! verify has no owner and is refused.

use std::sync::Arc;

use limen_proto::manage::Caller;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};

use super::clock::{Floor, Moment};

/// Times that a chain whose certificates begin after the floor is tried anew: once for each
/// certificate of a chain that is longer than any sensible one.
const LENIENT_TRIES: usize = 4;

/// One pinned authority and whom it speaks for.
#[derive(Debug)]
struct Authority {
    caller: Caller,
    verifier: Arc<dyn ClientCertVerifier>,
    fingerprint: String,
}

/// Every pinned authority.
#[derive(Debug)]
pub struct Authorities {
    list: Vec<Authority>,
    floor: Floor,
    provider: Arc<CryptoProvider>,
}

/// An authority's text that cannot be pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// Not PEM, or no certificate in it.
    #[error("holds no certificate in PEM")]
    NoCertificate,
    /// A certificate that cannot be an anchor of trust.
    #[error("holds a certificate that cannot be pinned: {0}")]
    Refused(String),
}

impl Authorities {
    /// No authority yet: everything is refused.
    pub fn new(floor: Floor, provider: Arc<CryptoProvider>) -> Self {
        Self {
            list: Vec::new(),
            floor,
            provider,
        }
    }

    /// Pins the certificates of a PEM text for a caller.
    ///
    /// # Errors
    /// There is none in it, or one cannot be an anchor.
    pub fn pin(&mut self, caller: Caller, pem: &str) -> Result<(), AuthorityError> {
        let mut roots = RootCertStore::empty();
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| AuthorityError::NoCertificate)?;
            digest.update(&certificate);
            let refused = |error: Error| AuthorityError::Refused(error.to_string());
            roots.add(certificate).map_err(refused)?;
        }
        if roots.is_empty() {
            return Err(AuthorityError::NoCertificate);
        }
        let builder =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), self.provider.clone());
        let verifier = builder.build();
        let verifier = verifier.map_err(|error| AuthorityError::Refused(error.to_string()))?;
        let bytes = digest.finish();
        self.list.push(Authority {
            caller,
            verifier,
            fingerprint: bytes
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        });
        Ok(())
    }

    /// SHA-256 of the authority that speaks for a caller, hex.
    pub fn fingerprint(&self, caller: &Caller) -> &str {
        let found = self
            .list
            .iter()
            .find(|authority| authority.caller == *caller);
        found.map_or("", |authority| authority.fingerprint.as_str())
    }

    /// Who holds this chain (its own certificate first).
    ///
    /// # Errors
    /// Nobody, at this time; or more than one provider.
    pub fn caller(&self, chain: &[CertificateDer<'_>], clock: UnixTime) -> Result<Caller, Error> {
        let (own, between) = chain.split_first().ok_or(Error::NoCertificatesPresented)?;
        let moment = self.floor.moment(clock);
        let mut failure = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let mut holder: Option<&Caller> = None;
        for authority in &self.list {
            match verify(&*authority.verifier, own, between, moment) {
                Ok(()) if authority.caller == Caller::Operator => return Ok(Caller::Operator),
                Ok(()) if holder.is_some() => {
                    let reason = "two providers pinned the authority of this certificate";
                    return Err(Error::General(reason.to_owned()));
                }
                Ok(()) => holder = Some(&authority.caller),
                Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {}
                // The authority knows the chain and objects to it: that is worth telling.
                Err(error) => failure = error,
            }
        }
        holder.cloned().ok_or(failure)
    }
}

fn verify(
    verifier: &dyn ClientCertVerifier,
    own: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
    moment: Moment,
) -> Result<(), Error> {
    let mut time = moment.time;
    for _ in 0..LENIENT_TRIES {
        match verifier.verify_client_cert(own, between, time) {
            Ok(_) => return Ok(()),
            Err(Error::InvalidCertificate(CertificateError::NotValidYetContext {
                not_before,
                ..
            })) if !moment.not_before_counts && not_before.as_secs() > time.as_secs() => {
                // It begins behind the floor, so it ends behind the floor too.
                time = not_before;
            }
            Err(error) => return Err(error),
        }
    }
    Err(Error::InvalidCertificate(CertificateError::NotValidYet))
}

impl ClientCertVerifier for Authorities {
    /// None: a list of hints would tell a stranger which providers are on the box.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let mut chain = vec![own.clone()];
        chain.extend(between.iter().cloned());
        self.caller(&chain, now)
            .map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
