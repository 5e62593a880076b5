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
    /// All rules with their pages, as `docs/rules.md` has them
    #[arg(long, conflicts_with = "rule")]
    markdown: bool,
}

pub(super) fn explain(args: &ExplainArgs) -> Result<(), Failure> {
    if args.markdown {
        return print(&markdown());
    }
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

/// The beginning of the page of all rules. Its block is run by the tests, as those of every page are.
const MARKDOWN_HEAD: &str = "# The rules of the linter

This page is written by `eightbells explain --markdown`; the same texts are shown by

```sh
eightbells explain timer-never-fires
```

*Fix* says whether findings can carry one, and which of `--fix` and `--fix --unsafe` makes it; see [linter.md](linter.md).

| rule | severity | fix | finds |
| --- | --- | --- | --- |
";

fn markdown() -> String {
    let mut rules: Vec<&Rule> = lint::all().collect();
    rules.sort_by_key(|rule| rule.id);
    let rows = rules.iter().map(|rule| {
        let (id, severity, fix) = (rule.id, rule.severity.word(), rule.fix.word());
        format!("| [{id}](#{id}) | {severity} | {fix} | {} |\n", rule.summary.replace('|', "\\|"))
    });
    let pages = rules.iter().map(|rule| {
        let (id, severity, fix, source) = (rule.id, rule.severity.word(), rule.fix.word(), rule.source);
        format!("\n## {id}\n\n{}\n\n{severity} · fix: {fix} · source: {source}\n", rule.text())
    });
    let table: Vec<String> = rows.collect();
    let pages: Vec<String> = pages.collect();
    format!("{MARKDOWN_HEAD}{}{}", table.concat(), pages.concat())
}
