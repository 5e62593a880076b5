//! C escapes as systemd reads them (`cunescape_one`, src/basic/escape.c).

/// What one escape stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unescaped {
    /// A byte, of any value: `\x…`, `\NNN` and the letters.
    Byte(u8),
    /// A character: `\u…`, `\U…`.
    Char(char),
}

impl Unescaped {
    /// Adds it to a text; a character in UTF-8.
    pub fn push_to(self, out: &mut Vec<u8>) {
        match self {
            Self::Byte(byte) => out.push(byte),
            Self::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }

    fn is_nul(self) -> bool {
        matches!(self, Self::Byte(0) | Self::Char('\0'))
    }
}

/// Whether an escape may stand for NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nul {
    /// As everywhere in unit files.
    Refused,
    /// As in a few settings that carry bytes.
    Accepted,
}

/// What to do with a backslash that begins no known escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownEscape {
    /// The text is not accepted.
    Refused,
    /// The backslash stands for itself.
    Kept,
}

/// A backslash that begins no escape; its place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the escape at byte {at} is not known")]
pub struct EscapeUnknown {
    /// Where the backslash is.
    pub at: usize,
}

/// Reads the escape whose backslash stood before `text`: what it means, and how many bytes it takes.
#[must_use]
pub fn cunescape_one(text: &[u8], nul: Nul) -> Option<(Unescaped, usize)> {
    let (meaning, length) = match *text.first()? {
        b'x' => (Unescaped::Byte(u8::try_from(number(text.get(1..3)?, 16)?).ok()?), 3),
        b'u' => (Unescaped::Char(char::from_u32(number(text.get(1..5)?, 16)?)?), 5),
        b'U' => (Unescaped::Char(char::from_u32(number(text.get(1..9)?, 16)?)?), 9),
        b'0'..=b'7' => (Unescaped::Byte(u8::try_from(number(text.get(0..3)?, 8)?).ok()?), 3),
        letter => (Unescaped::Byte(letter_escape(letter)?), 1),
    };
    (nul == Nul::Accepted || !meaning.is_nul()).then_some((meaning, length))
}

fn letter_escape(letter: u8) -> Option<u8> {
    Some(match letter {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b's' => b' ',
        b'\\' | b'"' | b'\'' => letter,
        _ => return None,
    })
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    digits.iter().try_fold(0u32, |value, digit| Some(value * radix + char::from(*digit).to_digit(radix)?))
}

/// Reads all escapes of a text.
///
/// # Errors
/// The first escape that is not known, where such are refused.
pub fn cunescape(text: &[u8], unknown: UnknownEscape, nul: Nul) -> Result<Vec<u8>, EscapeUnknown> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match cunescape_one(super::bytes::from(text, at), nul) {
            Some((meaning, length)) => {
                meaning.push_to(&mut out);
                at += length;
            }
            None if unknown == UnknownEscape::Kept => out.push(byte),
            None => return Err(EscapeUnknown { at: at - 1 }),
        }
    }
    Ok(out)
}
