//! Rules of the linter.

use crate::lint::{self, Rule};

pub(super) fn row(rule: &Rule) -> String {
    format!("{:34} {:8} {}\n", rule.id, rule.severity.word(), rule.summary)
}

pub(super) fn page(rule: &Rule) -> String {
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

pub(super) fn markdown() -> String {
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
