//! What looks like a secret.

/// Words in a variable's or key's name that tell of a secret.
const NAMES: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "private_key",
    "access_key",
    "credential",
    "pgpassword",
    "mysql_pwd",
];
/// Endings that tell of where a secret is kept, rather than of the secret.
const PLACES: [&str; 6] = ["_file", "_path", "_dir", "_id", "_name", "_url"];
/// Beginnings of keys that well-known services hand out.
const FORMS: [&str; 8] = ["AKIA", "ASIA", "ghp_", "github_pat_", "xoxb-", "xoxp-", "sk_live_", "-----BEGIN "];

/// Names are short; what is longer is something else.
const NAME_MAX_BYTES: usize = 100;

/// Whether a value under this name is a secret written out: the name says so, and the value is more than placeholders,
/// a path or a switch.
pub(super) fn looks_secret(name: &str, value: &str) -> bool {
    tells_of_secret(name) && is_literal(value)
}

/// Whether a name tells of a secret.
#[must_use]
pub fn tells_of_secret(name: &str) -> bool {
    if name.len() > NAME_MAX_BYTES {
        return false;
    }
    let name = name.to_lowercase().replace('-', "_");
    NAMES.iter().any(|word| name.contains(word)) && !PLACES.iter().any(|ending| name.ends_with(ending))
}

/// Whether a value is a text of its own: no switch, path, variable or placeholder.
pub(super) fn is_literal(value: &str) -> bool {
    let switch = ["true", "false", "yes", "no", "0", "1", ""].contains(&value);
    let reference = value.starts_with('/') || value.starts_with("{scratch}") || value.starts_with('$');
    let placeholder = value.starts_with('{') && value.ends_with('}') && !value.starts_with("{{");
    !switch && !reference && !placeholder
}

/// What in a text looks like a secret, in words.
#[must_use]
pub fn secret_in_text(text: &str) -> Option<&'static str> {
    if address_with_password(text) {
        return Some("an address with a password in it");
    }
    if text.split_whitespace().any(is_known_form) {
        return Some("what looks like an access key");
    }
    text.split_whitespace().any(assigns_secret).then_some("what looks like a secret")
}

fn is_known_form(word: &str) -> bool {
    FORMS.iter().any(|form| word.starts_with(form) && word.len() >= 16) || word == "-----BEGIN"
}

/// `--password=…`, `PASSWORD=…`.
fn assigns_secret(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, value)| looks_secret(name.trim_start_matches('-'), value.trim_matches(['"', '\''])))
}

/// `scheme://user:password@host`.
fn address_with_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ', '"', '\'']).next().unwrap_or("");
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| is_literal(password))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_what_only_mentions_them() {
        for (name, value) in [
            ("PGPASSWORD", "x"),
            ("RESTIC_PASSWORD", "a b"),
            ("GITHUB_TOKEN", "t"),
            ("Api-Key", "k"),
            ("SECRET", "{{x"),
        ] {
            assert!(looks_secret(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("PASSWORD_FILE", "x"),
            ("PASSWORD", "/run/secret"),
            ("TOKEN", "{instance}"),
            ("PATH", "x"),
            ("SECRET", ""),
            ("AWS_ACCESS_KEY_ID", "x"),
        ] {
            assert!(!looks_secret(name, value), "{name}={value}");
        }
    }

    #[test]
    fn texts_that_hold_secrets_are_found() {
        for text in [
            "postgres://u:p@h/db",
            "--password=hunter2",
            "x PASSWORD=a",
            "AKIAIOSFODNN7EXAMPLE",
            "-----BEGIN RSA PRIVATE KEY-----",
        ] {
            assert!(secret_in_text(text).is_some(), "{text}");
        }
        for text in [
            "http://h:80/a@b",
            "postgres://u@h",
            "postgres://u:$PGPASSWORD@h",
            "--password-file=/x",
            "--token",
            "a=b",
            "AKI",
        ] {
            assert!(secret_in_text(text).is_none(), "{text}");
        }
    }
}
