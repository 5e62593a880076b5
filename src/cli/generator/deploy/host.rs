//! Where commands run: here, or at the far end of ssh.

use super::super::trial::for_shell;
use super::step::Step;
use crate::cli::output::{Failure, say};
use crate::contract::exit;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// `ssh` with its options and the machine's name; empty for this one.
    pub ssh: Vec<String>,
    /// Whether commands that change something run under `sudo`.
    pub sudo: bool,
    /// Whether nothing is to be changed, and the commands are printed.
    pub dry_run: bool,
}

impl Host {
    /// The machine's name for people.
    pub(super) fn name(&self) -> &str {
        self.ssh.last().map_or("this machine", String::as_str)
    }

    /// The whole command for a command of that machine.
    fn whole(&self, argv: &[String]) -> Vec<String> {
        if self.ssh.is_empty() {
            return argv.to_vec();
        }
        // ssh hands one text to a shell at the other end.
        let there: Vec<String> = argv.iter().map(|word| for_shell(word)).collect();
        self.ssh.iter().cloned().chain([there.join(" ")]).collect()
    }

    /// Runs a command that changes nothing.
    pub(super) fn ask(&self, argv: &[&str]) -> Result<Output, Failure> {
        let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
        run(&self.whole(&argv), None)
    }

    /// The output of a command that has to succeed.
    pub(super) fn answer(&self, argv: &[&str]) -> Result<String, Failure> {
        let output = self.ask(argv)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(self.failed(argv.first().unwrap_or(&""), &output))
    }

    /// Carries out a step, or prints it.
    pub(super) fn carry_out(&self, step: &Step) -> Result<(), Failure> {
        let mut argv = step.argv.clone();
        if self.sudo {
            argv.insert(0, "sudo".into());
        }
        let argv = self.whole(&argv);
        if self.dry_run {
            return crate::cli::output::print(&format!("{}\n", step.line(&argv)));
        }
        say(&format!("+ {}", step.line(&argv)));
        let output = run(&argv, step.stdin.as_deref())?;
        if output.status.success() {
            return Ok(());
        }
        let failure = self.failed(&step.line(&step.argv), &output);
        Err(failure.help("what was done before stays done; mend the cause and run the same command again"))
    }

    fn failed(&self, what: &str, output: &Output) -> Failure {
        let words = String::from_utf8_lossy(&output.stderr);
        let words = words.trim();
        let said = if words.is_empty() { String::new() } else { format!(": {words}") };
        let denied =
            ["Permission denied", "Access denied", "authentication required"].iter().any(|w| words.contains(w));
        let failure = Failure::new(exit::FAILED, format!("{}: `{what}` failed ({}){said}", self.name(), output.status));
        if denied && !self.sudo { failure.help("run this as root, or with `--sudo`") } else { failure }
    }
}

/// Runs a program to its end.
pub(super) fn run(command: &[String], content: Option<&[u8]>) -> Result<Output, Failure> {
    let Some((program, args)) = command.split_first() else { return Err(Failure::new(exit::FAILED, "no command")) };
    let failed = |error: std::io::Error| Failure::new(exit::FAILED, format!("cannot run `{program}`: {error}"));
    let input = if content.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut started = Command::new(program);
    started.args(args).env("SYSTEMD_COLORS", "0").env("SYSTEMD_PAGER", "");
    let mut child = started.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    if let (Some(mut pipe), Some(content)) = (child.stdin.take(), content) {
        // A program that ends early says why itself.
        let _ = pipe.write_all(content);
    }
    child.wait_with_output().map_err(failed)
}
