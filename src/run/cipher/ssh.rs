//! Keys of OpenSSH as age uses them: `ssh-ed25519` only.
//!
//! age's own implementation comes with RSA, of which the crate has a flaw without a fix (RUSTSEC-2023-0071), so this is
//! ours, on the primitives that age itself stands on. What is computed is age's `ssh-ed25519` stanza: the key as a point
//! of Curve25519, a tweak of it derived from the key as OpenSSH writes it, and the file's key wrapped with what both
//! give. The recipient is told by the first four bytes of the key's SHA-256 (filippo.io/age/agessh).

use crate::archive::ssh_key;
use age::{DecryptError, EncryptError};
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::primitives::{aead_decrypt, aead_encrypt, hkdf};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use curve25519_dalek::{MontgomeryPoint, edwards::CompressedEdwardsY};
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::{Digest as _, Sha256, Sha512};
use std::collections::HashSet;
use std::io::Read as _;

/// The name of the stanza.
const TAG: &str = "ssh-ed25519";
/// What keys are derived for.
const LABEL: &[u8] = b"age-encryption.org/v1/ssh-ed25519";
/// What a private key of OpenSSH is written between.
const PEM_BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const PEM_END: &str = "-----END OPENSSH PRIVATE KEY-----";
/// What such a key begins with.
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// Who holds an ssh-ed25519 key.
pub(super) struct SshRecipient {
    /// As OpenSSH writes it: its kind, then the key.
    blob: [u8; 51],
    point: MontgomeryPoint,
}

/// An ssh-ed25519 key.
pub(super) struct SshIdentity {
    blob: [u8; 51],
    /// The scalar, before clamping.
    scalar: SecretBox<[u8; 32]>,
    point: MontgomeryPoint,
}

impl SshRecipient {
    /// A line as in `authorized_keys`; none where its key is none.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let blob = ssh_key(line.split_ascii_whitespace().nth(1)?)?;
        let key = CompressedEdwardsY::from_slice(blob.get(19..)?).ok()?;
        Some(Self { blob, point: key.decompress()?.to_montgomery() })
    }
}

fn short_name(blob: &[u8; 51]) -> String {
    BASE64_STANDARD_NO_PAD.encode(Sha256::digest(blob).get(..4).unwrap_or_default())
}

/// The key that wraps the file's.
fn wrapping_key(blob: &[u8; 51], shared: MontgomeryPoint, ephemeral: &[u8; 32], point: MontgomeryPoint) -> [u8; 32] {
    let tweaked = shared.mul_clamped(hkdf(blob, LABEL, &[]));
    hkdf(&[*ephemeral, point.to_bytes()].concat(), LABEL, &tweaked.to_bytes())
}

impl age::Recipient for SshRecipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let mut secret = [0; 32];
        std::fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut secret))?;
        let ephemeral = MontgomeryPoint::mul_base_clamped(secret).to_bytes();
        let key = wrapping_key(&self.blob, self.point.mul_clamped(secret), &ephemeral, self.point);
        let stanza = Stanza {
            tag: TAG.to_owned(),
            args: vec![short_name(&self.blob), BASE64_STANDARD_NO_PAD.encode(ephemeral)],
            body: aead_encrypt(&key, file_key.expose_secret()),
        };
        Ok((vec![stanza], HashSet::new()))
    }
}

impl age::Identity for SshIdentity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        let [name, ephemeral] = stanza.args.as_slice() else { return None };
        if stanza.tag != TAG || *name != short_name(&self.blob) {
            return None;
        }
        let ephemeral: [u8; 32] = BASE64_STANDARD_NO_PAD.decode(ephemeral).ok()?.try_into().ok()?;
        let shared = MontgomeryPoint(ephemeral).mul_clamped(*self.scalar.expose_secret());
        let key = wrapping_key(&self.blob, shared, &ephemeral, self.point);
        let opened = aead_decrypt(&key, FILE_KEY_BYTES, &stanza.body).map_err(|_| DecryptError::DecryptionFailed);
        Some(opened.and_then(|bytes| {
            let bytes: [u8; FILE_KEY_BYTES] = bytes.try_into().map_err(|_| DecryptError::InvalidHeader)?;
            Ok(FileKey::new(Box::new(bytes)))
        }))
    }
}

/// Why a text is no private key that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SshKeyError {
    /// It is none.
    Form,
    /// A passphrase protects it.
    Protected,
    /// It is of another kind.
    OtherKind,
}

/// Whether a text is a private key of OpenSSH.
pub(super) fn is_private_key(text: &str) -> bool {
    text.trim_start().starts_with(PEM_BEGIN)
}

impl SshIdentity {
    /// Reads a private key as `ssh-keygen` writes it, which no passphrase protects.
    pub(super) fn parse(text: &str) -> Result<Self, SshKeyError> {
        let inner = text.trim().strip_prefix(PEM_BEGIN).and_then(|rest| rest.strip_suffix(PEM_END));
        let letters: String = inner.ok_or(SshKeyError::Form)?.split_ascii_whitespace().collect();
        let bytes = BASE64_STANDARD.decode(letters).map_err(|_| SshKeyError::Form)?;
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(SshKeyError::Form)?;
        if field(&mut rest)? != b"none" {
            return Err(SshKeyError::Protected);
        }
        let (_kdf, _options, count) = (field(&mut rest)?, field(&mut rest)?, number(&mut rest)?);
        let blob = field(&mut rest)?.to_vec();
        let mut secret = field(&mut rest)?;
        let (check, again) = (number(&mut secret)?, number(&mut secret)?);
        if count != 1 || check != again {
            return Err(SshKeyError::Form);
        }
        if field(&mut secret)? != TAG.as_bytes() {
            return Err(SshKeyError::OtherKind);
        }
        let (_public, seed) = (field(&mut secret)?, field(&mut secret)?);
        let seed = seed.get(..32).ok_or(SshKeyError::Form)?;
        let mut scalar = Box::new([0; 32]);
        scalar.copy_from_slice(Sha512::digest(seed).get(..32).unwrap_or(&[0; 32]));
        let point = MontgomeryPoint::mul_base_clamped(*scalar);
        Ok(Self { blob: blob.try_into().map_err(|_| SshKeyError::Form)?, scalar: SecretBox::new(scalar), point })
    }
}

/// A length of four bytes, and as many bytes as it says.
fn field<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], SshKeyError> {
    let length = usize::try_from(number(rest)?).map_err(|_| SshKeyError::Form)?;
    let (field, after) = rest.split_at_checked(length).ok_or(SshKeyError::Form)?;
    *rest = after;
    Ok(field)
}

fn number(rest: &mut &[u8]) -> Result<u32, SshKeyError> {
    let (number, after) = rest.split_first_chunk::<4>().ok_or(SshKeyError::Form)?;
    *rest = after;
    Ok(u32::from_be_bytes(*number))
}
