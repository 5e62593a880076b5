//! Bytes as systemd classes them.

/// systemd's `WHITESPACE`: no form feed, no vertical tab.
pub(super) const WHITESPACE: &[u8] = b" \t\n\r";

pub(super) fn is_blank(byte: u8) -> bool {
    WHITESPACE.contains(&byte)
}

/// The text from an offset on; nothing beyond its end.
pub(super) fn from(text: &[u8], offset: usize) -> &[u8] {
    text.get(offset..).unwrap_or_default()
}

/// The first byte at or after an offset that is no blank.
pub(super) fn skip_blanks(text: &[u8], offset: usize) -> usize {
    offset + from(text, offset).iter().take_while(|byte| is_blank(**byte)).count()
}
