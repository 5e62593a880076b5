//! Findings as SARIF 2.1.0 (OASIS), which code scanning and editors read.
//!
//! Every rule is declared, so that a reader can tell a rule that found nothing from one that does not exist. Columns
//! count UTF-16 code units, as readers expect that do not look at `columnKind`. A finding that is allowed is not there:
//! code scanning shows one with `suppressions` as an open alert. No source text is quoted, since it may be a secret.

use super::rule::Rule;
use super::rules;
use crate::diag::{Diagnostic, Edit, FileId, Fix, Label, Report, Safety, Severity, SourceFile, Span};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// The schema, by the address that the standard gives it.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What relative paths begin at, by the name that readers know.
const BASE: &str = "%SRCROOT%";
/// The name under which GitHub looks for what tells findings apart from one run to the next.
const FINGERPRINT: &str = "primaryLocationLineHash";
/// So many hexadecimal digits of a digest tell lines apart.
const FINGERPRINT_DIGITS: usize = 16;

/// All findings as one SARIF log. Paths below `root` are written relative to it, and others as they were given.
#[must_use]
pub fn render_sarif(report: &Report, root: Option<&str>) -> String {
    let mut rules: Vec<&Rule> = rules::all().collect();
    rules.sort_by_key(|rule| rule.id);
    let places: HashMap<&str, usize> = rules.iter().enumerate().map(|(place, rule)| (rule.id, place)).collect();
    let mut log = Log { report, root, seen: HashMap::new() };
    let results: Vec<Value> = report.sorted().into_iter().map(|found| log.result(found, &places)).collect();
    let driver = json!({
        "name": "eightbells",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules.iter().map(|it| rule(it)).collect::<Vec<_>>(),
    });
    let run = json!({
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {BASE: {"description": {"text": "the folder that the linter was started in"}}},
        "results": results,
    });
    format!("{:#}\n", json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}))
}

fn rule(rule: &Rule) -> Value {
    let (page, source) = (rule.text(), rule.source);
    json!({
        "id": rule.id,
        "name": pascal_case(rule.id),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": page},
        "help": {
            "text": format!("{page}\n\nSource: {source}"),
            "markdown": format!("{page}\n\n*Source: {source}*"),
        },
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {"tags": ["systemd"], "precision": "high", "problem.severity": problem(rule.severity)},
    })
}

fn level(severity: Severity) -> &'static str {
    severity.word()
}

/// The words that code scanning sorts by.
fn problem(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "recommendation",
    }
}

fn pascal_case(id: &str) -> String {
    let words = id.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

/// What is needed while findings are written.
struct Log<'a> {
    report: &'a Report,
    root: Option<&'a str>,
    /// How often each fingerprint was met in each file.
    seen: HashMap<(FileId, String), usize>,
}

impl Log<'_> {
    fn result(&mut self, found: &Diagnostic, places: &HashMap<&str, usize>) -> Value {
        let Diagnostic { severity, id, message, span, label, others, help, fix } = found;
        let mut result = json!({
            "ruleId": id,
            "level": level(*severity),
            "message": {"text": text(message, label.as_deref(), help)},
            "locations": span.iter().filter_map(|span| self.location(span)).collect::<Vec<_>>(),
        });
        let mut set = |key: &str, value: Value| {
            if let Value::Object(result) = &mut result {
                result.insert(key.to_owned(), value);
            }
        };
        if let Some(place) = places.get(id) {
            set("ruleIndex", json!(place));
        }
        if !others.is_empty() {
            set("relatedLocations", others.iter().enumerate().filter_map(|(n, it)| self.related(n, it)).collect());
        }
        if let Some(fix) = fix {
            set("fixes", json!([self.fix(fix)]));
        }
        if let Some(fingerprint) = span.as_ref().and_then(|span| self.fingerprint(id, span)) {
            set("partialFingerprints", json!({FINGERPRINT: fingerprint}));
        }
        result
    }

    fn location(&self, span: &Span) -> Option<Value> {
        Some(json!({"physicalLocation": self.physical(span)?}))
    }

    fn related(&self, place: usize, label: &Label) -> Option<Value> {
        let Label { span, text } = label;
        Some(json!({"id": place + 1, "message": {"text": text}, "physicalLocation": self.physical(span)?}))
    }

    fn physical(&self, span: &Span) -> Option<Value> {
        let file = self.report.sources.get(span.file)?;
        Some(json!({"artifactLocation": self.artifact(file), "region": region(file, span)}))
    }

    fn artifact(&self, file: &SourceFile) -> Value {
        let path = file.name.as_str();
        let below = self.root.and_then(|root| path.strip_prefix(root)?.strip_prefix('/'));
        let path = below.unwrap_or(path).trim_start_matches("./");
        if path.starts_with('/') {
            json!({"uri": format!("file://{}", encoded(path))})
        } else {
            json!({"uri": encoded(path), "uriBaseId": BASE})
        }
    }

    /// A fix that is not safe is offered as well; its text and its properties say what it is.
    fn fix(&self, fix: &Fix) -> Value {
        let Fix { title, safety, edits } = fix;
        let mut changes: BTreeMap<FileId, Vec<Value>> = BTreeMap::new();
        for Edit { span, text } in edits {
            let Some(file) = self.report.sources.get(span.file) else { continue };
            let replacement = json!({"deletedRegion": region(file, span), "insertedContent": {"text": text}});
            changes.entry(span.file).or_default().push(replacement);
        }
        let changes = changes.into_iter().filter_map(|(id, replacements)| {
            let file = self.report.sources.get(id)?;
            Some(json!({"artifactLocation": self.artifact(file), "replacements": replacements}))
        });
        let title = match safety {
            Safety::Safe => title.clone(),
            Safety::Unsafe => format!("{title} (look at the result)"),
        };
        json!({
            "description": {"text": title},
            "artifactChanges": changes.collect::<Vec<_>>(),
            "properties": {"safety": safety.word()},
        })
    }

    /// A digest of rule, section and line, blanks aside, and which of several such it is in the file: lines that are
    /// added or taken away elsewhere change nothing.
    fn fingerprint(&mut self, id: &str, span: &Span) -> Option<String> {
        let file = self.report.sources.get(span.file)?;
        let line = file.line(file.position(span.start).line);
        // A digest of a short secret could be guessed back.
        let line = if id.starts_with("secret-") { line.split('=').next().unwrap_or_default() } else { line };
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let section = section_above(&file.text, span.start).unwrap_or_default();
        let digest = Sha256::digest(format!("{id}\n{}\n{}", words(section), words(line)));
        let mut digits = digest.iter().fold(String::new(), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        });
        digits.truncate(FINGERPRINT_DIGITS);
        let seen = self.seen.entry((span.file, digits.clone())).or_insert(0);
        *seen += 1;
        Some(format!("{digits}:{seen}"))
    }
}

/// The last line before an offset that begins with a bracket.
fn section_above(text: &str, offset: usize) -> Option<&str> {
    let before = text.get(..offset)?;
    let start = before.rfind("\n[").map(|at| at + 1).or(before.starts_with('[').then_some(0))?;
    before.get(start..)?.lines().next()
}

fn text(message: &str, label: Option<&str>, help: &[String]) -> String {
    let lines = label.into_iter().chain(help.iter().map(String::as_str));
    lines.fold(message.to_owned(), |text, line| format!("{text}\n{line}"))
}

fn region(file: &SourceFile, span: &Span) -> Value {
    let ((start_line, start_column), (end_line, end_column)) = (place(file, span.start), place(file, span.end));
    json!({"startLine": start_line, "startColumn": start_column, "endLine": end_line, "endColumn": end_column})
}

/// Line and column from 1, the column in UTF-16 code units.
fn place(file: &SourceFile, offset: usize) -> (usize, usize) {
    let offset = offset.min(file.text.len());
    let line = file.position(offset).line;
    let before = file.text.get(file.line_start(line)..offset).unwrap_or_default();
    let units = if before.is_ascii() { before.len() } else { before.encode_utf16().count() };
    (line, units + 1)
}

/// A path as a part of a URI (RFC 3986): all but unreserved characters, `/` and `@` in percent signs.
fn encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut uri, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
        uri
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::lint_unit_texts;
    use crate::target::Target;

    fn log(unit: &str) -> Value {
        let report = lint_unit_texts(&[("folder/a b:\u{e9}@x.service", unit)], Target::parse("systemd").unwrap());
        serde_json::from_str(&render_sarif(&report, None)).unwrap()
    }

    fn first<'a>(log: &'a Value, rule: &str) -> &'a Value {
        let results = log["runs"][0]["results"].as_array().unwrap();
        results.iter().find(|result| result["ruleId"] == rule).unwrap()
    }

    #[test]
    fn columns_count_utf16_code_units_and_paths_are_encoded() {
        let log = log("[Service]\nExecStart=/usr/bin/job \u{1f514} \u{e9} %z\n");
        let place = &first(&log, "unknown-specifier")["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "folder/a%20b%3A%C3%A9@x.service");
        let region = json!({"startLine": 2, "startColumn": 29, "endLine": 2, "endColumn": 31});
        assert_eq!(place["region"], region);
    }

    #[test]
    fn a_rule_index_points_at_its_rule() {
        let log = log("[Service]\nExecStrat=/usr/bin/job\n");
        let result = first(&log, "unknown-key");
        let place = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        let rule = &log["runs"][0]["tool"]["driver"]["rules"][place];
        assert_eq!((&rule["id"], &rule["name"]), (&json!("unknown-key"), &json!("UnknownKey")));
        assert_eq!(result["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"], "ExecStart");
    }

    #[test]
    fn fingerprints_stay_when_lines_move_and_tell_the_same_line_twice_apart() {
        let prints = |unit: &str| -> Vec<String> {
            let log = log(unit);
            let results = log["runs"][0]["results"].as_array().unwrap().clone();
            let keys = results.iter().filter(|result| result["ruleId"] == "unknown-key");
            keys.map(|it| it["partialFingerprints"][FINGERPRINT].as_str().unwrap().to_owned()).collect()
        };
        let before = prints("[Service]\nExecStart=/usr/bin/job\nFoo=1\nFoo=1\n");
        let after = prints("# new\n[Service]\n\nExecStart=/usr/bin/other\nFoo = 1\nFoo=1\n");
        assert_eq!(before.len(), 2);
        assert_ne!(before[0], before[1]);
        assert_eq!(before[0], after[1]);
    }

    #[test]
    fn a_fingerprint_of_a_secret_is_the_same_for_any_secret() {
        let print = |secret: &str| {
            let log = log(&format!("[Service]\nExecStart=/usr/bin/job\nEnvironment=PASSWORD={secret}\n"));
            first(&log, "secret-in-environment")["partialFingerprints"].clone()
        };
        assert_eq!(print("hunter2"), print("correct horse"));
    }

    #[test]
    fn paths_below_the_root_are_relative() {
        let mut report = Report::default();
        let file = report.sources.add("/srv/repo/units/a.service", "x");
        report.warning("unknown-key", &Span { file, start: 0, end: 1 }, "m");
        let uri = |root| {
            let log: Value = serde_json::from_str(&render_sarif(&report, root)).unwrap();
            log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone()
        };
        assert_eq!(uri(Some("/srv/repo")), "units/a.service");
        assert_eq!(uri(Some("/srv/re")), "file:///srv/repo/units/a.service");
    }
}
