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

/// The word that was surely meant by a misspelled one: it differs in upper and lower case only, or by a letter or two of
/// five and more, and no other word is as near.
pub(super) fn meant<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = head(word).to_lowercase();
    let distance = |other: &str| strsim::osa_distance(&lower, &other.to_lowercase());
    let mut scored: Vec<(usize, &str)> = among.map(|other| (distance(other), other)).collect();
    scored.sort_unstable();
    scored.dedup();
    let (best, other) = *scored.first()?;
    let alone = scored.get(1).is_none_or(|next| next.0 > best);
    let near = best == 0 || (best <= MISSPELLED_MAX && word.len() > MISSPELLED_MAX * 2);
    (alone && near).then_some(other)
}

/// Where a part of a text, such as a word that it was split into, begins in it.
pub(super) fn place(part: &str, whole: &str) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr())
}

/// How many letters of a misspelled word may be wrong.
const MISSPELLED_MAX: usize = 2;

/// The most bytes of a name that are looked at for a likeness: names of directives are shorter than this.
const LIKENESS_MAX_BYTES: usize = 100;

/// As much of a word as is compared with others; nothing of one whose head would end within a character.
fn head(word: &str) -> &str {
    word.get(..LIKENESS_MAX_BYTES).unwrap_or(if word.len() <= LIKENESS_MAX_BYTES { word } else { "" })
}
