//! Keeping secrets out of texts.

use std::fmt::Write as _;
use std::ops::Range;

/// What stands in a secret's place.
const MASK: &str = "***";
/// A shorter secret is masked only where it stands alone as a word: every `a` of a log would tell more than it hides.
const ANYWHERE_MIN_CHARS: usize = 4;

/// Texts that must not be shown. Its own `Debug` shows none either.
#[derive(Default)]
pub(super) struct Redactor {
    needles: Vec<String>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} texts)", self.needles.len())
    }
}

impl Redactor {
    /// Adds a secret in the forms that programs print it in: as it is, each of its lines, percent-encoded, in base 64,
    /// and as inside JSON.
    pub(super) fn add(&mut self, secret: &str) {
        let lines =
            secret.lines().filter(|line| line.trim().chars().count() >= 2 * ANYWHERE_MIN_CHARS).map(str::to_owned);
        let mut forms: Vec<String> = vec![secret.to_owned(), secret.trim().to_owned()];
        forms.extend(lines);
        if secret.chars().count() >= ANYWHERE_MIN_CHARS {
            forms.extend([percent_encoded(secret, false), percent_encoded(secret, true), in_json(secret)]);
            forms.extend([base64(secret.as_bytes(), STANDARD), base64(secret.as_bytes(), URL_SAFE)]);
        }
        forms.retain(|form| !form.is_empty());
        self.needles.extend(forms);
        self.needles.sort_unstable();
        self.needles.dedup();
    }

    /// The text with every secret replaced; secrets that overlap are replaced together.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut found: Vec<Range<usize>> = self.needles.iter().flat_map(|needle| occurrences(text, needle)).collect();
        found.sort_unstable_by_key(|range| (range.start, range.end));
        let mut redacted = String::with_capacity(text.len());
        let mut end = 0;
        for range in found {
            if range.start >= end {
                redacted.push_str(text.get(end..range.start).unwrap_or_default());
                redacted.push_str(MASK);
            }
            end = end.max(range.end);
        }
        redacted.push_str(text.get(end..).unwrap_or_default());
        redacted
    }
}

fn occurrences<'t>(text: &'t str, needle: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
    let short = needle.chars().count() < ANYWHERE_MIN_CHARS;
    let is_word = |range: &Range<usize>| {
        let before = text.get(..range.start).and_then(|before| before.chars().next_back());
        let after = text.get(range.end..).and_then(|after| after.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    };
    let ranges = text.match_indices(needle).map(|(at, found)| at..at + found.len());
    ranges.filter(move |range| !short || is_word(range))
}

fn percent_encoded(text: &str, lower: bool) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            other if lower => drop(write!(encoded, "%{other:02x}")),
            other => drop(write!(encoded, "%{other:02X}")),
        }
    }
    encoded
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
}

const STANDARD: [char; 2] = ['+', '/'];
const URL_SAFE: [char; 2] = ['-', '_'];

/// Base 64 (RFC 4648) without padding, which a match does not need.
fn base64(bytes: &[u8], last: [char; 2]) -> String {
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(last).collect();
    let mut encoded = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            let sextet = bits >> (18 - 6 * at) & 0x3f;
            encoded.extend(usize::try_from(sextet).ok().and_then(|sextet| alphabet.get(sextet)));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        for secret in secrets {
            redactor.add(secret);
        }
        redactor
    }

    #[test]
    fn secrets_are_masked_in_every_form() {
        let redactor = redactor(&["p&ss/wörd \"x\""]);
        for text in [
            "p&ss/wörd \"x\"",
            "p%26ss%2Fw%C3%B6rd%20%22x%22",
            "p%26ss%2fw%c3%b6rd%20%22x%22",
            "cCZzcy93w7ZyZCAieCI",
            "p&ss/wörd \\\"x\\\"",
        ] {
            assert_eq!(redactor.redact(&format!("a {text}.")), "a ***.", "{text}");
        }
        assert_eq!(redactor.redact("nothing"), "nothing");
    }

    #[test]
    fn base_64_is_rfc_4648_s() {
        let encoded = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes(), STANDARD));
        assert_eq!(encoded, ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"]);
        assert_eq!(base64(&[0xff, 0xfe, 0xff], URL_SAFE), "__7_");
    }

    #[test]
    fn overlapping_secrets_leave_nothing() {
        assert_eq!(redactor(&["abcdef", "defghi"]).redact("x abcdefghi y"), "x *** y");
        assert_eq!(redactor(&["secret", "secret-longer"]).redact("secret-longer"), "***");
        assert_eq!(redactor(&["aaaa"]).redact("aaaaaaaa"), "******");
    }

    #[test]
    fn short_secrets_are_masked_as_words_only() {
        let redactor = redactor(&["x1"]);
        assert_eq!(redactor.redact("pw=x1, x12"), "pw=***, x12");
        assert_eq!(Redactor::default().redact(""), "");
    }

    #[test]
    fn each_line_of_a_long_secret_is_one() {
        let redactor = redactor(&["-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n-----END KEY-----\n"]);
        assert_eq!(redactor.redact("read MIIEvQIBADANBgkq!"), "read ***!");
    }

    #[test]
    fn a_megabyte_is_redacted_in_no_time() {
        let redactor = redactor(&["aaaa", "secret"]);
        let begin = std::time::Instant::now();
        assert!(!redactor.redact(&"a".repeat(1 << 20)).contains('a'));
        assert!(begin.elapsed() < std::time::Duration::from_secs(1));
    }
}
