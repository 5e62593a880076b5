//! `eightbells explain`: rules of the linter, findings of a spec, keys of a spec, exit codes.

mod exits;
mod findings;
mod key;
mod page;
mod rule;

use crate::cli::output::{Failure, print};
use crate::contract::exit;
use crate::lint;
use crate::spec::{keys, nearest_word};
use clap::{Args, ValueEnum};

/// What `explain` is told.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The id of a finding (`timer-never-fires`, `schedule-invalid`), a key of the spec (`archive.compression`, `jobs.*.store`),
    /// or an exit code (`exit-3`, `exit-codes`); without it everything is listed
    what: Option<String>,
    /// List everything that can be explained
    #[arg(long, conflicts_with_all = ["what", "markdown"])]
    list: bool,
    /// A whole page of documentation, as `docs/` has it
    #[arg(long, value_name = "PAGE", num_args = 0..=1, require_equals = true, default_missing_value = "rules", conflicts_with = "what")]
    markdown: Option<Page>,
}

/// A page of the documentation that is made of what `explain` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Page {
    /// docs/rules.md
    Rules,
    /// docs/findings.md
    Findings,
    /// docs/spec.md
    Spec,
}

pub(super) fn explain(args: &ExplainArgs) -> Result<(), Failure> {
    match (&args.what, args.markdown) {
        (_, Some(Page::Rules)) => print(&rule::markdown()),
        (_, Some(Page::Findings)) => print(&page::findings()),
        (_, Some(Page::Spec)) => print(&page::spec()),
        (Some(what), None) => print(&pages(what)?),
        (None, None) => print(&list()),
    }
}

/// All that is called so.
fn pages(what: &str) -> Result<String, Failure> {
    let what = what.trim();
    let rule = lint::find(what).map(rule::page);
    let finding = findings::find(what).map(findings::Finding::page);
    let keys = keys::find(what);
    let key = (!keys.is_empty()).then(|| key::pages(&keys));
    let found: Vec<String> = [rule, finding, exits::page(what), key].into_iter().flatten().collect();
    if found.is_empty() { Err(unknown(what)) } else { Ok(found.join("\n")) }
}

fn unknown(what: &str) -> Failure {
    let ids = lint::all().map(|rule| rule.id).chain(findings::all().map(|finding| finding.id)).chain(exits::NAMES);
    let near = nearest_word(what, ids).map(str::to_owned).or_else(|| keys::nearest(what));
    let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    Failure::new(exit::USAGE, format!("there is no finding, key or exit code `{what}`{near}"))
        .help("`eightbells explain --list` lists all")
}

fn list() -> String {
    let rules: String = lint::all().map(rule::row).collect();
    let findings: String = findings::all().map(findings::Finding::row).collect();
    let keys: String = keys::all().iter().map(key::row).collect();
    let exits: String = exits::rows();
    format!(
        "Rules of `lint`\n\n{rules}\nOther findings of `check` and of `eightbells.toml`\n\n{findings}\nKeys of a spec\n\n{keys}\n\
         Exit codes\n\n{exits}"
    )
}
