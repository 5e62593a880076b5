//! The table of keys (`spec::keys`) against the decoder, and the schema that is made of it against a real validator.

use crate::support::program::{clean, eightbells};
use crate::support::{find_program, output_of, repository, said, skip, temp_dir};
use eightbells::diag::{Colour, Report, render_human};
use eightbells::spec::keys::{self, Key, Keys, Rule, Takes};
use eightbells::spec::{self, Spec};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A key that nobody has, and that resembles none.
const UNKNOWN: &str = "qqqqqqqq-unknown";
/// What is put where an inner value goes.
const HERE: &str = "@@";

/// A map of the table, and a spec in which `@@` stands where such a map does.
struct Stand {
    keys: &'static Keys,
    around: String,
}

/// Every map once, where the table has it first.
fn stands() -> Vec<Stand> {
    let mut stands = vec![];
    let mut seen = BTreeSet::new();
    below(&keys::SPEC, HERE, &mut seen, &mut stands);
    let value = "{version: 1, etcd: {endpoints: [\"http://127.0.0.1\"]}, destinations: {host: {s3: {bucket: @@}}}, \
                 jobs: {a: {schedule: {every: 4h}, sources: {f: {paths: [/a]}}, store: [host]}}}";
    below(&keys::REFERENCE, value, &mut seen, &mut stands);
    stands
}

fn below(keys: &'static Keys, around: &str, seen: &mut BTreeSet<&'static str>, stands: &mut Vec<Stand>) {
    if !seen.insert(keys.title) {
        return;
    }
    stands.push(Stand { keys, around: around.to_owned() });
    for key in keys.keys {
        for (inside, inner) in holders(&key.takes) {
            let whole = map(keys, Some(key), &[(key.name, &inside)]);
            below(inner, &around.replace(HERE, &whole), seen, stands);
        }
    }
}

/// How maps of ours stand in a value.
fn holders(takes: &'static Takes) -> Vec<(String, &'static Keys)> {
    let inside = |before: &str, inner, after: &str| {
        holders(inner).into_iter().map(|(text, keys)| (format!("{before}{text}{after}"), keys)).collect()
    };
    match takes {
        Takes::Map(keys) => vec![(HERE.to_owned(), keys)],
        Takes::Named(_, _, inner) => inside("{host: ", inner, "}"),
        Takes::List(_, inner) | Takes::Several(_, inner) => inside("[", inner, "]"),
        Takes::Any(forms) => forms.iter().flat_map(holders).collect(),
        _ => vec![],
    }
}

/// The least of a map's keys with which one of them means something.
fn least(keys: &'static Keys, about: Option<&'static Key>) -> Vec<&'static Key> {
    let mut set: Vec<&Key> = about.into_iter().chain(keys.keys.iter().filter(|key| key.needed)).collect();
    let named = |name: &str| {
        keys.keys.iter().find(|key| key.name == name).unwrap_or_else(|| panic!("{}: no `{name}`", keys.title))
    };
    loop {
        let any = |names: &[&str]| set.iter().any(|key| names.contains(&key.name));
        let of_rules = keys.rules.iter().find_map(|rule| match rule {
            Rule::OneOf(names) | Rule::Some(names) if !any(names) => Some(names[0]),
            Rule::Needs(key, others) if any(&[key]) && !any(others) => Some(others[0]),
            _ => None,
        });
        let of_keys = set.iter().find(|key| !key.with.is_empty() && !any(key.with)).map(|key| key.with[0]);
        match of_keys.or(of_rules) {
            Some(name) => set.push(named(name)),
            None => break,
        }
    }
    set.dedup_by_key(|key| key.name);
    let mut seen = BTreeSet::new();
    set.retain(|key| seen.insert(key.name));
    set
}

/// That as flow YAML, each key with its example, or with what is given for it.
fn map(keys: &'static Keys, about: Option<&'static Key>, given: &[(&str, &str)]) -> String {
    let value = |key: &Key| given.iter().find(|(name, _)| *name == key.name).map_or(key.example, |(_, value)| value);
    let mut entries: Vec<String> =
        least(keys, about).iter().map(|key| format!("{}: {}", key.name, value(key))).collect();
    let more = given.iter().filter(|(name, _)| !keys.keys.iter().any(|key| key.name == *name));
    entries.extend(more.map(|(name, value)| format!("{name}: {value}")));
    if keys.title == "spec" && !entries.iter().any(|entry| entry.starts_with("etcd: ")) {
        entries.push("etcd: {endpoints: [\"http://127.0.0.1:2379\"]}".to_owned());
    }
    format!("{{{}}}", entries.join(", "))
}

impl Stand {
    /// A spec with this map in it: the least with one key, some of them given.
    fn spec(&self, about: Option<&'static Key>, given: &[(&str, &str)]) -> String {
        self.around.replace(HERE, &map(self.keys, about, given)) + "\n"
    }
}

fn load(text: &str) -> (Option<Spec>, Report) {
    let read = |path: &str| Ok(if path == "a.yaml" { text.as_bytes().to_vec() } else { b"version: 1\n".to_vec() });
    spec::load("a.yaml", &read)
}

fn told(report: &Report) -> String {
    render_human(report, Colour::Never)
}

/// What the decoder says that it knows where a map is.
fn known(text: &str) -> BTreeSet<String> {
    let (_, report) = load(text);
    let unknown = format!("`{UNKNOWN}` is ");
    let all = report.sorted();
    let found = all
        .iter()
        .find(|found| matches!(found.id, "unknown-key" | "section-unknown") && found.message.starts_with(&unknown));
    let Some(help) = found.and_then(|found| found.help.iter().find_map(|help| help.strip_prefix("there are "))) else {
        panic!("the decoder takes anything, or never comes here: {text}\n{}", told(&report));
    };
    help.split(", ").map(str::to_owned).collect()
}

/// Keys that are taken out before the decoder sees their map.
const TAKEN_BEFORE: [&str; 1] = ["include"];

#[test]
fn the_table_and_the_decoder_know_the_same_keys() {
    let mut wrong = vec![];
    for stand in stands() {
        let names: BTreeSet<String> = stand.keys.keys.iter().map(|key| key.name.to_owned()).collect();
        let mut union: BTreeSet<String> = TAKEN_BEFORE.map(str::to_owned).into();
        union.retain(|name| names.contains(name));
        for key in stand.keys.keys {
            let known = known(&stand.spec(Some(key), &[(UNKNOWN, "1")]));
            let own = known.contains(key.name) || TAKEN_BEFORE.contains(&key.name);
            if !own {
                wrong.push(format!(
                    "{}: the decoder does not know `{}` with {:?}",
                    stand.keys.title, key.name, key.with
                ));
            }
            union.extend(known);
        }
        if union != names {
            wrong.push(format!(
                "{}: only the decoder has {:?}, only the table {:?}",
                stand.keys.title,
                union.difference(&names).collect::<Vec<_>>(),
                names.difference(&union).collect::<Vec<_>>()
            ));
        }
    }
    assert!(wrong.is_empty(), "see src/spec/keys: {wrong:#?}");
}

#[test]
fn every_example_of_the_table_is_taken() {
    let mut count = 0;
    for stand in stands() {
        for key in stand.keys.keys {
            let text = stand.spec(Some(key), &[]);
            let (_, report) = load(&text);
            assert!(!report.has_errors(), "{}.{}: {text}{}", stand.keys.title, key.name, told(&report));
            count += 1;
        }
    }
    assert!(count > 200, "{count}");
}

/// A spec fully resolved, without where its values come from.
fn resolved(text: &str) -> String {
    let (spec, report) = load(text);
    let spec = spec.unwrap_or_else(|| panic!("{text}{}", told(&report)));
    let shown = spec::show(&spec, &report.sources, None);
    shown.lines().map(|line| line.split("  # ").next().unwrap_or_default().to_owned() + "\n").collect()
}

#[test]
fn a_default_of_the_table_is_the_decoders() {
    for stand in stands() {
        for key in stand.keys.keys {
            let Some(default) = key.default else { continue };
            let mut without = least(stand.keys, Some(key));
            without.retain(|other| other.name != key.name);
            let entries: Vec<String> = without.iter().map(|key| format!("{}: {}", key.name, key.example)).collect();
            let mut bare = entries.join(", ");
            if stand.keys.title == "spec" {
                bare += ", etcd: {endpoints: [\"http://127.0.0.1:2379\"]}";
            }
            let bare = resolved(&(stand.around.replace(HERE, &format!("{{{bare}}}")) + "\n"));
            let said = resolved(&stand.spec(Some(key), &[(key.name, default)]));
            assert_eq!(bare, said, "{}.{}: {default} is not the default", stand.keys.title, key.name);
        }
    }
}

/// Values of a kind, and some that it has not.
fn good_and_bad(takes: &Takes) -> (Vec<String>, Vec<String>) {
    match takes {
        Takes::Whole(least, most) => (
            vec![least.to_string(), most.to_string()],
            vec![(least - 1).to_string(), (most + 1).to_string(), "some".into(), "1.5".into(), "[1]".into()],
        ),
        Takes::Switch => (vec!["true".into(), "false".into()], vec!["\"yes\"".into(), "1".into(), "{}".into()]),
        Takes::Words(words) => {
            (words.iter().map(|word| (*word).to_owned()).collect(), vec!["qqqqq".into(), "[]".into()])
        }
        Takes::Secret => (vec!["{env: A}".into()], vec!["secret".into(), "{env: A, file: /a}".into(), "{}".into()]),
        Takes::Text(keys::Shape::Duration) => (
            ["1h 30m", "90min", "2 days", "1w"].map(str::to_owned).into(),
            ["4", "4x", "h", "\"\""].map(str::to_owned).into(),
        ),
        Takes::Text(keys::Shape::Size) => {
            (["1MiB", "100 MB"].map(str::to_owned).into(), ["4", "4 XB", "MiB"].map(str::to_owned).into())
        }
        Takes::Text(keys::Shape::Rate) => {
            (["1MiB/s", "100 Mbit/s"].map(str::to_owned).into(), ["4", "4MiB", "4Mbps"].map(str::to_owned).into())
        }
        Takes::Text(keys::Shape::Path) => (vec!["/a b/c".into()], vec!["a/b".into(), "[/a]".into(), "true".into()]),
        _ => (vec![], vec![]),
    }
}

#[test]
fn kinds_and_bounds_of_the_table_are_the_decoders() {
    let mut tried = 0;
    for stand in stands() {
        for key in stand.keys.keys {
            let (good, bad) = good_and_bad(&key.takes);
            for value in &good {
                let text = stand.spec(Some(key), &[(key.name, value)]);
                let (_, report) = load(&text);
                assert!(!report.has_errors(), "{}.{}: {value}: {}", stand.keys.title, key.name, told(&report));
            }
            for value in &bad {
                let (_, report) = load(&stand.spec(Some(key), &[(key.name, value)]));
                assert!(report.has_errors(), "{}.{} takes {value}", stand.keys.title, key.name);
            }
            tried += good.len() + bad.len();
        }
    }
    assert!(tried > 300, "{tried}");
}

/// Where `tests/install lint` put check-jsonschema.
fn validator() -> Option<PathBuf> {
    let given = std::env::var_os("EIGHTBELLS_TOOLS").map(PathBuf::from);
    let places = given.into_iter().chain([repository().join("target/tools")]).map(|dir| dir.join("lint/python"));
    let found = places.into_iter().find(|dir| dir.join("check_jsonschema").is_dir());
    if found.is_none() {
        skip("no check-jsonschema: `tests/install lint` fetches it");
    }
    found
}

/// Which of some files a validator refuses, each with its first words.
fn refused(python: &Path, schema: &Path, files: &[PathBuf]) -> BTreeMap<String, String> {
    let mut command: Command = clean(&find_program("python3").unwrap());
    command.env("PYTHONPATH", python).args(["-m", "check_jsonschema", "-o", "json", "--schemafile"]).arg(schema);
    let output = command.args(files).output().unwrap();
    let told: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    let name = |fault: &serde_json::Value| {
        Path::new(fault["filename"].as_str().unwrap()).file_name().unwrap().to_str().unwrap().to_owned()
    };
    let faults = told["errors"].as_array().unwrap().iter();
    let mut refused: BTreeMap<String, String> =
        faults.map(|fault| (name(fault), format!("{}: {}", fault["path"], fault["message"]))).collect();
    for fault in told["parse_errors"].as_array().into_iter().flatten() {
        refused.insert(name(fault), format!("no YAML: {}", fault["message"]));
    }
    refused
}

fn schema_in(folder: &Path, args: &[&str]) -> PathBuf {
    let file = folder.join(format!("schema{}.json", args.concat()));
    std::fs::write(&file, output_of(eightbells().arg("schema").args(args))).unwrap();
    file
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    files
}

#[test]
fn the_schema_takes_every_good_spec() {
    let Some(python) = validator() else { return };
    let room = temp_dir();
    let schema = schema_in(room.path(), &[]);
    let mut files = [yaml_files("examples"), yaml_files("tests/specs")].concat();
    let mut number = 0;
    for stand in stands() {
        for key in stand.keys.keys {
            let (good, _) = good_and_bad(&key.takes);
            for value in good.iter().map(String::as_str).chain([key.example]).chain(key.default) {
                let file = room.path().join(format!("{number}-{}.{}.yaml", stand.keys.title, key.name));
                std::fs::write(&file, stand.spec(Some(key), &[(key.name, value)])).unwrap();
                files.push(file);
                number += 1;
            }
        }
    }
    assert_eq!(refused(&python, &schema, &files), BTreeMap::new());
    assert!(files.len() > 500, "{}", files.len());
}

#[test]
fn the_schema_refuses_what_the_decoder_refuses_of_kinds_and_bounds() {
    let Some(python) = validator() else { return };
    let room = temp_dir();
    let schema = schema_in(room.path(), &[]);
    let mut files = vec![];
    for stand in stands() {
        for key in stand.keys.keys {
            let (_, bad) = good_and_bad(&key.takes);
            for value in bad.iter().map(String::as_str) {
                let file = room.path().join(format!("{}-{}.{}.yaml", files.len(), stand.keys.title, key.name));
                std::fs::write(&file, stand.spec(Some(key), &[(key.name, value)])).unwrap();
                files.push(file);
            }
        }
        let file = room.path().join(format!("{}-{}.yaml", files.len(), stand.keys.title));
        std::fs::write(&file, stand.spec(stand.keys.keys.first(), &[(UNKNOWN, "1")])).unwrap();
        files.push(file);
    }
    let refused = refused(&python, &schema, &files);
    let taken: Vec<&PathBuf> =
        files.iter().filter(|file| !refused.contains_key(file.file_name().unwrap().to_str().unwrap())).collect();
    assert!(taken.is_empty(), "{taken:#?}");
}

/// Bad specs with an error that no schema can see: texts with a grammar of their own, names that refer to something, and
/// what only holds of several values. What is warned of is no fault to a schema.
const UNSEEN: [&str; 9] = [
    "archive-names.yaml",
    "archives-clash-by-host.yaml",
    "archives-clash.yaml",
    "calendar.yaml",
    "include-twice.yaml",
    "instance-without-instances.yaml",
    "instances.yaml",
    "leading-zeros.yaml",
    "specifiers-by-habit.yaml",
];
/// On these the validator's reader of YAML takes all memory that there is.
const UNTRIED: [&str; 2] = ["alias-bomb.yaml", "alias-in-itself.yaml"];

#[test]
fn the_schema_refuses_every_bad_spec_whose_fault_it_can_see() {
    let Some(python) = validator() else { return };
    let room = temp_dir();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut files = yaml_files("tests/bad_specs");
    files.retain(|file| !UNTRIED.contains(&name(file).as_str()));
    files.retain(|file| spec::load(file.to_str().unwrap(), &spec::read_file).1.has_errors());
    let refused = refused(&python, &schema_in(room.path(), &[]), &files);
    let taken: Vec<String> = files.iter().map(name).filter(|name| !refused.contains_key(name)).collect();
    assert_eq!(taken, UNSEEN, "a new bad spec is seen by the schema, or its error is one that none can see");
    let by_schema = refused.values().filter(|told| !told.starts_with("no YAML: ")).count();
    assert!(by_schema >= 40, "{by_schema} of {}", files.len());
}

#[test]
fn the_schema_in_the_repository_is_what_the_program_prints() {
    let file = repository().join("docs/spec.schema.json");
    let printed = output_of(eightbells().arg("schema"));
    assert!(
        std::fs::read_to_string(file).unwrap() == printed,
        "write it anew: `cargo run -q --bin eightbells -- schema >docs/spec.schema.json`"
    );
    for file in yaml_files("examples") {
        let text = std::fs::read_to_string(&file).unwrap();
        let line = "# yaml-language-server: $schema=../docs/spec.schema.json\nversion: 1\n";
        assert!(text.contains(line), "{}: editors do not know its schema", file.display());
    }
}

#[test]
fn the_pages_in_docs_are_what_explain_prints() {
    for (page, file) in [("spec", "docs/spec.md"), ("findings", "docs/findings.md")] {
        let printed = output_of(eightbells().args(["explain", &format!("--markdown={page}")]));
        let there = std::fs::read_to_string(repository().join(file)).unwrap_or_default();
        assert!(there == printed, "{file} is old: `eightbells explain --markdown={page} >{file}` writes it");
    }
}

fn explained(what: &str) -> String {
    output_of(eightbells().args(["explain", what]))
}

#[test]
fn a_key_is_explained_by_its_route_or_by_the_end_of_it() {
    let page = explained("jobs.*.archive.compression");
    assert!(page.starts_with("jobs.*.archive.compression: how archives are packed"), "{page}");
    assert!(page.contains("default    zstd") && page.contains("`zstd`, `gzip` or `none`; or a map"), "{page}");
    for other in ["archive.compression", "compression", "defaults.archive.compression", "jobs.wiki.archive.compression"]
    {
        assert_eq!(explained(other), page, "{other}");
    }
    let several = explained("password");
    assert!(several.contains("destinations.*.webdav.password") && several.contains("jobs.*.sources.*.redis.password"));
    assert!(explained("hooks.before").starts_with("jobs.*.sources.*.hooks.before"), "{}", explained("hooks.before"));
}

#[test]
fn findings_and_exit_codes_are_explained_and_everything_is_listed() {
    let both = explained("duplicate-key");
    assert!(both.matches("duplicate-key (").count() == 2, "the rule's and the spec's: {both}");
    assert!(explained("schedule-invalid").contains("Mon..Fri 02:30"));
    assert!(explained("exit-3").starts_with("exit-3: partly done"));
    assert!(explained("exit-codes").contains("exit-75"));
    let list = output_of(eightbells().args(["explain", "--list"]));
    assert_eq!(list, output_of(eightbells().arg("explain")));
    for what in ["timer-never-fires", "schedule-invalid", "jobs.*.store[].keep.within", "REFERENCE.file", "exit-78"] {
        assert!(list.lines().any(|line| line.split_whitespace().next() == Some(what)), "{what}: {list}");
    }
    for (wrong, right) in [
        ("archive.compresion", "archive.compression"),
        ("shedule-invalid", "schedule-invalid"),
        ("timer-never-fire", "timer-never-fires"),
        ("exit-code", "exit-codes"),
    ] {
        let output = eightbells().args(["explain", wrong]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        assert!(said(&output).contains(&format!("did you mean `{right}`?")), "{wrong}: {}", said(&output));
    }
}

#[test]
fn a_file_that_is_included_needs_nothing_of_a_whole_spec() {
    let Some(python) = validator() else { return };
    let room = temp_dir();
    let file = room.path().join("more.yaml");
    std::fs::write(&file, "jobs:\n  hosts: {schedule: {every: 1h}}\n").unwrap();
    let files = [file.clone()];
    assert_eq!(refused(&python, &schema_in(room.path(), &["--included"]), &files), BTreeMap::new());
    assert_eq!(refused(&python, &schema_in(room.path(), &[]), &files).len(), 1);
    std::fs::write(&file, "jobs:\n  hosts: {schedul: {every: 1h}}\n").unwrap();
    assert_eq!(refused(&python, &schema_in(room.path(), &["--included"]), &files).len(), 1);
}
