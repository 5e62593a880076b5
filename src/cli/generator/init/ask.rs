//! Questions on a terminal.

use crate::cli::output::{Failure, say};
use crate::contract::exit;
use std::io::{IsTerminal as _, Write as _};

/// Makes of an answer what it means, or says what is wrong with it.
pub(super) type Check<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Whether somebody is there to ask.
pub(super) fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// A line of an answer; the end of the input ends the program, since silence is no answer.
fn answer(question: &str) -> Result<String, Failure> {
    let mut out = std::io::stderr().lock();
    let _ = write!(out, "{question} ").and_then(|()| out.flush());
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(0) => Err(Failure::new(exit::FAILED, "nothing was written: the answers ended")),
        Ok(_) => Ok(line.trim().to_owned()),
        Err(error) => Err(Failure::new(exit::FAILED, format!("cannot read the answer: {error}"))),
    }
}

/// A text; an empty answer is the usual one, and a wrong one is asked for again.
pub(super) fn text(question: &str, usual: &str, check: Check<'_>) -> Result<String, Failure> {
    loop {
        let given = answer(&format!("{question} [{usual}]:"))?;
        match check(if given.is_empty() { usual } else { &given }) {
            Ok(meant) => return Ok(meant),
            Err(why) => say(&format!("  `{given}`: {why}")),
        }
    }
}

/// Yes or no; an empty answer is yes.
pub(super) fn whether(question: &str) -> Result<bool, Failure> {
    loop {
        match answer(&format!("{question} [Y/n]:"))?.to_ascii_lowercase().as_str() {
            "" | "y" | "yes" => return Ok(true),
            "n" | "no" => return Ok(false),
            other => say(&format!("  `{other}`: y or n")),
        }
    }
}
