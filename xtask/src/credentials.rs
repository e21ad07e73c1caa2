//! The certificates of a demonstration: three authorities that know nothing of each other.
//!
//! The operator's authority signs the gateway's server certificate and the operator's client
//! certificate. Each provider has an authority of its own, which it pins on its virtual gateway;
//! the operator's authority cannot make a provider's certificate. Keys are ECDSA P-256, readable
//! by their owner alone. The folder is made whole and renamed into place, so it is complete when it
//! exists, and survives until `--fresh`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

/// The providers of the demonstration.
pub(crate) const PROVIDERS: [&str; 2] = ["energy", "alarm"];

/// A complete folder of certificates.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    folder: PathBuf,
}

impl Credentials {
    /// Opens the folder, or makes it.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        if !folder.exists() {
            let partial = folder.with_extension("partial");
            if partial.exists() {
                fs::remove_dir_all(&partial)
                    .with_context(|| format!("cannot remove {}", partial.display()))?;
            }
            fs::create_dir_all(&partial)
                .with_context(|| format!("cannot create {}", partial.display()))?;
            make(&partial)?;
            fs::rename(&partial, folder)
                .with_context(|| format!("cannot rename {}", partial.display()))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Certificate of `operator`, `gateway` or a provider.
    pub(crate) fn certificate(&self, of: &str) -> PathBuf {
        self.folder.join(format!("{of}.pem"))
    }

    /// The private key that belongs to it.
    pub(crate) fn key(&self, of: &str) -> PathBuf {
        self.folder.join(format!("{of}.key"))
    }

    /// Certificate of the authority of `operator` or a provider.
    pub(crate) fn authority(&self, of: &str) -> PathBuf {
        self.folder.join(format!("{of}-ca.pem"))
    }

    /// A provider's secret key for signing bundles; made by `limenctl bundle keygen`.
    pub(crate) fn signing_key(&self, provider: &str) -> PathBuf {
        self.folder.join(format!("{provider}-signing.key"))
    }

    /// The public key that belongs to it.
    pub(crate) fn signing_public(&self, provider: &str) -> PathBuf {
        self.folder.join(format!("{provider}-signing.pub"))
    }
}

fn make(folder: &Path) -> Result<()> {
    let operator = authority(folder, "operator")?;
    let mut gateway = parameters("Limen gateway", ExtendedKeyUsagePurpose::ServerAuth);
    gateway.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    ];
    issue(folder, "gateway", &gateway, &operator)?;
    client(folder, "operator", &operator)?;
    for provider in PROVIDERS {
        client(folder, provider, &authority(folder, provider)?)?;
    }
    Ok(())
}

fn authority(folder: &Path, of: &str) -> Result<Issuer<'static, KeyPair>> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(
        DnType::CommonName,
        format!("Limen demonstration: {of} authority"),
    );
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = parameters.self_signed(&key)?;
    write(folder, &format!("{of}-ca.pem"), &certificate.pem(), 0o644)?;
    write(folder, &format!("{of}-ca.key"), &key.serialize_pem(), 0o600)?;
    Ok(Issuer::new(parameters, key))
}

fn client(folder: &Path, of: &str, authority: &Issuer<'_, KeyPair>) -> Result<()> {
    let parameters = parameters(
        &format!("Limen demonstration: {of}"),
        ExtendedKeyUsagePurpose::ClientAuth,
    );
    issue(folder, of, &parameters, authority)
}

fn parameters(name: &str, purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![purpose];
    parameters.use_authority_key_identifier_extension = true;
    parameters
}

fn issue(
    folder: &Path,
    of: &str,
    parameters: &CertificateParams,
    authority: &Issuer<'_, KeyPair>,
) -> Result<()> {
    let key = KeyPair::generate()?;
    let certificate = parameters.signed_by(&key, authority)?;
    write(folder, &format!("{of}.pem"), &certificate.pem(), 0o644)?;
    write(folder, &format!("{of}.key"), &key.serialize_pem(), 0o600)
}

fn write(folder: &Path, name: &str, text: &str, mode: u32) -> Result<()> {
    let path = folder.join(name);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_their_owners_alone_and_a_second_opening_changes_nothing() -> Result<()> {
        let temporary = tempfile::tempdir()?;
        let folder = temporary.path().join("credentials");
        let credentials = Credentials::open(&folder)?;
        for of in ["operator", "gateway", "energy", "alarm"] {
            let mode = fs::metadata(credentials.key(of))?.permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{of}");
        }
        let before = fs::read(credentials.certificate("energy"))?;
        Credentials::open(&folder)?;
        assert_eq!(before, fs::read(credentials.certificate("energy"))?);
        Ok(())
    }
}
