//! Why a handshake failed, in words for the audit
//!
//! Fixed texts only: nothing that a stranger wrote (a name in a certificate, an alert's number)
//! reaches the audit or the log.

use std::io;

use rustls::{CertificateError, Error};

/// Why a handshake failed. `None` when the client merely went away.
pub fn reason(error: &io::Error) -> Option<&'static str> {
    let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    else {
        return match error.kind() {
            io::ErrorKind::TimedOut => Some("the handshake was not finished in time"),
            _ => None,
        };
    };
    Some(match tls {
        Error::NoCertificatesPresented => "the client showed no certificate",
        Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer => "the certificate is signed by no pinned authority",
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the certificate has expired"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate is not valid yet"
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                "the certificate is not for clients"
            }
            CertificateError::BadSignature => "the certificate's signature is wrong",
            _ => "the certificate is invalid",
        },
        Error::General(_) => "two providers pinned the authority of the certificate",
        Error::AlertReceived(_) => {
            "the client gave up: it does not trust the gateway's certificate"
        }
        Error::PeerIncompatible(_) => "the client does not speak TLS 1.3 with a known suite",
        Error::NoApplicationProtocol => "the client does not speak HTTP/1.1",
        _ => "the client broke the TLS protocol",
    })
}
