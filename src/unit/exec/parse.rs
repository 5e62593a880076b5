//! Reading the value of `ExecStart=` and its like as systemd 252 does (`config_parse_exec`,
//! src/core/load-fragment.c).

use std::ops::Range;

use super::super::bytes::{from, is_blank, skip_blanks};
use super::super::specifier::{UnknownSpecifier, Values};
use super::super::words::{Word, WordError, WordFlags, Words};
use super::path::{self, PathProblem};

/// How systemd reads the words of a command.
const FLAGS: WordFlags = WordFlags::UNQUOTE;

/// A command of an `Exec…=` value. Its arguments are as systemd keeps them: variables are substituted when it runs,
/// see [`expand_variables`](super::expand_variables).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecCommand {
    /// What is executed, slashes simplified.
    pub path: Vec<u8>,
    /// The arguments, the zeroth among them.
    pub argv: Vec<Vec<u8>>,
    /// The marks before the program.
    pub prefixes: Prefixes,
    /// The command in the value.
    pub span: Range<usize>,
    /// The words of the value it is made of; the first holds prefixes and program.
    pub words: Vec<Range<usize>>,
}

/// The marks that stand before a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefixes(Vec<Prefix>);

/// A mark before a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// `-`: a failure counts as success.
    IgnoreFailure,
    /// `@`: the next word is the zeroth argument.
    SeparateArgv0,
    /// `:`: no variables are substituted (systemd 242).
    NoEnvironment,
    /// `+`: with full privileges (231).
    Privileged,
    /// `!`: without change of user (235).
    NoSetuid,
    /// `!!`: the same where ambient capabilities are missing (235).
    Ambient,
}

impl Prefixes {
    /// Whether the mark is there.
    #[must_use]
    pub fn has(&self, prefix: Prefix) -> bool {
        self.0.contains(&prefix)
    }

    /// All of them, in the order written.
    #[must_use]
    pub fn all(&self) -> &[Prefix] {
        &self.0
    }
}

/// What systemd makes of a value, and what it has against it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecValue {
    /// The commands, up to the first fault.
    pub commands: Vec<ExecCommand>,
    /// The value is empty, which takes back all commands before it.
    pub resets: bool,
    /// Warnings, and at most one fault.
    pub problems: Vec<ExecProblem>,
}

/// Something systemd says about a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecProblem {
    /// What it is.
    pub kind: ExecProblemKind,
    /// What follows from it.
    pub effect: ExecEffect,
    /// The bytes of the value that it is about.
    pub span: Range<usize>,
}

/// What follows from a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecEffect {
    /// The unit is not loaded.
    UnitRefused,
    /// This command and those after it in the value are dropped.
    Ignored,
    /// A warning in the log.
    Warning,
}

/// The faults of a command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecProblemKind {
    /// A quote that is not closed.
    #[error("a quote is not closed")]
    UnbalancedQuote,
    /// A backslash that begins no escape; it stays.
    #[error("an unknown escape stays as it is written")]
    UnknownEscape,
    /// A specifier that is none.
    #[error("`%{0}` is not a specifier; a percent sign is written `%%`")]
    UnknownSpecifier(char),
    /// Prefixes and no program.
    #[error("there is no program after the prefixes")]
    NoProgram,
    /// The program is refused.
    #[error(transparent)]
    Program(#[from] PathProblem),
    /// `@` without a zeroth argument.
    #[error("the zeroth argument is missing or empty")]
    EmptyArgv0,
}

/// Why a command is not taken, and whether that is the unit's end too.
struct Fault {
    problem: ExecProblem,
}

/// Reads a value; `values` are those of the specifiers, as far as they are known.
///
/// ```
/// use eightbells::unit::exec::parse;
/// use eightbells::unit::specifier::Values;
///
/// let value = parse(br#"-/bin/tar "a b" \; ; /bin/true"#, &Values::none());
/// assert_eq!(value.commands.len(), 2);
/// assert_eq!(value.commands[0].argv, [&b"/bin/tar"[..], b"a b", b";"]);
/// ```
#[must_use]
pub fn parse(value: &[u8], values: &Values) -> ExecValue {
    let mut parsed = ExecValue::default();
    let mut at = skip_blanks(value, 0);
    if at == value.len() {
        return ExecValue { resets: true, ..parsed };
    }
    loop {
        let mut reader = Reader { value, values, words: Words::new(value), problems: Vec::new() };
        reader.words.seek(at);
        let command = reader.command();
        parsed.problems.append(&mut reader.problems);
        match command {
            Ok(Some((command, next))) => {
                parsed.commands.push(command);
                match next {
                    Some(next) => at = next,
                    None => return parsed,
                }
            }
            Ok(None) => return parsed,
            Err(fault) => {
                parsed.problems.push(fault.problem);
                return parsed;
            }
        }
    }
}

struct Reader<'a> {
    value: &'a [u8],
    values: &'a Values,
    words: Words<'a>,
    problems: Vec<ExecProblem>,
}

/// What stands where an argument could.
enum Token {
    /// An argument.
    Argument(Vec<u8>, Range<usize>),
    /// `;`, and where the next command begins.
    Separator(usize),
    /// The end of the value.
    End,
}

impl Reader<'_> {
    /// One command, and where the next begins; none where the value ends before it.
    fn command(&mut self) -> Result<Option<(ExecCommand, Option<usize>)>, Fault> {
        let Some(first) = self.first_word()? else { return Ok(None) };
        let (prefixes, program) = split_prefixes(&first.text);
        let on_fault = if prefixes.has(Prefix::IgnoreFailure) { ExecEffect::Ignored } else { ExecEffect::UnitRefused };
        let path = self.program(program, &first.span, on_fault)?;
        let mut words = vec![first.span.clone()];
        let mut argv = Vec::new();
        if !prefixes.has(Prefix::SeparateArgv0) {
            argv.push(path.clone());
        }
        let next = loop {
            match self.token(on_fault)? {
                Token::Argument(argument, span) => {
                    argv.push(argument);
                    words.push(span);
                }
                Token::Separator(next) => break Some(next),
                Token::End => break None,
            }
        };
        if argv.first().is_none_or(Vec::is_empty) {
            return Err(fault(ExecProblemKind::EmptyArgv0, on_fault, first.span));
        }
        let span = first.span.start..words.last().map_or(first.span.end, |word| word.end);
        Ok(Some((ExecCommand { path: simplified(&path), argv, prefixes, span, words }, next)))
    }

    /// A fault of the first word drops the line, and leaves the unit be.
    fn first_word(&mut self) -> Result<Option<Word>, Fault> {
        self.word(ExecEffect::Ignored)
    }

    fn word(&mut self, on_fault: ExecEffect) -> Result<Option<Word>, Fault> {
        let unclosed = |error: WordError| fault(ExecProblemKind::UnbalancedQuote, on_fault, error.start..error.at);
        let word = self.words.next_or_warn(FLAGS | WordFlags::CUNESCAPE).map_err(unclosed)?;
        if let Some(word) = word.as_ref().filter(|word| word.unknown_escape) {
            let (kind, span) = (ExecProblemKind::UnknownEscape, word.span.clone());
            self.problems.push(ExecProblem { kind, effect: ExecEffect::Warning, span });
        }
        Ok(word)
    }

    fn program(&self, program: &[u8], span: &Range<usize>, on_fault: ExecEffect) -> Result<Vec<u8>, Fault> {
        let path = self.expanded(program, span, on_fault)?;
        match path::check(&path) {
            Ok(()) => Ok(path),
            Err(PathProblem::Empty) => Err(fault(ExecProblemKind::NoProgram, ExecEffect::Ignored, span.clone())),
            Err(problem) => Err(fault(problem.into(), on_fault, span.clone())),
        }
    }

    fn expanded(&self, text: &[u8], span: &Range<usize>, on_fault: ExecEffect) -> Result<Vec<u8>, Fault> {
        let unknown = |error: UnknownSpecifier| {
            fault(ExecProblemKind::UnknownSpecifier(error.letter), on_fault, self.place_of(error, span))
        };
        self.values.expand(text).map_err(unknown)
    }

    /// Where a specifier that was found in a word stands in the value.
    fn place_of(&self, error: UnknownSpecifier, word: &Range<usize>) -> Range<usize> {
        let written = self.value.get(word.clone()).unwrap_or_default();
        let wanted = [b'%', u8::try_from(error.letter).unwrap_or_default()];
        let place = written.windows(2).position(|pair| pair == wanted);
        place.map_or(word.clone(), |place| word.start + place..word.start + place + 2)
    }

    /// `;` and `\;` count where they stand alone and bare; in quotes they are text.
    fn token(&mut self, on_fault: ExecEffect) -> Result<Token, Fault> {
        let Some(at) = self.words.offset() else { return Ok(Token::End) };
        let rest = from(self.value, at);
        let alone = |length: usize| rest.get(length).is_none_or(|byte| is_blank(*byte));
        if rest.starts_with(b";") && alone(1) {
            return Ok(Token::Separator(skip_blanks(self.value, at + 1)));
        }
        if rest.starts_with(b"\\;") && alone(2) {
            self.words.seek(skip_blanks(self.value, at + 2));
            return Ok(Token::Argument(b";".to_vec(), at..at + 2));
        }
        match self.word(on_fault)? {
            None => Ok(Token::End),
            Some(word) => Ok(Token::Argument(self.expanded(&word.text, &word.span, on_fault)?, word.span)),
        }
    }
}

fn fault(kind: ExecProblemKind, effect: ExecEffect, span: Range<usize>) -> Fault {
    Fault { problem: ExecProblem { kind, effect, span } }
}

/// The marks, none twice and those about privileges not together, and what follows them.
fn split_prefixes(word: &[u8]) -> (Prefixes, &[u8]) {
    let mut prefixes = Prefixes::default();
    let mut rest = word;
    while let Some((mark, after)) = rest.split_first() {
        let privileges = [Prefix::Privileged, Prefix::NoSetuid, Prefix::Ambient];
        let free = !privileges.iter().any(|prefix| prefixes.has(*prefix));
        let prefix = match mark {
            b'-' => Prefix::IgnoreFailure,
            b'@' => Prefix::SeparateArgv0,
            b':' => Prefix::NoEnvironment,
            b'+' if free => Prefix::Privileged,
            b'!' if free => Prefix::NoSetuid,
            b'!' if prefixes.has(Prefix::NoSetuid) => {
                prefixes.0.retain(|prefix| *prefix != Prefix::NoSetuid);
                Prefix::Ambient
            }
            _ => break,
        };
        if prefixes.has(prefix) {
            break;
        }
        prefixes.0.push(prefix);
        rest = after;
    }
    (prefixes, rest)
}

/// Takes out the slashes and `.` components that say nothing (`path_simplify`).
fn simplified(path: &[u8]) -> Vec<u8> {
    if !path.starts_with(b"/") {
        return path.to_vec();
    }
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
    [b"/".as_slice(), &parts.join(&b'/')].concat()
}
