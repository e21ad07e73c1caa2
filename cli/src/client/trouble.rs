//! Who does not trust whom, in words
//!
//! A TLS failure has two sides and three usual causes: the authority, the certificate, the name. The
//! text says which of the user's files to look at.

use std::io;

use rustls::{AlertDescription, CertificateError, Error as Tls};

use super::identity::Identity;
use crate::failure::Failure;

/// Why the gateway was not reached.
pub(super) fn explain(error: &ureq::Error, identity: &Identity) -> Failure {
    let url = &identity.url;
    let text = match error {
        ureq::Error::Rustls(tls) => of_tls(tls, identity),
        ureq::Error::Io(io) => match io.get_ref().and_then(|inner| inner.downcast_ref::<Tls>()) {
            Some(tls) => of_tls(tls, identity),
            None => of_io(io, url),
        },
        ureq::Error::HostNotFound => {
            format!("{url}: no such host; check the address (--url, LIMEN_URL)")
        }
        ureq::Error::Timeout(_) => {
            format!(
                "{url}: no answer in time; is the gateway up, and does a firewall let it through?"
            )
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            return Failure::Usage(format!(
                "\"{url}\" is not an address; write https://HOST:PORT"
            ));
        }
        ureq::Error::Protocol(_) => format!("{url}: what answers there does not speak HTTP"),
        other => format!("{url}: {other}"),
    };
    Failure::Unreachable(text)
}

fn of_io(error: &io::Error, url: &str) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("{url}: nobody listens there; is the gateway up, and is the port right?")
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => {
            format!(
                "{url}: the connection was closed; the gateway may be busy or restarting, try again"
            )
        }
        io::ErrorKind::InvalidData => format!("{url}: what answers there does not speak TLS"),
        _ => format!("{url}: {error}"),
    }
}

fn of_tls(error: &Tls, identity: &Identity) -> String {
    let (url, ca, cert) = (
        &identity.url,
        identity.ca.display(),
        identity.cert.display(),
    );
    match error {
        Tls::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer => format!(
                "{url}: the gateway's certificate is not signed by {ca}; \
                 give the authority of this gateway (--ca, LIMEN_CA), or you are talking to another"
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!(
                    "{url}: the gateway's certificate is for another name; \
                     use the name that it was issued for (--url, LIMEN_URL)"
                )
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => format!(
                "{url}: the gateway's certificate has expired (or this machine's clock is wrong); \
                 provision a new one"
            ),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => format!(
                "{url}: the gateway's certificate is not valid yet; is this machine's clock right?"
            ),
            other => format!("{url}: the gateway's certificate is not good: {other}"),
        },
        Tls::AlertReceived(alert) => match alert {
            AlertDescription::UnknownCA => format!(
                "{url}: the gateway knows no authority that signed {cert}; use a certificate of the \
                 operator or of a provider that has a virtual gateway there (--cert, LIMEN_CERT)"
            ),
            AlertDescription::CertificateRequired => {
                format!("{url}: the gateway wants a certificate; give yours (--cert and --key)")
            }
            AlertDescription::CertificateExpired => format!(
                "{url}: the gateway says that {cert} is not valid now (expired, or not valid yet); \
                 issue a new one, or check both clocks"
            ),
            AlertDescription::UnsupportedCertificate => format!(
                "{url}: the gateway says that {cert} is not for clients; issue one with the extended \
                 key usage clientAuth"
            ),
            AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRevoked
            | AlertDescription::DecryptError
            | AlertDescription::AccessDenied => {
                format!("{url}: the gateway does not accept {cert} ({alert:?}); issue a new one")
            }
            other => format!("{url}: the gateway ended the handshake ({other:?})"),
        },
        Tls::InvalidMessage(_) => format!("{url}: what answers there does not speak TLS"),
        other => format!("{url}: {other}"),
    }
}
