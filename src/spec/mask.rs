//! Secrets written into a spec, kept out of the source lines that findings show, also where the text is not YAML.

use super::secret_words::looks_secret;
use crate::diag::{FileId, Sources, Span};

/// Hides what stands after a key that tells of a secret, line by line.
pub(super) fn mask_lines(sources: &mut Sources, file: FileId) {
    let Some(text) = sources.get(file).map(|source| source.text.clone()) else { return };
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        for (from, to) in secrets(line) {
            sources.mask(&Span { file, start: start + from, end: start + to });
        }
        start += line.len();
    }
}

/// Where in a line values stand that may be secrets.
fn secrets(line: &str) -> Vec<(usize, usize)> {
    let mut found = vec![];
    let mut at = 0;
    for part in line.split_inclusive([':', '=']) {
        let end = at + part.len();
        let name = part.trim_end_matches([':', '=']).trim_end_matches(['"', '\'']);
        let name = name.rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).next().unwrap_or("");
        let rest = line.get(end..).unwrap_or("");
        let value = rest.trim_start();
        let from = end + rest.len() - value.len();
        let length = value.find([',', '}', '\n']).unwrap_or(value.len());
        let value = value.get(..length).unwrap_or("").trim_end();
        if !value.is_empty() && !value.starts_with(['{', '[', '*', '&', '!', '|', '>']) && looks_secret(name, value) {
            found.push((from, from + value.len()));
        }
        at = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(line: &str) -> Vec<&str> {
        secrets(line).into_iter().filter_map(|(from, to)| line.get(from..to)).collect()
    }

    #[test]
    fn values_of_secret_keys_are_hidden_whatever_else_is_wrong() {
        assert_eq!(hidden("  secret_key: hunter2\n"), ["hunter2"]);
        assert_eq!(hidden("etcd: {password: hunter2, user: a}"), ["hunter2"]);
        assert_eq!(hidden("  \"API_TOKEN\": \"unterminated"), ["\"unterminated"]);
        assert_eq!(hidden("  - --password=hunter2\n"), ["hunter2"]);
    }

    #[test]
    fn references_and_other_keys_are_shown() {
        for line in ["secret_key: {etcd: /a/b}", "bucket: x", "password_file: /x", "description: the token", "secret_key:\n"] {
            assert_eq!(hidden(line), [""; 0], "{line}");
        }
    }
}
