//! Literals that look like secrets.

use super::fields::{Decoder, Field};
use crate::diag::Span;
use crate::value::Value;

/// Parts of names that secrets go by.
const NAMES: [&str; 9] =
    ["password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "access_key", "credential"];

const HELP: &str = "the spec is no place for it: write {etcd: KEY}, {env: NAME} or {file: PATH} instead";

impl Decoder<'_> {
    /// A variable with a telling name and a value written out.
    pub(super) fn looks_like_a_secret(&mut self, name: &str, field: &Field<'_>, value: &Value) {
        let lower = name.to_ascii_lowercase();
        let telling =
            NAMES.iter().any(|part| lower.contains(part)) && !lower.ends_with("_file") && !lower.ends_with("_path");
        if telling && value.text().is_some_and(|text| text.as_literal() != Some("")) {
            self.masked.push(field.span().clone());
            let message = format!("`{name}` looks like a secret that is written out");
            self.report.warning("secret-in-spec", field.span(), message).help(HELP);
        }
    }

    /// Every text of the spec that holds `--password=…`, `scheme://user:password@…` or an AWS key.
    pub(super) fn secrets_in_texts(&mut self, texts: &[(String, Span)]) {
        for (text, span) in texts {
            if let Some(what) = secret_in(text) {
                self.masked.push(span.clone());
                self.report.warning("secret-in-spec", span, format!("{what} is written out here")).help(HELP);
            }
        }
    }
}

/// What sort of secret a text holds, if it seems to hold one.
fn secret_in(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let option = lower.strip_prefix("--").and_then(|rest| rest.split_once('=')).is_some_and(|(name, value)| {
        let name = name.replace('-', "_");
        !value.is_empty()
            && !value.contains("{{")
            && !name.ends_with("_file")
            && NAMES.iter().any(|part| name.contains(part))
    });
    if option {
        return Some("a secret in an argument");
    }
    let address = lower.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    let user = address.and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user);
    if user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty()) {
        return Some("a password in an address");
    }
    let aws = text.find("AKIA").and_then(|at| text.get(at..at + 20));
    if aws.is_some_and(|key| key.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())) {
        return Some("an AWS access key");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_recognised_and_other_texts_are_not() {
        for text in ["--password=hunter2", "--db-passwd=x", "postgres://u:p@h/db", "key AKIAIOSFODNN7EXAMPLE"] {
            assert!(secret_in(text).is_some(), "{text}");
        }
        for text in ["--password", "--password-file=/x", "https://h/a:b@c", "https://user@h", "AKIA", "", "--password="]
        {
            assert!(secret_in(text).is_none(), "{text}");
        }
    }
}
