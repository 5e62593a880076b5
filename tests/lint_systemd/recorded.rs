//! What systemd 252 was seen to say of single assignments, against what we say; this needs no systemd.

use std::collections::BTreeSet;

use eightbells::diag::Severity;
use eightbells::lint::{self, Config, Files};
use eightbells::target::Target;
use serde_json::Value;

/// What systemd says and we do not, on purpose, and why.
const ONLY_SYSTEMD: [(&str, &str); 5] = [
    ("PrivateMounts=", "later versions read an empty value, and it changes nothing in any"),
    ("Personality=arm64", "which personalities there are is known on the machine only"),
    ("ExecStop=/usr", "what there is at a path is known on the machine only"),
    ("ListenStream=[::1%lo]:80", "`%l` is the machine's name"),
    ("ReadWritePaths=%t/x ~", "where a list has specifiers none of its words is looked at"),
];

/// What we call an error and systemd-analyze does not, on purpose.
const ONLY_WE: [(&str, &str); 3] = [
    ("Wants=a", "verify loads no dependencies here, and so does not look at their names; a running systemd does"),
    ("After=a.service,b.service", "the same"),
    ("ExecStart=/bin/echo %Y", "legal, and a date's format by mistake or not systemd cannot tell"),
];

fn findings(section: &str, unit: &str) -> BTreeSet<(Severity, String)> {
    let suffix = if section == "Unit" { "service".to_owned() } else { section.to_lowercase() };
    let mut files = Files::new(Some(Target::parse("systemd:252").unwrap()));
    files.add(&format!("a.{suffix}"), unit);
    if suffix != "service" {
        files.add("a.service", "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n");
    }
    let report = lint::lint(files, &Config::default());
    report
        .sorted()
        .into_iter()
        .filter(|it| it.severity != Severity::Note)
        .map(|it| (it.severity, format!("{}: {}", it.id, it.message)))
        .collect()
}

fn is_named(list: &[(&str, &str)], lines: &str) -> bool {
    list.iter().any(|(named, _)| *named == lines)
}

#[test]
fn single_assignments_are_judged_as_systemd_252_was_seen_to() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/systemd/verify_oracle_v252.json");
    let data: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (mut faults, mut both, mut clean) = (Vec::new(), 0, 0);
    for case in data["cases"].as_array().unwrap() {
        let (section, lines) = (case["section"].as_str().unwrap(), case["lines"].as_str().unwrap());
        let unit = data["units"][section].as_str().unwrap();
        let before = findings(section, unit);
        let header = format!("[{section}]\n");
        let after = findings(section, &unit.replace(&header, &format!("{header}{lines}\n")));
        let new: Vec<_> = after.difference(&before).collect();
        let said = !case["said"].as_array().unwrap().is_empty();
        let error = new.iter().any(|(severity, _)| *severity == Severity::Error);
        match (said, new.is_empty()) {
            (true, true) if !is_named(&ONLY_SYSTEMD, lines) => faults.push(format!("only systemd: {case}")),
            (false, _) if error && !is_named(&ONLY_WE, lines) => faults.push(format!("only we: {case}: {new:?}")),
            (true, _) => both += 1,
            (false, _) => clean += 1,
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(both > 350 && clean > 350, "{both} found by both, {clean} clean");
}
