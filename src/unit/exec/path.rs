//! What systemd accepts as the program of a command.

use super::super::text::{Piece, UnitText};

/// `PATH_MAX` of Linux, terminating NUL included (linux/limits.h).
const PATH_MAX_BYTES: usize = 4096;
/// `NAME_MAX` of Linux: the longest component of a path.
const NAME_MAX_BYTES: usize = 255;

/// What is wrong with a program's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathProblem {
    /// Nothing at all.
    #[error("the path is empty")]
    Empty,
    /// Control characters, quotes and backslashes are refused in a program's path, however they are written.
    #[error("control characters, quotes and backslashes are refused in a program's path")]
    SpecialCharacters,
    /// It ends in a slash.
    #[error("the path names a directory")]
    Directory,
    /// Neither absolute nor a plain file name.
    #[error("neither an absolute path nor a plain file name")]
    NotAbsolute,
    /// Longer than Linux allows, as a whole or in one component.
    #[error("the path or a component of it is too long")]
    TooLong,
    /// It begins with a character that would be read as a prefix of the command.
    #[error("a name that begins with one of `@-:+!|` would be read as a prefix")]
    LooksLikePrefix,
}

/// systemd's checks of an expanded path, in its order (`config_parse_exec`, src/core/load-fragment.c).
pub(super) fn check(path: &[u8]) -> Result<(), PathProblem> {
    if path.is_empty() {
        return Err(PathProblem::Empty);
    }
    if !path.iter().all(|&byte| is_safe(byte)) {
        return Err(PathProblem::SpecialCharacters);
    }
    if path.ends_with(b"/") {
        return Err(PathProblem::Directory);
    }
    if path.starts_with(b"/") { check_absolute(path) } else { check_name(path) }
}

fn is_safe(byte: u8) -> bool {
    byte >= b' ' && !b"\"'\\\x7f".contains(&byte)
}

fn check_absolute(path: &[u8]) -> Result<(), PathProblem> {
    let fits = path.len() < PATH_MAX_BYTES && path.split(|&b| b == b'/').all(|part| part.len() <= NAME_MAX_BYTES);
    if fits { Ok(()) } else { Err(PathProblem::TooLong) }
}

fn check_name(name: &[u8]) -> Result<(), PathProblem> {
    if name == b"." || name == b".." || name.contains(&b'/') {
        return Err(PathProblem::NotAbsolute);
    }
    if name.len() > NAME_MAX_BYTES { Err(PathProblem::TooLong) } else { Ok(()) }
}

/// The checks that can be made of a path to be written, in which specifiers are still to be expanded.
pub(super) fn check_written(path: &UnitText) -> Result<(), PathProblem> {
    let stand_in: String = path.pieces().iter().map(piece_text).collect();
    check(stand_in.as_bytes())?;
    if stand_in.starts_with(['@', '-', ':', '+', '!', '|']) { Err(PathProblem::LooksLikePrefix) } else { Ok(()) }
}

/// A specifier counts as a letter: what it becomes is not known here.
fn piece_text(piece: &Piece) -> &str {
    match piece {
        Piece::Literal(text) => text,
        Piece::Specifier(_) => "x",
    }
}
