//! Patterns of `Conflicts=` and `Replaces=`: Go's `path.Match`.

/// A pattern that Go cannot read. fleet takes it for one that matches nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// One part of a pattern.
enum Part {
    /// `*`: any characters but `/`.
    Star,
    /// This character.
    Letter(char),
    /// `?` or a class: one character.
    One(Vec<(char, char)>, Negated),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Negated {
    Yes,
    No,
}

/// Whether a name matches a pattern from end to end.
///
/// # Errors
/// A class that is not closed or empty, a range without an end, a backslash at the end. Go finds some of these only
/// if it comes to them; here they are always found.
pub fn glob_matches(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    let name: Vec<char> = name.chars().collect();
    Ok(Pattern::parse(pattern)?.matches(&name, &mut { usize::MAX }))
}

/// A pattern taken apart, to be held against many names.
pub(super) struct Pattern(Vec<Part>);

impl Pattern {
    pub(super) fn parse(pattern: &str) -> Result<Self, BadPattern> {
        parts(pattern).map(Self)
    }

    /// Whether a name matches from end to end, in at most so many steps, which are taken off; where they do not
    /// suffice it is taken not to.
    pub(super) fn matches(&self, name: &[char], steps: &mut usize) -> bool {
        matches(&self.0, name, steps)
    }
}

/// Goes back to the last star only, which is enough where a star matches anything: no pattern takes longer than the
/// product of the two lengths.
fn matches(parts: &[Part], name: &[char], steps: &mut usize) -> bool {
    let (mut part, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let Some(fewer) = steps.checked_sub(1) else { return false };
        *steps = fewer;
        let step = match (parts.get(part), name.get(at)) {
            (None, None) => return true,
            (Some(Part::Star), _) => {
                star = Some((part + 1, at));
                part += 1;
                continue;
            }
            (Some(Part::One(ranges, negated)), Some(c)) => fits(ranges, *negated, *c),
            (Some(Part::Letter(letter)), Some(c)) => letter == c,
            (None, Some(_)) | (Some(Part::One(..) | Part::Letter(_)), None) => false,
        };
        if step {
            (part, at) = (part + 1, at + 1);
            continue;
        }
        match star {
            Some((after, from)) if name.get(from).is_some_and(|c| *c != '/') => {
                star = Some((after, from + 1));
                (part, at) = (after, from + 1);
            }
            Some(_) | None => return false,
        }
    }
}

fn fits(ranges: &[(char, char)], negated: Negated, c: char) -> bool {
    ranges.iter().any(|(low, high)| *low <= c && c <= *high) != (negated == Negated::Yes)
}

fn parts(pattern: &str) -> Result<Vec<Part>, BadPattern> {
    let mut letters = pattern.chars().peekable();
    let mut parts = Vec::new();
    while let Some(c) = letters.next() {
        parts.push(match c {
            '*' => Part::Star,
            '?' => Part::One(vec![('/', '/')], Negated::Yes),
            '[' => class(&mut letters)?,
            '\\' => letters.next().map(Part::Letter).ok_or(BadPattern)?,
            c => Part::Letter(c),
        });
    }
    Ok(parts)
}

fn class(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Part, BadPattern> {
    let negated = if letters.next_if_eq(&'^').is_some() { Negated::Yes } else { Negated::No };
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && letters.next_if_eq(&']').is_some() {
            return Ok(Part::One(ranges, negated));
        }
        let low = class_letter(letters)?;
        let high = if letters.next_if_eq(&'-').is_some() { class_letter(letters)? } else { low };
        ranges.push((low, high));
    }
}

fn class_letter(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<char, BadPattern> {
    match letters.next() {
        None | Some('-' | ']') => Err(BadPattern),
        Some('\\') => letters.next().ok_or(BadPattern),
        Some(c) => Ok(c),
    }
}
