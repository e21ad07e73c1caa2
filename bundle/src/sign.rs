//! Signing: keys as the `minisign` tool keeps them, and a signature into the envelope.
//!
//! A key pair is two files, `NAME` and `NAME.pub`, which `minisign -S` and `-V` read too. A bundle is
//! signed again by replacing its signature: the manifest, and with it the bundle's digest, stays.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::envelope::Envelope;
use crate::manifest::Manifest;
use crate::reader::{BundleError, Sealed};
use crate::signature::{KeyError, PublicKey, Signature, SignatureError};

/// A provider's key for signing.
pub struct SecretKey(minisign::SecretKey);

/// Bytes of a secret key file's second line.
const KEY_BYTES: usize = 158;

/// Bytes of the checksum at its end. The C tool up to 0.11 leaves it zero in a key without password, which
/// the library refuses.
const CHECKSUM_BYTES: usize = 32;

/// Why nothing was made or signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// A file.
    #[error("{path}: cannot be read or written")]
    File {
        /// Which.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// A key exists.
    #[error("{0} exists; a key is never written over, choose another name or remove it first")]
    Exists(PathBuf),
    /// Not a secret key.
    #[error(
        "{0}: not a minisign secret key; give the file that limenctl bundle keygen wrote, not the .pub beside it"
    )]
    Key(PathBuf),
    /// Encrypted.
    #[error("{0}: the key is protected by a password; give the password")]
    Password(PathBuf),
    /// Wrong password.
    #[error("{0}: the password is wrong")]
    WrongPassword(PathBuf),
    /// The system has no randomness, or the library failed.
    #[error("key or signature cannot be made: {0}")]
    Make(String),
    /// A public key.
    #[error(transparent)]
    Public(#[from] KeyError),
    /// The bundle to be signed.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The signature to be put in.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Writing the signed bundle.
    #[error("signed bundle cannot be written")]
    Write(#[source] io::Error),
}

/// Where the public key of a secret key file lies.
#[must_use]
pub fn public_path(secret: &Path) -> PathBuf {
    let mut name = secret.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// Makes a key pair in `secret` (mode 0600) and `secret.pub`, protected by `password` if there is one.
///
/// # Errors
/// [`SignError::Exists`] and leaves both files as they are; [`SignError::File`], [`SignError::Make`].
pub fn keygen(secret: &Path, password: Option<String>) -> Result<PublicKey, SignError> {
    let public = public_path(secret);
    if let Some(taken) = [secret, &public]
        .into_iter()
        .find(|path| path.symlink_metadata().is_ok())
    {
        return Err(SignError::Exists(taken.to_owned()));
    }
    let make = |error: minisign::PError| SignError::Make(error.to_string());
    let pair = match password {
        None => minisign::KeyPair::generate_unencrypted_keypair(),
        password => minisign::KeyPair::generate_encrypted_keypair(password),
    }
    .map_err(make)?;
    let key = PublicKey::parse(&pair.pk.to_base64())?;
    write_new(
        secret,
        0o600,
        &pair.sk.to_box(None).map_err(make)?.to_bytes(),
    )?;
    write_new(&public, 0o644, &pair.pk.to_box().map_err(make)?.to_bytes())?;
    Ok(key)
}

fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), SignError> {
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| SignError::File {
        path: path.to_owned(),
        source,
    })
}

/// Reads a `.pub` file.
///
/// # Errors
/// [`SignError::File`] or [`SignError::Public`].
pub fn public_key(path: &Path) -> Result<PublicKey, SignError> {
    let text = fs::read_to_string(path).map_err(|source| SignError::File {
        path: path.to_owned(),
        source,
    })?;
    Ok(PublicKey::parse(&text)?)
}

impl SecretKey {
    /// Reads a secret key; never asks on the terminal.
    ///
    /// # Errors
    /// [`SignError::File`], [`SignError::Key`], [`SignError::Password`], [`SignError::WrongPassword`].
    pub fn load(path: &Path, password: Option<String>) -> Result<Self, SignError> {
        let text = fs::read_to_string(path).map_err(|source| SignError::File {
            path: path.to_owned(),
            source,
        })?;
        let boxed = || {
            minisign::SecretKeyBox::from_string(&text).map_err(|_| SignError::Key(path.to_owned()))
        };
        if let Ok(key) = minisign::SecretKey::from_unencrypted_box(boxed()?) {
            return Ok(Self(key));
        }
        let bytes: Option<[u8; KEY_BYTES]> = text.lines().nth(1).and_then(crate::signature::decode);
        let Some(bytes @ [b'E', b'd', kdf @ .., _, _]) = &bytes else {
            return Err(SignError::Key(path.to_owned()));
        };
        if kdf.starts_with(&[0, 0]) && bytes.ends_with(&[0; CHECKSUM_BYTES]) {
            let key = minisign::SecretKey::from_bytes(bytes)
                .map_err(|_| SignError::Key(path.to_owned()))?;
            return Ok(Self(key));
        }
        match password {
            _ if !kdf.starts_with(b"Sc") => Err(SignError::Key(path.to_owned())),
            None => Err(SignError::Password(path.to_owned())),
            password => minisign::SecretKey::from_box(boxed()?, password)
                .map(Self)
                .map_err(|_| SignError::WrongPassword(path.to_owned())),
        }
    }

    fn sign(&self, manifest: &Manifest, bytes: &[u8]) -> Result<Signature, SignError> {
        let comment = format!(
            "limen bundle {}/{} {} counter {}",
            manifest.provider, manifest.name, manifest.version, manifest.counter
        );
        let signed = minisign::sign(None, &self.0, bytes, Some(&comment), None)
            .map_err(|error| SignError::Make(error.to_string()))?;
        Ok(Signature::adopt(&signed.to_string())?)
    }
}

/// Copies a bundle from `input` to `output` with a signature by `key` in the place of what was there.
///
/// # Errors
/// [`SignError::Bundle`] if it is not a bundle, [`SignError::Make`], [`SignError::Write`].
pub fn sign(input: impl Read, output: impl Write, key: &SecretKey) -> Result<Signature, SignError> {
    replace(input, output, |manifest, bytes| key.sign(manifest, bytes))
}

/// Copies a bundle with a signature file that the `minisign` tool made over its manifest.
///
/// # Errors
/// As [`sign`], and [`SignError::Signature`] for a file of another form. Who signed is not checked here.
pub fn attach(input: impl Read, output: impl Write, minisig: &str) -> Result<Signature, SignError> {
    replace(input, output, |_, _| Ok(Signature::adopt(minisig)?))
}

fn replace(
    input: impl Read,
    mut output: impl Write,
    signature: impl FnOnce(&Manifest, &[u8]) -> Result<Signature, SignError>,
) -> Result<Signature, SignError> {
    let sealed = Sealed::read(input)?;
    let (envelope, bytes, mut rest) = sealed.into_parts();
    let manifest = Manifest::parse(&bytes).map_err(BundleError::from)?;
    let signature = signature(&manifest, &bytes)?;
    let text = signature.text().as_bytes();
    let length =
        u32::try_from(text.len()).map_err(|_| SignatureError::Form("longer than 1024 bytes"))?;
    let envelope = Envelope {
        signature: length,
        ..envelope
    };
    for part in [&envelope.encode()[..], &bytes, text] {
        output.write_all(part).map_err(SignError::Write)?;
    }
    io::copy(&mut rest, &mut output).map_err(SignError::Write)?;
    output.flush().map_err(SignError::Write)?;
    Ok(signature)
}

/// Signs the bundle in the file `path` in place: a new file beside it takes its name when it is complete.
///
/// # Errors
/// As [`sign`]; the file is then as it was.
pub fn sign_file(path: &Path, key: &SecretKey) -> Result<Signature, SignError> {
    let failed = |source| SignError::File {
        path: path.to_owned(),
        source,
    };
    let input = io::BufReader::new(File::open(path).map_err(failed)?);
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut beside = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(directory)
        .map_err(failed)?;
    let signature = sign(input, io::BufWriter::new(&mut beside), key)?;
    beside.as_file().sync_all().map_err(failed)?;
    beside.persist(path).map_err(|error| failed(error.error))?;
    Ok(signature)
}
