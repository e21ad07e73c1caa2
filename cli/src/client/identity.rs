//! The files of a connection: authority, certificate, key
//!
//! Read and checked before a socket is opened, so that a wrong file is named and not the gateway
//! blamed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

use super::Connection;
use crate::failure::Failure;

/// A connection whose files are good.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// `https://HOST:PORT`, without a slash at its end.
    pub(super) url: String,
    /// The gateway's authority.
    pub(super) ca: PathBuf,
    /// The own certificate.
    pub(super) cert: PathBuf,
}

/// Reads the files of a connection.
pub(super) fn open(connection: &Connection) -> Result<(Identity, TlsConfig), Failure> {
    let url = wanted(
        connection.url.as_ref(),
        "the gateway's address",
        "LIMEN_URL",
        "--url",
    )?;
    let ca = wanted(
        connection.ca.as_ref(),
        "the gateway's authority",
        "LIMEN_CA",
        "--ca",
    )?;
    let cert = wanted(
        connection.cert.as_ref(),
        "your certificate",
        "LIMEN_CERT",
        "--cert",
    )?;
    let key = wanted(
        connection.key.as_ref(),
        "your certificate's key",
        "LIMEN_KEY",
        "--key",
    )?;
    let url = url.trim_end_matches('/');
    if !url.starts_with("https://") || url.len() == "https://".len() {
        let rule = "write https://HOST:PORT";
        return Err(Failure::Usage(format!(
            "\"{url}\" is not the address of a gateway; {rule}"
        )));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = client(cert, key, &provider)?;
    let roots: Vec<_> = certificates(ca)?
        .iter()
        .map(|part| Certificate::from_der(part).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::new_with_certs(&roots))
        .client_cert(Some(client))
        .build();
    let identity = Identity {
        url: url.to_owned(),
        ca: ca.clone(),
        cert: cert.clone(),
    };
    Ok((identity, tls))
}

fn wanted<'a, T>(
    given: Option<&'a T>,
    what: &str,
    variable: &str,
    flag: &str,
) -> Result<&'a T, Failure> {
    let missing = || Failure::Usage(format!("{what} is not given; set {variable} or {flag}"));
    given.ok_or_else(missing)
}

fn client(cert: &Path, key: &Path, provider: &CryptoProvider) -> Result<ClientCert, Failure> {
    let chain = certificates(cert)?;
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| Failure::file(key, format_args!("no private key in PEM ({error})")))?;
    let together = CertifiedKey::from_der(chain.clone(), secret, provider);
    together.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => Failure::Local(format!(
            "{} is not the key of {}; give the two that were made together",
            key.display(),
            cert.display()
        )),
        other => Failure::file(key, format_args!("the key cannot be used: {other}")),
    })?;
    let pem = std::fs::read(key).map_err(|error| Failure::file(key, error))?;
    let secret = PrivateKey::from_pem(&pem).map_err(|error| Failure::file(key, error))?;
    let chain: Vec<_> = chain
        .iter()
        .map(|part| Certificate::from_der(part).to_owned())
        .collect();
    Ok(ClientCert::new_with_certs(&chain, secret))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let list: Vec<_> = read.map_err(|error| Failure::file(path, error))?;
    if list.is_empty() {
        return Err(Failure::file(path, "no certificate in PEM"));
    }
    Ok(list)
}
