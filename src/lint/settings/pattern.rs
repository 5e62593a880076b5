//! Patterns of paths, as `.gitignore` has them.

use crate::lint::fleet::glob_matches;

/// A pattern of paths below a folder.
///
/// `*`, `?` and `[a-z]` stand for characters other than `/`, and `**` for any number of folders. A pattern with a `/`
/// before its end begins at the folder; any other matches at every depth. What matches a folder matches all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    parts: Vec<String>,
}

/// What is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no pattern of paths")]
pub struct BadPathPattern(String);

/// Any number of folders.
const ANY: &str = "**";

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// An empty one, one that leads out of the folder, and a class that is not closed.
    pub fn parse(text: &str) -> Result<Self, BadPathPattern> {
        let bad = || BadPathPattern(text.to_owned());
        let body = text.strip_suffix('/').unwrap_or(text);
        let anchored = body.contains('/');
        let body = body.strip_prefix("./").or(body.strip_prefix('/')).unwrap_or(body);
        let written = body.split('/').map(|part| part.replace("[!", "[^"));
        let mut parts: Vec<String> = (!anchored).then(|| ANY.to_owned()).into_iter().chain(written).collect();
        parts.dedup_by(|a, b| a == ANY && b == ANY);
        let wrong = |part: &String| part.is_empty() || part == ".." || glob_matches(part, "").is_err();
        if parts.iter().any(wrong) { Err(bad()) } else { Ok(Self { parts }) }
    }

    /// Whether a path, with `/` between its parts and counted from the folder, is one of these.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        begins(&self.parts, &parts)
    }
}

fn begins(pattern: &[String], parts: &[&str]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return true };
    if first == ANY {
        return (0..parts.len()).any(|at| parts.get(at..).is_some_and(|parts| begins(rest, parts)));
    }
    let Some((part, others)) = parts.split_first() else { return false };
    glob_matches(first, part) == Ok(true) && begins(rest, others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_gitignore() {
        for (pattern, path, expected) in [
            ("legacy", "legacy/a.service", true),
            ("legacy", "deep/legacy/b/a.service", true),
            ("legacy/", "legacy/a.service", true),
            ("*.socket", "x/y.socket", true),
            ("*.socket", "x/y.service", false),
            ("units/*.timer", "units/a.timer", true),
            ("units/*.timer", "units/deep/a.timer", false),
            ("units/*.timer", "other/units/a.timer", false),
            ("/units", "units/a.timer", true),
            ("/units", "other/units/a.timer", false),
            ("./units/a.timer", "units/a.timer", true),
            ("units/**/a.timer", "units/a.timer", true),
            ("units/**/a.timer", "units/x/y/a.timer", true),
            ("**/drafts/**", "x/drafts/a.service", true),
            ("**/drafts/**", "x/drafts", false),
            ("a[!b].service", "ac.service", true),
            ("a[!b].service", "ab.service", false),
        ] {
            assert_eq!(PathPattern::parse(pattern).unwrap().matches(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "/", "a//b", "../a", "[a", "x/.."] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
    }
}
