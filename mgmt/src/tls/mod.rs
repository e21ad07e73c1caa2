//! TLS 1.3 with a client certificate, or nothing
//!
//! A [`Trusted`] is one epoch of trust, made from what the steward says: the server's own certificate
//! and every pinned authority. Nothing of an older epoch survives into a newer one: sessions are not
//! resumed, tickets are not given out, early data is not taken.

mod authority;
mod clock;
mod refusal;

use std::sync::Arc;

use limen_proto::manage::{Caller, Trust};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::NoServerSessionStorage;

use crate::object::TrustFacts;
pub use authority::{Authorities, AuthorityError};
pub use clock::Floor;
pub use refusal::reason;

/// One epoch of trust.
pub struct Trusted {
    /// For the handshake.
    pub server: Arc<ServerConfig>,
    authorities: Arc<Authorities>,
    epoch: u64,
    floor: u64,
    /// Authorities that could not be pinned: whose, and why.
    pub left_out: Vec<(String, AuthorityError)>,
}

/// The steward's trust cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The operator's authority is unusable: nobody could repair anything.
    #[error("the operator's authority {0}; provision a new one")]
    Operator(AuthorityError),
    /// The server's certificate or key is unusable.
    #[error("the server's certificate or key is unusable: {0}; provision new ones")]
    Server(String),
}

impl Trusted {
    /// Makes a server from what the steward says. A provider's authority that is broken is left out:
    /// it must not take the box from the others.
    ///
    /// # Errors
    /// The operator's or the server's part is unusable.
    pub fn new(trust: &Trust) -> Result<Self, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut authorities = Authorities::new(Floor(trust.not_before), provider.clone());
        let operator = authorities.pin(Caller::Operator, &trust.operator);
        operator.map_err(TrustError::Operator)?;
        let mut left_out = Vec::new();
        for (name, pem) in &trust.providers {
            if let Err(error) = authorities.pin(Caller::Provider(name.clone()), pem) {
                left_out.push((name.to_string(), error));
            }
        }
        let authorities = Arc::new(authorities);
        let chain = CertificateDer::pem_slice_iter(trust.certificate.as_bytes());
        let chain = chain.collect::<Result<Vec<_>, _>>().map_err(broken)?;
        let key = PrivateKeyDer::from_pem_slice(trust.key.as_bytes()).map_err(broken)?;
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(broken)?
            .with_client_cert_verifier(authorities.clone())
            .with_single_cert(chain, key)
            .map_err(broken)?;
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        server.max_early_data_size = 0;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            server: Arc::new(server),
            authorities,
            epoch: trust.epoch,
            floor: trust.not_before,
            left_out,
        })
    }

    /// Who holds this chain now.
    ///
    /// # Errors
    /// Nobody, in this epoch and at this time.
    pub fn caller(&self, chain: &[CertificateDer<'_>]) -> Result<Caller, rustls::Error> {
        self.authorities.caller(chain, UnixTime::now())
    }

    /// What may be told to a caller.
    pub fn facts(&self, caller: &Caller) -> TrustFacts {
        TrustFacts {
            epoch: self.epoch,
            floor: self.floor,
            authority: self.authorities.fingerprint(caller).to_owned(),
        }
    }
}

fn broken(error: impl std::fmt::Display) -> TrustError {
    TrustError::Server(error.to_string())
}
