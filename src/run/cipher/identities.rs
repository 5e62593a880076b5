//! What opens sealed archives.

use super::KeyError;
use super::ssh::{SshIdentity, SshKeyError, is_private_key};
use age::armor::ArmoredReader;
use secrecy::SecretString;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::path::PathBuf;

/// The largest cost of a passphrase that is paid, as a power of two: a gigabyte of memory, some four seconds.
const SCRYPT_LOG_N_MAX: u8 = 20;
/// A file of identities that is longer is something else, in bytes.
const FILE_MAX_BYTES: u64 = 1 << 20;
/// How a file begins that age encrypted, and one that it wrote in letters only.
const ENCRYPTED: [&[u8]; 2] = [b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----"];

pub(super) type Identity = Box<dyn age::Identity + Send + Sync>;

pub(super) fn read(files: &[PathBuf], passphrase: Option<&SecretString>) -> Result<Vec<Identity>, KeyError> {
    let mut found: Vec<Identity> = vec![];
    for path in files {
        found.extend(of_file(path, passphrase)?);
    }
    if let Some(passphrase) = passphrase {
        found.push(Box::new(of_passphrase(passphrase)));
    }
    Ok(found)
}

fn of_passphrase(passphrase: &SecretString) -> age::scrypt::Identity {
    let mut identity = age::scrypt::Identity::new(passphrase.clone());
    identity.set_max_work_factor(SCRYPT_LOG_N_MAX);
    identity
}

fn of_file(path: &Path, passphrase: Option<&SecretString>) -> Result<Vec<Identity>, KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    let none = |what| KeyError::NoIdentity { path: path.to_owned(), what };
    let mut bytes = vec![];
    File::open(path).and_then(|file| file.take(FILE_MAX_BYTES).read_to_end(&mut bytes)).map_err(failed)?;
    if ENCRYPTED.iter().any(|begin| bytes.starts_with(begin)) {
        let passphrase =
            passphrase.ok_or_else(|| none("is protected by a passphrase: name its file with --passphrase-file"))?;
        let opened = open(&[Box::new(of_passphrase(passphrase))], ArmoredReader::new(bytes.as_slice()));
        let mut plain = vec![];
        opened.and_then(|mut reader| reader.read_to_end(&mut plain)).map_err(failed)?;
        bytes = plain;
    }
    let text = String::from_utf8(bytes).map_err(|_| none("holds no identity"))?;
    if is_private_key(&text) {
        let identity = SshIdentity::parse(&text).map_err(|error| none(said(error)))?;
        return Ok(vec![Box::new(identity)]);
    }
    let file = age::IdentityFile::from_buffer(BufReader::new(text.as_bytes()));
    let identities = file.ok().and_then(|file| file.into_identities().ok()).unwrap_or_default();
    if identities.is_empty() {
        Err(none("holds no identity: one begins with AGE-SECRET-KEY-1"))
    } else {
        Ok(identities)
    }
}

fn said(error: SshKeyError) -> &'static str {
    match error {
        SshKeyError::Form => "is no private key of OpenSSH",
        SshKeyError::Protected => {
            "is protected by a passphrase, which this program does not undo for OpenSSH's keys: decrypt with `age -d -i`, or take the passphrase off a copy with `ssh-keygen -p`"
        }
        SshKeyError::OtherKind => "is not of the kind ssh-ed25519",
    }
}

pub(super) fn open<R: Read>(identities: &[Identity], below: R) -> io::Result<age::stream::StreamReader<R>> {
    let decryptor = age::Decryptor::new(below).map_err(of_age)?;
    let identities = identities.iter().map(|identity| identity.as_ref() as &dyn age::Identity);
    decryptor.decrypt(identities).map_err(of_age)
}

fn of_age(error: age::DecryptError) -> io::Error {
    match error {
        age::DecryptError::Io(error) => error,
        age::DecryptError::NoMatchingKeys => {
            io::Error::new(io::ErrorKind::PermissionDenied, "none of the identities given opens it")
        }
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}
