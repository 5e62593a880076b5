//! `eightbells explain`.

use crate::cli::output::{Failure, print};
use crate::contract::exit;
use crate::lint::{self, Rule};
use clap::Args;

/// What `explain` is told.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The rule; without it all rules are listed
    rule: Option<String>,
}

pub(super) fn explain(args: &ExplainArgs) -> Result<(), Failure> {
    match &args.rule {
        Some(name) => match lint::find(name) {
            Some(rule) => print(&page(rule)),
            None => {
                Err(Failure::new(exit::USAGE, super::lint::unknown(name)).help("`eightbells explain` lists all rules"))
            }
        },
        None => print(&lint::all().map(row).collect::<String>()),
    }
}

fn row(rule: &Rule) -> String {
    format!("{:34} {:8} {}\n", rule.id, rule.severity.word(), rule.summary)
}

fn page(rule: &Rule) -> String {
    let (level, text) = (rule.severity.word(), rule.text());
    let (summary, source, fix) = (rule.summary, rule.source, rule.fix.word());
    format!("{} ({level}): {summary}\n\n{text}\n\nFix: {fix}\nSource: {source}\n", rule.id)
}
