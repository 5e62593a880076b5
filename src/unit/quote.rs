//! Writing [`UnitText`] so that systemd reads it back unchanged, whatever it holds.
//!
//! The forms used are those that every systemd from 215 on reads alike: a word is quoted as a whole (215 knows a
//! quote at a word's ends only), `\xNN` and the C escapes, never `\u`; a lone `;` is `\;` (215 takes `";"` for the
//! separator).

use std::fmt::Write as _;

use super::text::{Piece, UnitText};

/// Why a text cannot be written into a unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// A NUL byte: neither an argument nor a variable can hold one.
    #[error("a NUL character cannot be carried")]
    Nul,
    /// A control character where the kind of value has no escape for it in every version of systemd.
    #[error("the control character `{}` has no place here", .0.escape_default())]
    Control(char),
    /// U+FDD0…U+FDEF or the last two of a plane: systemd 252 does not take them for UTF-8.
    #[error("the character U+{:04X} is not a character to systemd", u32::from(*.0))]
    Noncharacter(char),
    /// A specifier that is not an ASCII letter.
    #[error("`%{0}` is not a specifier")]
    NotASpecifier(char),
    /// Blanks at an end, which the reader of the value would drop.
    #[error("blanks at either end would be lost")]
    OuterBlank,
    /// A backslash at the end, which would join the next line to this one.
    #[error("a backslash at the end would join the next line")]
    TrailingBackslash,
    /// Nothing at all, which to systemd means a reset of the list and not an empty text.
    #[error("an empty value would reset the setting")]
    Empty,
}

/// What a `$` needs where the word goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dollar {
    /// `Exec…=` arguments: variables are substituted, `$$` is the dollar.
    Doubled,
    /// Everywhere else.
    Kept,
}

/// Writes one word of a list with C escapes (`Exec…=`, `Environment=`), quoted where it must be.
pub(super) fn word(text: &UnitText, dollar: Dollar) -> Result<String, TextError> {
    check_carriable(text)?;
    if text.as_literal().as_deref() == Some(";") {
        return Ok(r"\;".to_owned());
    }
    let body = escaped(text, dollar);
    Ok(if needs_quotes(text) { format!("\"{body}\"") } else { body })
}

/// Writes the first word of a command: the prefix goes inside the quotes, where 215 looks for it too, and a `$` of the
/// path is no variable.
pub(super) fn word_after(prefix: &str, text: &UnitText) -> Result<String, TextError> {
    check_carriable(text)?;
    let body = format!("{prefix}{}", escaped(text, Dollar::Kept));
    Ok(if needs_quotes(text) { format!("\"{body}\"") } else { body })
}

/// Refuses what no escape can carry.
pub(super) fn check_carriable(text: &UnitText) -> Result<(), TextError> {
    if let Some(letter) = text.impossible_specifier() {
        return Err(TextError::NotASpecifier(letter));
    }
    if text.literal_chars().any(|c| c == '\0') { Err(TextError::Nul) } else { Ok(()) }
}

/// Whether the word would be read differently, or by fleet be trimmed, without quotes.
fn needs_quotes(text: &UnitText) -> bool {
    text.is_empty() || !text.literal_chars().all(is_bare)
}

/// Characters that no reader gives a meaning within a word; what a shell would is quoted for the reader's sake.
fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-./:=@+,%^~{}$".contains(c) || (!c.is_ascii() && !is_hidden(c) && !c.is_whitespace())
}

/// The text between double quotes; without quotes too where [`needs_quotes`] says no.
pub(super) fn escaped(text: &UnitText, dollar: Dollar) -> String {
    let mut out = String::new();
    for piece in text.pieces() {
        match piece {
            Piece::Literal(literal) => literal.chars().for_each(|c| push_char(&mut out, c, dollar)),
            Piece::Specifier(letter) => out.extend(['%', *letter]),
        }
    }
    out
}

fn push_char(out: &mut String, c: char, dollar: Dollar) {
    match c {
        '%' => out.push_str("%%"),
        '$' if dollar == Dollar::Doubled => out.push_str("$$"),
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_hidden(c) => push_bytes(out, c),
        c => out.push(c),
    }
}

/// The character's UTF-8 bytes as `\xNN` each, which every version reads.
fn push_bytes(out: &mut String, c: char) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a String cannot fail.
        let _ = write!(out, "\\x{byte:02x}");
    }
}

/// What a person reading the unit could not see, and what systemd 252 refuses in a line: escaped, always.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control() || is_noncharacter(c) || is_invisible(c)
}

/// Zero-width characters, line and paragraph separators, marks that turn the writing direction, the byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The code points that Unicode keeps from being characters; systemd 252 refuses a whole file for one.
pub(super) fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// Writes a value that systemd takes as one text to the line's end, such as `Description=`: only `%` is special.
///
/// # Errors
/// An empty value (it would reset the setting), control characters, blanks at the ends, a backslash at the end.
pub fn plain_value(text: &UnitText) -> Result<String, TextError> {
    check_plain(text)?;
    let out = percent_doubled(text);
    if out.is_empty() {
        return Err(TextError::Empty);
    }
    if out.trim().len() != out.len() {
        return Err(TextError::OuterBlank);
    }
    if out.ends_with('\\') { Err(TextError::TrailingBackslash) } else { Ok(out) }
}

/// Writes one word of a list whose words may be quoted but hold no C escapes, such as `ReadWritePaths=`.
///
/// # Errors
/// An empty word and control characters: not every such list reads their escapes.
pub fn list_word(text: &UnitText) -> Result<String, TextError> {
    check_plain(text)?;
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    let body = percent_doubled(text).replace('\\', "\\\\").replace('"', "\\\"");
    Ok(if needs_quotes(text) { format!("\"{body}\"") } else { body })
}

fn check_plain(text: &UnitText) -> Result<(), TextError> {
    check_carriable(text)?;
    let refused = |c: char| match c {
        c if c.is_control() => Some(TextError::Control(c)),
        c if is_noncharacter(c) => Some(TextError::Noncharacter(c)),
        _ => None,
    };
    text.literal_chars().find_map(refused).map_or(Ok(()), Err)
}

fn percent_doubled(text: &UnitText) -> String {
    let mut out = String::new();
    for piece in text.pieces() {
        match piece {
            Piece::Literal(literal) => out.push_str(&literal.replace('%', "%%")),
            Piece::Specifier(letter) => out.extend(['%', *letter]),
        }
    }
    out
}
