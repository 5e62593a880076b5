//! Words that are like others.

/// How like two words must be for one to be offered in place of the other, by Jaro and Winkler's measure (0 to 1).
const ALIKE: f64 = 0.85;

/// The word most like the given one, if any is like it.
pub(super) fn nearest<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = head(word).to_lowercase();
    let scored = among.map(|other| (strsim::jaro_winkler(&lower, &other.to_lowercase()), other));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= ALIKE).then_some(best.1)
}

/// The most bytes of a name that are looked at for a likeness: names of directives are shorter than this.
const LIKENESS_MAX_BYTES: usize = 100;

/// As much of a word as is compared with others; nothing of one whose head would end within a character.
fn head(word: &str) -> &str {
    word.get(..LIKENESS_MAX_BYTES).unwrap_or(if word.len() <= LIKENESS_MAX_BYTES { word } else { "" })
}
