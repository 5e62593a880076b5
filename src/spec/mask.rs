//! Secrets written into a spec, kept out of the source lines that findings show, also where the text is not YAML.

use super::secret_words::{is_literal, tells_of_secret};
use crate::diag::{FileId, Sources, Span};

/// Hides what stands after a key that tells of a secret, line by line.
pub(super) fn mask_lines(sources: &mut Sources, file: FileId, text: &str) {
    let mut start = 0;
    let mut spans = vec![];
    for line in text.split_inclusive('\n') {
        spans.extend(secrets(line).into_iter().map(|(from, to)| Span { file, start: start + from, end: start + to }));
        start += line.len();
    }
    sources.mask(&spans);
}

/// Keys whose names tell of a secret and whose values are none.
const SHOWN: [&str; 2] = ["credential", "access_key"];

/// Where in a line values stand that may be secrets.
fn secrets(line: &str) -> Vec<(usize, usize)> {
    let mut found = vec![];
    let (mut at, mut hidden) = (0, 0);
    for part in line.split_inclusive([':', '=']) {
        at += part.len();
        let name = last_word(part);
        if at <= hidden || !tells_of_secret(name) || SHOWN.contains(&name) {
            continue;
        }
        let rest = line.get(at..).unwrap_or("");
        let value = rest.trim_start();
        let from = at + rest.len() - value.len();
        let flow = line.get(..from).unwrap_or("").contains(['{', '[']);
        let length = value_length(value, flow);
        let value = value.get(..length).unwrap_or("").trim_end();
        if !value.starts_with(['{', '[', '*', '&', '!', '|', '>']) && is_literal(value) {
            found.push((from, from + value.len()));
            hidden = from + length;
        }
    }
    found
}

/// How long a value is at the most: to its closing quote, in a flow mapping or list to what may end it there, else to
/// the line's end.
fn value_length(value: &str, flow: bool) -> usize {
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let closing = quote.and_then(|quote| value.get(1..)?.find(quote)).map(|at| at + 2);
    let end = if flow { value.find([',', '}', ']', '\n']) } else { value.find('\n') };
    closing.or(end).unwrap_or(value.len())
}

/// The name before a `:` or `=`.
fn last_word(part: &str) -> &str {
    let name = part.trim_end_matches([':', '=']).trim_end_matches(['"', '\'']);
    name.rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).next().unwrap_or("")
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
        assert_eq!(hidden("  secret_key: hunter2, too}\n"), ["hunter2, too}"]);
        assert_eq!(hidden("a: [token=hunter2], {password: \"hunter, }2\", b: c}"), ["hunter2", "\"hunter, }2\""]);
    }

    #[test]
    fn references_and_other_keys_are_shown() {
        for line in
            ["secret_key: {etcd: /a/b}", "bucket: x", "password_file: /x", "description: the token", "secret_key:\n"]
        {
            assert_eq!(hidden(line), [""; 0], "{line}");
        }
    }
}
