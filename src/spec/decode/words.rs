//! Wording that findings share.

/// A value shown in a message is cut after this many characters.
const SHOWN_MAX: usize = 60;

/// A text as a message shows it: short, on one line, nothing in it that a terminal would obey.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_MAX).flat_map(printable).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    shown
}

fn printable(c: char) -> Vec<char> {
    if c.is_control() { c.escape_default().collect() } else { vec![c] }
}

/// `a, b or c`, each in backticks.
pub(super) fn either(words: &[&str], last: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

/// Candidates looked at for a suggestion; more would make many wrong names in a long spec slow to tell of.
const CANDIDATES_MAX: usize = 2_000;

/// The known name that a wrong one most likely means.
pub(super) fn did_you_mean<'n>(wrong: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let allowed = (wrong.chars().count() / 3).clamp(1, 4);
    if wrong.chars().count() > 2 * SHOWN_MAX {
        return None;
    }
    let near = |name: &'n str| {
        let lower = wrong.to_lowercase().replace('-', "_");
        let distance = strsim::damerau_levenshtein(&lower, &name.to_lowercase().replace('-', "_"));
        (distance <= allowed).then_some((distance, name))
    };
    known.into_iter().take(CANDIDATES_MAX).filter_map(near).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let known = ["compression", "name", "timezone"];
        assert_eq!(did_you_mean("compresion", known), Some("compression"));
        assert_eq!(did_you_mean("time-zone", known), Some("timezone"));
        assert_eq!(did_you_mean("retention", known), None);
    }

    #[test]
    fn long_and_wild_texts_are_shown_short_and_tame() {
        assert_eq!(shown("a\u{1b}[31m\n"), "a\\u{1b}[31m\\n");
        assert_eq!(shown(&"x".repeat(999)).chars().count(), 61);
    }
}
