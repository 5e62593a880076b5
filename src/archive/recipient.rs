//! Whom an archive is encrypted for: told from text that cannot be one without the libraries that encrypt.

/// The form of a recipient that this program encrypts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientKind {
    /// age's own, `age1…`.
    X25519,
    /// A key of OpenSSH, `ssh-ed25519 …`.
    SshEd25519,
}

/// Why a text is no recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    /// The secret that belongs to a recipient.
    #[error("a secret key, which belongs with those who restore, where a recipient is expected")]
    Secret,
    /// Mistyped.
    #[error("not a recipient: its checksum does not fit, so that some letter of it is wrong")]
    Checksum,
    /// Of age, but not for a plain key.
    #[error("a recipient of a plugin of age's, which this program does not run")]
    Plugin,
    /// Another of OpenSSH's kinds.
    #[error("a key of OpenSSH of another kind than ssh-ed25519")]
    OtherSsh,
    /// `ssh-ed25519` and something else.
    #[error("not a public key of OpenSSH: it is cut, or some letter of it is wrong")]
    Ssh,
    /// Nothing of the kind.
    #[error("not a recipient, which begins with `age1` or `ssh-ed25519`")]
    Unknown,
}

/// What kind of recipient a text is.
///
/// # Errors
/// See [`RecipientError`].
pub fn recipient_kind(text: &str) -> Result<RecipientKind, RecipientError> {
    let text = text.trim();
    if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") || text.starts_with("-----BEGIN ") {
        return Err(RecipientError::Secret);
    }
    if let Some(data) = text.strip_prefix("age1") {
        return match (data.len(), bech32_fits("age", data)) {
            // 32 bytes in 52 characters, and a checksum in six.
            (58, true) => Ok(RecipientKind::X25519),
            _ if data.contains('1') => Err(RecipientError::Plugin),
            _ => Err(RecipientError::Checksum),
        };
    }
    match text.split_ascii_whitespace().collect::<Vec<_>>().as_slice() {
        ["ssh-ed25519", key, ..] => ssh_key(key).map(|_| RecipientKind::SshEd25519).ok_or(RecipientError::Ssh),
        ["ssh-ed25519"] => Err(RecipientError::Ssh),
        [kind, ..] if kind.starts_with("ssh-") || kind.starts_with("ecdsa-") || kind.starts_with("sk-") => {
            Err(RecipientError::OtherSsh)
        }
        _ => Err(RecipientError::Unknown),
    }
}

/// The second word of an `ssh-ed25519` line, decoded: what OpenSSH calls the key's blob, with the key at its end.
#[must_use]
pub fn ssh_key(word: &str) -> Option<[u8; 51]> {
    const PREFIX: &[u8] = b"\0\0\0\x0bssh-ed25519\0\0\0\x20";
    let bytes = base64(word)?;
    bytes.strip_prefix(PREFIX)?;
    bytes.try_into().ok()
}

/// Whether the checksum of BIP 173 fits; age leaves its limit of 90 characters out.
fn bech32_fits(prefix: &str, data: &str) -> bool {
    const LETTERS: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let step = |sum: u32, value: u32| {
        const GENERATORS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        let top = sum >> 25;
        let shifted = ((sum & 0x01ff_ffff) << 5) ^ value;
        GENERATORS.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1).fold(shifted, |sum, (_, add)| sum ^ add)
    };
    let of_prefix = prefix.bytes().map(|byte| u32::from(byte >> 5));
    let of_prefix = of_prefix.chain([0]).chain(prefix.bytes().map(|byte| u32::from(byte & 31)));
    let sum = of_prefix.fold(1, step);
    let sum = data.chars().try_fold(sum, |sum, letter| {
        LETTERS.chars().position(|known| known == letter).and_then(|at| u32::try_from(at).ok()).map(|at| step(sum, at))
    });
    sum == Some(1)
}

/// Base 64 with its padding; none where it is not.
fn base64(word: &str) -> Option<Vec<u8>> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = word.trim_end_matches('=');
    if !word.len().is_multiple_of(4) || word.len() - letters.len() > 2 {
        return None;
    }
    let (mut bytes, mut bits, mut count) = (vec![], 0u32, 0);
    for letter in letters.chars() {
        bits = bits << 6 | u32::try_from(LETTERS.find(letter)?).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
        bits &= 0xffff;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From age's own documentation, and one that `ssh-keygen` made.
    const AGE: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    const SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN alice@example";

    #[test]
    fn recipients_of_both_kinds_are_known() {
        assert_eq!(recipient_kind(AGE), Ok(RecipientKind::X25519));
        assert_eq!(recipient_kind(SSH), Ok(RecipientKind::SshEd25519));
        assert_eq!(recipient_kind(SSH.trim_end_matches(" alice@example")), Ok(RecipientKind::SshEd25519));
    }

    #[test]
    fn every_wrong_letter_is_found() {
        for at in 4..AGE.len() {
            let mut wrong = AGE.to_owned();
            let other = if AGE.as_bytes()[at] == b'q' { "p" } else { "q" };
            wrong.replace_range(at..=at, other);
            assert!(recipient_kind(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_none_is_told_apart() {
        for (text, error) in [
            ("AGE-SECRET-KEY-1QQQQ", RecipientError::Secret),
            ("age-secret-key-1qqqq", RecipientError::Secret),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", RecipientError::Secret),
            (AGE.split_at(50).0, RecipientError::Checksum),
            ("age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t", RecipientError::Plugin),
            ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ", RecipientError::OtherSsh),
            ("ecdsa-sha2-nistp256 AAAA", RecipientError::OtherSsh),
            ("ssh-ed25519", RecipientError::Ssh),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW", RecipientError::Ssh),
            ("ssh-ed25519 ====", RecipientError::Ssh),
            ("ssh-ed25519 ääää", RecipientError::Ssh),
            ("", RecipientError::Unknown),
            ("alice", RecipientError::Unknown),
        ] {
            assert_eq!(recipient_kind(text), Err(error), "{text}");
        }
    }
}
