//! Whom archives are sealed for.

use super::SealError;
use super::ssh::SshRecipient;
use crate::archive::{Encrypt, RecipientError, RecipientKind, recipient_kind};
use crate::run::secret::Secrets;
use crate::value::{Context, Template};
use std::io::{self, Write};

/// The cost of a passphrase, as a power of two: 128 MiB and about half a second, once for each archive and once for its
/// index; the first choice of OWASP's "Password Storage Cheat Sheet" for scrypt.
const SCRYPT_LOG_N: u8 = 17;
/// A file of recipients that is longer is something else, in bytes.
const FILE_MAX_BYTES: u64 = 1 << 20;

type Recipient = Box<dyn age::Recipient + Send + Sync>;

/// Whom archives are sealed for: at least one recipient, or a passphrase alone.
pub struct Recipients(Vec<Recipient>);

impl Recipients {
    pub(super) fn new(encrypt: &Encrypt, secrets: &Secrets, context: &Context) -> Result<Self, SealError> {
        let Encrypt { recipients, recipients_file, passphrase } = encrypt;
        if let Some(passphrase) = passphrase {
            let text = secrets.text(passphrase, context).map_err(SealError::Passphrase)?;
            let mut recipient = age::scrypt::Recipient::new(text);
            recipient.set_work_factor(SCRYPT_LOG_N);
            return Ok(Self(vec![Box::new(recipient)]));
        }
        let mut found = vec![];
        for (at, text) in recipients.iter().enumerate() {
            let place = || format!("number {} of the job's recipients", at + 1);
            found.push(recipient(text).map_err(|source| SealError::Recipient { place: place(), source })?);
        }
        if let Some(file) = recipients_file {
            found.extend(of_file(file, context)?);
        }
        if found.is_empty() { Err(SealError::Nobody) } else { Ok(Self(found)) }
    }

    pub(super) fn around<W: Write>(&self, below: W) -> io::Result<age::stream::StreamWriter<W>> {
        let recipients = self.0.iter().map(|recipient| recipient.as_ref() as &dyn age::Recipient);
        age::Encryptor::with_recipients(recipients).map_err(io::Error::other)?.wrap_output(below)
    }
}

fn recipient(text: &str) -> Result<Recipient, RecipientError> {
    match recipient_kind(text)? {
        RecipientKind::X25519 => {
            let recipient: age::x25519::Recipient = text.trim().parse().map_err(|_| RecipientError::Checksum)?;
            Ok(Box::new(recipient))
        }
        RecipientKind::SshEd25519 => Ok(Box::new(SshRecipient::parse(text).ok_or(RecipientError::Ssh)?)),
    }
}

/// One recipient a line; empty lines and those that begin with `#` say nothing.
fn of_file(file: &Template, context: &Context) -> Result<Vec<Recipient>, SealError> {
    let path = file.expand(context).map_err(SealError::Path)?;
    let failed = |source| SealError::File { path: path.clone(), source };
    let mut text = String::new();
    let file = std::fs::File::open(&path).map_err(failed)?;
    io::Read::read_to_string(&mut io::Read::take(file, FILE_MAX_BYTES), &mut text).map_err(failed)?;
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(number, line)| {
            recipient(line)
                .map_err(|source| SealError::Recipient { place: format!("line {number} of `{path}`"), source })
        })
        .collect()
}
