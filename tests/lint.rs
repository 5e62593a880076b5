//! The linter: its fixtures, the well-known unit, what fleet makes of `[X-Fleet]`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use eightbells::diag::{Report, Safety, Severity};
use eightbells::lint::fleet::{
    Agent, Machine, Options, Release, Verdict, expand, glob_matches, is_known_key, is_truthy,
};
use eightbells::lint::{self, Config, Files, Fixed, Level};
use eightbells::plan::{self, Options as PlanOptions};
use eightbells::render::render;
use eightbells::spec;
use eightbells::target::Target;
use eightbells::unit::{Dialect, UnitFile};
use serde_json::Value;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn fixtures() -> PathBuf {
    repository().join("tests/lint")
}

/// What is found, as rule, file and line.
fn found(report: &Report) -> Vec<(&'static str, String, usize)> {
    let place = |d: &eightbells::diag::Diagnostic| {
        let span = d.span.as_ref()?;
        let file = report.sources.get(span.file)?;
        Some((d.id, file.name.clone(), file.position(span.start).line))
    };
    report.sorted().into_iter().filter_map(place).collect()
}

fn add(files: &mut Files, root: &Path, path: &Path) {
    if path.is_dir() {
        let mut inner: Vec<PathBuf> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        inner.sort();
        for path in &inner {
            add(files, root, path);
        }
    } else {
        files.add(&path.strip_prefix(root).unwrap().to_string_lossy(), std::fs::read(path).unwrap());
    }
}

/// The report of the files of a rule's folder whose names begin with `good` or `bad`; a file `max-exposure` says what
/// is allowed.
fn report_of(folder: &Path, kind: &str) -> Report {
    let most = std::fs::read_to_string(folder.join("max-exposure")).ok();
    let exposure_max = most.map(|it| lint::exposure::Score::parse(it.trim()).unwrap());
    lint::lint(files_of(folder, kind), &Config { exposure_max, ..Config::default() })
}

/// The files of a rule's folder whose names begin with `good` or `bad`; a file `target` says what for.
fn files_of(folder: &Path, kind: &str) -> Files {
    let target = std::fs::read_to_string(folder.join("target")).ok().map(|it| Target::parse(it.trim()).unwrap());
    let mut files = Files::new(target);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with(kind));
    paths.sort();
    for path in &paths {
        add(&mut files, folder, path);
    }
    assert!(!files.is_empty(), "{} has no file that begins with `{kind}`", folder.display());
    files
}

#[test]
fn every_rule_finds_its_bad_fixture_and_leaves_the_good_one_alone() {
    let mut faults = Vec::new();
    for rule in lint::all() {
        let folder = fixtures().join(rule.id);
        if !folder.is_dir() {
            faults.push(format!("{}: no folder", rule.id));
            continue;
        }
        let bad = found(&report_of(&folder, "bad"));
        if !bad.iter().any(|it| it.0 == rule.id) {
            faults.push(format!("{}: not found in bad*, but {bad:?}", rule.id));
        }
        let good = found(&report_of(&folder, "good"));
        if good.iter().any(|it| it.0 == rule.id) {
            faults.push(format!("{}: found in good*: {good:?}", rule.id));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

fn count(report: &Report, severity: Severity) -> usize {
    report.sorted().iter().filter(|d| d.severity == severity).count()
}

fn of_rule<'r>(report: &'r Report, rule: &lint::Rule) -> Vec<&'r eightbells::diag::Diagnostic> {
    report.sorted().into_iter().filter(|d| d.id == rule.id).collect()
}

/// The changes as a diff, and what is left of the rule's own findings.
fn shown(fixed: &Fixed) -> String {
    let diffs = fixed.files.iter().map(|it| lint::unified_diff(&it.path, &it.before, &it.after));
    let diffs: Vec<u8> = diffs.flatten().collect();
    String::from_utf8_lossy(&diffs).replace('\r', "\\r").replace('\u{feff}', "<BOM>")
}

#[test]
fn every_fix_takes_its_finding_away_and_makes_nothing_worse() {
    let mut faults = Vec::new();
    for rule in lint::all() {
        let folder = fixtures().join(rule.id);
        let before = report_of(&folder, "bad");
        let offered: Vec<_> = of_rule(&before, rule).iter().filter_map(|d| d.fix.clone()).collect();
        if let Some(fix) = offered.iter().find(|fix| !rule.fix.offers(fix.safety)) {
            faults.push(format!("{}: its row does not say that it has a fix that is {}", rule.id, fix.safety.word()));
        }
        for safety in [Safety::Safe, Safety::Unsafe] {
            if rule.fix.offers(safety) && !offered.iter().any(|fix| fix.safety == safety) {
                faults.push(format!("{}: no finding in bad* has a fix that is {}", rule.id, safety.word()));
            }
        }
        if offered.is_empty() {
            continue;
        }
        let only = |most| {
            let others = lint::all().filter(|other| other.id != rule.id);
            let levels = others.map(|other| (other.id.to_owned(), Level::Off)).collect();
            lint::fix(files_of(&folder, "bad"), &Config { levels, ..Config::default() }, most)
        };
        insta::assert_snapshot!(format!("fix-{}", rule.id), shown(&only(Safety::Unsafe)));
        let fixed = lint::fix(files_of(&folder, "bad"), &Config::default(), Safety::Unsafe);
        let left = of_rule(&fixed.left, rule);
        if let Some(still) = left.iter().find(|d| d.fix.is_some()) {
            faults.push(format!("{}: still there with a fix: {}", rule.id, still.message));
        }
        if fixed.made.get(rule.id).is_none_or(|made| left.len() + made > of_rule(&before, rule).len()) {
            faults.push(format!("{}: {:?} made, {} left", rule.id, fixed.made, left.len()));
        }
        if count(&fixed.left, Severity::Error) > count(&before, Severity::Error) {
            faults.push(format!("{}: more errors than before", rule.id));
        }
        let mut again = files_of(&folder, "bad");
        fixed.files.iter().for_each(|it| again.rewrite(&it.path, it.after.clone()));
        if !lint::fix(again, &Config::default(), Safety::Unsafe).files.is_empty() {
            faults.push(format!("{}: fixing again changes something", rule.id));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// All bad fixtures, each by the path that it has in `tests/lint`.
fn bad_texts() -> Vec<(String, Vec<u8>)> {
    let mut texts = Vec::new();
    for folder in std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()) {
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_file() && name.starts_with("bad") && name.contains('.') {
                texts.push((name, std::fs::read(path).unwrap()));
            }
        }
    }
    texts.sort();
    texts
}

fn files(texts: &[(String, Vec<u8>)], target: &str) -> Files {
    let mut files = Files::new(Some(Target::parse(target).unwrap()));
    for (place, (name, text)) in texts.iter().enumerate() {
        files.add(&format!("{place}/{name}"), text.clone());
    }
    files
}

/// A text that a hand or a script has spoilt: lines of another one put in, ends of lines changed, bytes lost.
fn spoilt(text: &[u8], other: &[u8], random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = text.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    for line in other.split_inclusive(|b| *b == b'\n').take(60) {
        if random(3) == 0 {
            lines.insert(random(lines.len() + 1), line.to_vec());
        }
    }
    let mut all = lines.concat();
    for _ in 0..random(3) {
        if !all.is_empty() {
            all.remove(random(all.len()));
        }
    }
    match random(4) {
        0 => all = String::from_utf8_lossy(&all).replace('\n', "\r\n").into_bytes(),
        1 => all.truncate(all.trim_ascii_end().len()),
        2 => all.insert(random(all.len() + 1), 0xe9),
        _ => {}
    }
    all
}

#[test]
fn fixes_make_no_spoilt_unit_worse_and_a_second_time_change_nothing() {
    let texts = bad_texts();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    let mut changed = 0;
    for round in 0..60 {
        let target = ["systemd:252", "systemd:215", "fleet:215"][round % 3];
        let few: Vec<(String, Vec<u8>)> = (0..4)
            .map(|_| {
                let ((name, text), (_, other)) = (&texts[random(texts.len())], &texts[random(texts.len())]);
                (name.clone(), spoilt(text, other, &mut random))
            })
            .collect();
        let before = lint::lint(files(&few, target), &Config::default());
        let fixed = lint::fix(files(&few, target), &Config::default(), Safety::Unsafe);
        let errors = |report: &Report| count(report, Severity::Error);
        assert!(errors(&fixed.left) <= errors(&before), "{few:?}");
        assert_eq!(fixed.files.is_empty(), fixed.made.is_empty());
        let mut after = few.clone();
        for it in &fixed.files {
            assert_eq!(it.before, few[it.place].1);
            after[it.place].1.clone_from(&it.after);
        }
        let again = lint::fix(files(&after, target), &Config::default(), Safety::Unsafe);
        assert!(again.files.is_empty(), "{after:?}");
        changed += fixed.files.len();
    }
    assert!(changed > 60, "{changed}");
}

#[test]
fn every_fixture_belongs_to_a_rule() {
    for entry in std::fs::read_dir(fixtures()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(name == "article" || lint::find(&name).is_some(), "tests/lint/{name} is no rule's");
    }
}

#[test]
fn every_rule_has_a_page_and_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    for rule in lint::all() {
        assert!(names.insert(rule.id), "{} is there twice", rule.id);
        assert!(rule.page.len() > 80, "{}: {}", rule.id, rule.page);
        assert!(!rule.source.is_empty() && !rule.summary.is_empty(), "{}", rule.id);
    }
    assert!(names.len() >= 60, "{} rules", names.len());
}

#[test]
fn every_fault_of_the_well_known_unit_is_found_at_its_line() {
    let mut files = Files::new(None);
    add(&mut files, &fixtures().join("article"), &fixtures().join("article"));
    let told = found(&lint::lint(files, &Config::default()));
    let (service, timer) = ("moinmoin-backup@.service", "moinmoin-backup@.timer");
    for (rule, file, line) in [
        ("timer-never-fires", timer, 5),
        ("substitution-in-environment", service, 10),
        ("substitution-in-environment", service, 11),
        ("substitution-in-environment", service, 12),
        ("substitution-repeated", service, 17),
        ("continuation-splits-word", service, 20),
        ("fleet-requires-elsewhere", service, 4),
        ("unknown-escape", service, 29),
        ("secret-on-command-line", service, 24),
        ("secret-on-command-line", service, 25),
        ("fleet-install", service, 32),
        ("fleet-install", timer, 8),
        ("destructive-sync", service, 26),
    ] {
        assert!(told.contains(&(rule, file.to_owned(), line)), "{rule} at {file}:{line} is not among {told:#?}");
    }
}

#[test]
fn an_allowance_takes_a_finding_back_where_it_stands_and_nowhere_else() {
    let unit = |comment: &str| format!("[Timer]\n{comment}\nOnUnitActiveSec=4h\nUnit=a.service\n");
    let told = |comment: &str| {
        let service = ("a.service", "[Service]\nExecStart=/bin/true\n");
        let report = lint::lint_unit_texts(&[("a.timer", &unit(comment)), service], Target::parse("systemd").unwrap());
        found(&report).into_iter().map(|it| it.0).collect::<Vec<_>>()
    };
    assert_eq!(told("# a comment"), ["timer-never-fires"]);
    assert!(told("# eightbells: allow timer-never-fires started by hand once").is_empty());
    assert!(told("; eightbells: allow-file timer-never-fires started by hand once").is_empty());
    assert_eq!(told("# eightbells: allow timer-never-fires"), ["allow-without-reason"]);
    assert_eq!(told("# eightbells: allow unknown-key why"), ["allow-unused", "timer-never-fires"]);
    assert_eq!(told("# eightbells: allow timer-never-fire why"), ["allow-unknown-rule", "timer-never-fires"]);
}

#[test]
fn a_drop_in_counts_as_a_part_of_its_unit() {
    let mut files = Files::new(Some(Target::parse("systemd").unwrap()));
    files.add("units/a.service", "[Service]\nType=oneshot\nExecStart=/bin/a\nTimeoutStartSec=1h\n");
    files.add("units/a.service.d/10-more.conf", "[Service]\nRestart=always\nTypo=1\n");
    files.add("other/a.service.d/10-more.conf", "[Service]\nRestart=always\n");
    let told = found(&lint::lint(files, &Config::default()));
    let in_drop_in = "units/a.service.d/10-more.conf".to_owned();
    assert_eq!(told, [("oneshot-restart", in_drop_in.clone(), 2), ("unknown-key", in_drop_in, 3)]);
}

#[test]
fn hostile_text_is_read_in_time_and_without_a_panic() {
    let target = Target::parse("fleet:215").unwrap();
    let pieces = [
        "[Service]\nExecStart=",
        "\\\n",
        "${",
        "%",
        "\"",
        "a=b ",
        "[X-Fleet]\nConflicts=*[",
        "\u{fffd}",
        "$(",
        "|",
        "\r",
        "[Timer]\nOnCalendar=1,",
        "Environment=X=`",
        "://:@",
        "ExecStart=/bin/sh -c '",
        "Requires=a@%i.service ",
        "\nFoo=1",
        "\nUser=a",
        "%Y",
        "${A}",
        " ; ",
        "a\\\nb",
    ];
    for piece in pieces {
        let text = format!("[Service]\nExecStart=/bin/sh {}", piece.repeat(300_000 / piece.len()));
        let before = std::time::Instant::now();
        let report = lint::lint_unit_texts(&[("a@b.service", &text)], target);
        assert!(report.sorted().len() < 10_000, "{piece:?} repeated");
        let seconds = before.elapsed().as_secs();
        assert!(seconds < 20, "{piece:?} repeated takes {seconds} s in a debug build");
    }
}

#[test]
fn what_is_generated_from_the_examples_has_no_finding_at_all() {
    let mut linted = 0;
    for entry in std::fs::read_dir(repository().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "yaml") {
            continue;
        }
        for target in ["fleet:215", "systemd:215", "systemd:229", "systemd:247", "systemd:252", "systemd:255"] {
            let target = Target::parse(target).unwrap();
            let (spec, _) = spec::load(&path.to_string_lossy(), &spec::read_file);
            let (spec, options) = (spec.unwrap(), PlanOptions { target, every: None });
            let mut refused = Report::default();
            plan::check(&spec, options, &mut refused);
            if refused.has_errors() {
                continue;
            }
            let files = render(&plan::plan(&spec, options)).unwrap();
            let texts: Vec<(&str, &str)> = files.iter().map(|file| (file.name.as_str(), file.text.as_str())).collect();
            let report = lint::lint_unit_texts(&texts, target);
            assert!(report.is_clean(), "{} for {target}: {:#?}", path.display(), found(&report));
            linted += texts.len();
        }
    }
    assert!(linted > 30, "{linted}");
}

#[test]
fn the_installed_units_of_this_machine_have_no_error() {
    let folder = Path::new("/usr/lib/systemd/system");
    if !folder.is_dir() {
        return;
    }
    let mut files = Files::new(None);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if std::fs::symlink_metadata(&path).unwrap().is_file() {
            add(&mut files, folder, &path);
        }
    }
    let report = lint::lint(files, &Config::default());
    let errors: Vec<_> = report.sorted().into_iter().filter(|d| d.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn services_are_as_exposed_as_systemd_252_was_seen_to_say() {
    let path = repository().join("tests/conformance/systemd/exposure_oracle_v252.json");
    let data: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = data["cases"].as_array().unwrap();
    assert!(cases.len() > 100, "{}", cases.len());
    for case in cases {
        let target = format!("systemd:252:{}", case["scope"].as_str().unwrap());
        let mut files = Files::new(Some(Target::parse(&target).unwrap()));
        files.add("a.service", case["text"].as_str().unwrap());
        let assessed = lint::exposure::assess(&files.units()[0]).unwrap();
        assert_eq!(assessed.score.to_string(), case["score"], "{case}");
        assert_eq!(assessed.level.word(), case["level"], "{case}");
    }
}

#[test]
fn a_gain_is_what_its_lines_really_gain() {
    let assess = |text: &str| {
        let mut files = Files::new(Some(Target::parse("systemd:252").unwrap()));
        files.add("a.service", text);
        lint::exposure::assess(&files.units()[0]).unwrap()
    };
    let bare = "[Service]\nExecStart=/bin/true\nSystemCallFilter=~@swap\nProtectHome=tmpfs\n";
    let before = assess(bare);
    assert!(before.gains.len() > 20, "{:?}", before.gains);
    for gain in &before.gains {
        let after = assess(&format!("{bare}{}\n", gain.lines.join("\n")));
        let gained = (before.score.tenths - after.score.tenths) * 10;
        assert!(gained.abs_diff(gain.hundredths) <= 10, "{gain} gained {gained} hundredths");
    }
    let old = |target: &str| {
        let mut files = Files::new(Some(Target::parse(target).unwrap()));
        files.add("a.service", bare);
        lint::exposure::assess(&files.units()[0]).unwrap().gains
    };
    assert!(!old("systemd:215").iter().any(|gain| gain.lines[0].starts_with("ProtectSystem=strict")));
}

fn rows(file: &str) -> Value {
    let path = repository().join("tests/conformance/fleet").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

fn metadata(value: &Value) -> BTreeMap<String, BTreeSet<String>> {
    value.as_object().unwrap().iter().map(|(key, values)| (key.clone(), list(values).into_iter().collect())).collect()
}

fn read(case: &Value) -> Options {
    Options::of(&UnitFile::parse(case["input"].as_str().unwrap_or_default(), Dialect::Fleet))
}

fn pairs(options: &Value) -> Options {
    let rows = options.as_array().unwrap();
    let fleets = rows.iter().filter(|row| row[0] == "X-Fleet");
    Options::new(fleets.map(|row| (row[1].as_str().unwrap(), row[2].as_str().unwrap())))
}

#[test]
fn x_fleet_is_read_as_fleet_reads_it() {
    for group in rows("x-fleet-options.json")["groups"].as_array().unwrap() {
        let function = group["function"].as_str().unwrap();
        for case in group["cases"].as_array().unwrap() {
            let name = case["unit_name"].as_str().unwrap_or("a.service");
            let (written, options) = (read(case), read(case).expanded(name));
            let (v1, expected) = (Release::V1, &case["expected"]);
            match function {
                "Job.Peers (MachineOf)" => assert_eq!(options.peers(), list(expected), "{case}"),
                "Job.Conflicts" => assert_eq!(options.conflicts(v1), list(expected), "{case}"),
                "Job.Replaces" => assert_eq!(options.replaces(), list(expected), "{case}"),
                "Job.requirements" | "Job.requirements (specifiers)" => {
                    let expected: BTreeMap<String, Vec<String>> =
                        expected.as_object().unwrap().iter().map(|(key, values)| (key.clone(), list(values))).collect();
                    assert_eq!(options.requirements, expected, "{case}");
                }
                "Job.RequiredTarget (MachineID)" => {
                    assert_eq!(options.machine_id().unwrap_or_default(), expected["machine_id"], "{case}");
                    assert_eq!(options.machine_id().is_some(), expected["present"], "{case}");
                }
                "Unit.IsGlobal" => assert_eq!(written.is_global(v1), *expected, "{case}"),
                "isTruthyValue" => assert_eq!(is_truthy(case["input"].as_str().unwrap(), v1), *expected, "{case}"),
                "unitPrintf" => assert_eq!(expand(case["input"].as_str().unwrap(), name), *expected, "{case}"),
                // A state of fleet's registry; no unit says it.
                "ParseJobState" => {}
                it if it.starts_with("Job.RequiredTargetMetadata") => {
                    assert_eq!(options.metadata(), metadata(expected), "{case}");
                }
                it if it.starts_with("Job.ValidateRequirements") => {
                    let known = written.requirements.keys().all(|key| is_known_key(key, v1));
                    assert_eq!(known, *expected == "known", "{case}");
                }
                other => panic!("{other} is not tested"),
            }
        }
    }
}

#[test]
fn x_fleet_is_read_as_two_releases_of_fleet_were_seen_to_read_it() {
    for case in rows("observed-x-fleet-edge-cases.json")["cases"].as_array().unwrap() {
        for (version, release) in [("v1.0.0", Release::V1), ("v0.8.3", Release::Before013)] {
            let dialect = if release == Release::V1 { Dialect::Fleet } else { Dialect::FleetBefore012 };
            let written = Options::of(&UnitFile::parse(case["input"].as_str().unwrap(), dialect));
            let (options, expected) = (written.expanded(case["unit_name"].as_str().unwrap()), &case[version]);
            assert_eq!(options.peers(), list(&expected["peers"]), "{version} {case}");
            assert_eq!(options.conflicts(release), list(&expected["conflicts"]), "{version} {case}");
            if release == Release::V1 {
                assert_eq!(options.replaces(), list(&expected["replaces"]), "{case}");
            }
            assert_eq!(options.machine_id().unwrap_or_default(), expected["machine_id"], "{version} {case}");
            assert_eq!(options.machine_id().is_some(), expected["has_machine_id"], "{version} {case}");
            assert_eq!(options.metadata(), metadata(&expected["metadata"]), "{version} {case}");
            assert_eq!(options.is_global(release), expected["global"], "{version} {case}");
            let unknown = written.requirements.keys().find(|key| !is_known_key(key, release));
            let warning = unknown.map(|key| format!("unrecognized requirement in [X-Fleet] section: {key:?}"));
            assert_eq!(warning.as_deref(), expected["unknown_requirement_warning"].as_str(), "{version} {case}");
            let error = written.validate(release).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), expected["validate_options_error"].as_str(), "{version} {case}");
        }
    }
}

#[test]
fn patterns_match_as_fleet_matches_them() {
    for case in rows("observed-glob-edge-cases.json")["cases"].as_array().unwrap() {
        let matched = glob_matches(case["pattern"].as_str().unwrap(), case["target"].as_str().unwrap());
        assert_eq!(matched == Ok(true), case["expected"]["match"], "{case}");
        assert_eq!(matched.is_err(), !case["expected"]["error"].is_null(), "{case}");
    }
}

#[test]
fn options_are_refused_as_fleet_refuses_them() {
    for group in rows("api-validation.json")["groups"].as_array().unwrap() {
        for case in group["cases"].as_array().unwrap() {
            match group["function"].as_str().unwrap() {
                "ValidateOptions" => {
                    let valid = pairs(&case["input"]).validate(Release::V1).is_ok();
                    assert_eq!(valid, case["expected"] == "valid", "{case}");
                }
                it if it.starts_with("fleetctl createUnit") => {
                    let name = eightbells::unit::fleet_name::check(case["unit_name"].as_str().unwrap());
                    let valid = name.is_ok() && pairs(&case["input"]).validate(Release::V1).is_ok();
                    assert_eq!(valid, case["expected"] != "refused", "{case}");
                }
                // The HTTP interface, which no unit can see.
                it => assert!(it.starts_with("HTTP") || it.starts_with("Content-Type"), "{it} is not tested"),
            }
        }
    }
}

fn machine(value: &Value) -> Machine {
    let metadata = value["metadata"].as_object().unwrap();
    let metadata = metadata.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect();
    Machine { id: value["id"].as_str().unwrap().to_owned(), metadata }
}

fn options_of(unit: &Value) -> Options {
    let options = match unit["text"].as_str() {
        Some(text) => Options::of(&UnitFile::parse(text, Dialect::Fleet)),
        None => pairs(&unit["options"]),
    };
    options.expanded(unit["name"].as_str().unwrap())
}

fn agent(machine_: &Value, units: &Value) -> Agent {
    let units = units.as_array().unwrap().iter();
    let units = units.map(|unit| (unit["name"].as_str().unwrap().to_owned(), options_of(unit))).collect();
    Agent { machine: machine(machine_), units }
}

fn action(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Schedule => "job_action_schedule",
        Verdict::Reschedule => "job_action_reschedule",
        Verdict::WrongMachine | Verdict::MetadataInsufficient | Verdict::PeerMissing(_) | Verdict::Conflict(_) => {
            "job_action_unschedule"
        }
    }
}

#[test]
fn units_are_scheduled_as_fleet_schedules_them() {
    let release = Release::V1;
    for group in rows("scheduling.json")["groups"].as_array().unwrap() {
        for case in group["cases"].as_array().unwrap() {
            let name = case["unit"]["name"].as_str().unwrap_or_default();
            match group["function"].as_str().unwrap() {
                "AgentState.HasConflict" => {
                    let agent = agent(&case["agent"]["machine"], &case["agent"]["local_units"]);
                    let verdict = agent.decide(name, &options_of(&case["unit"]), release);
                    assert_eq!(matches!(verdict, Verdict::Conflict(_)), case["expected"], "{case}");
                }
                "AgentState.hasReplace" | "AgentState.AbleToRun" => {
                    let agent = agent(&case["agent"]["machine"], &case["agent"]["local_units"]);
                    let verdict = agent.decide(name, &options_of(&case["unit"]), release);
                    assert_eq!(action(&verdict), case["expected"], "{case}");
                }
                "globMatches (Go path.Match)" => {
                    let matched = glob_matches(case["pattern"].as_str().unwrap(), case["target"].as_str().unwrap());
                    assert_eq!(matched == Ok(true), case["expected"], "{case}");
                }
                "HasMetadata" => {
                    let of = serde_json::json!({"id": "", "metadata": case["machine_metadata"]});
                    assert_eq!(machine(&of).has(&metadata(&case["required"])), case["expected"], "{case}");
                }
                "MachineState.MatchID" => {
                    let id = case["machine_id"].as_str().unwrap().to_owned();
                    let machine = Machine { id, ..Machine::default() };
                    assert_eq!(machine.is(case["asked"].as_str().unwrap()), case["expected"], "{case}");
                }
                // What the agent and the engine of a cluster do, which no unit can see.
                "desiredAgentState" | "Config.Metadata" | "engine calculateClusterTasks" | "agent task order" => {}
                other => panic!("{other} is not tested"),
            }
        }
    }
}

#[test]
fn pairs_of_units_are_scheduled_as_two_releases_of_fleet_were_seen_to_do() {
    for case in rows("observed-scheduling-pairs.json")["cases"].as_array().unwrap() {
        let (agent, name) = (agent(&case["machine"], &case["local_units"]), case["unit"]["name"].as_str().unwrap());
        for (version, release) in [("v1.0.0", Release::V1), ("v0.8.3", Release::Before013)] {
            let verdict = agent.decide(name, &options_of(&case["unit"]), release);
            assert_eq!(action(&verdict), case[version]["action"], "{version} {case}");
            let reason = case[version]["reason"].as_str().unwrap();
            match verdict {
                Verdict::Schedule | Verdict::Reschedule => assert!(reason.is_empty(), "{case}"),
                Verdict::WrongMachine => assert!(reason.starts_with("agent ID"), "{case}"),
                Verdict::MetadataInsufficient => assert!(reason.contains("metadata"), "{case}"),
                Verdict::PeerMissing(peer) => {
                    assert_eq!(reason, format!("required peer Unit({peer}) is not scheduled locally"));
                }
                // fleet 1.0 names the unit itself there, and not the one it met.
                Verdict::Conflict(_) => assert!(reason.starts_with("found conflict with"), "{case}"),
            }
        }
    }
}

#[test]
fn fixing_a_hostile_file_ends_in_time() {
    let target = Target::parse("systemd").unwrap();
    for piece in ["Foo=1\nExecStrat=/x\n", "ExecStart=/bin/sh %z \\d ${A}\n", "ExecStart=/x \\\n# c\n\n"] {
        let text = format!("[Service]\n{}", piece.repeat(1_000 / piece.len()));
        let mut files = Files::new(Some(target));
        files.add("a.service", text);
        let before = std::time::Instant::now();
        let fixed = lint::fix(files, &Config::default(), Safety::Unsafe);
        let seconds = before.elapsed().as_secs();
        assert!(seconds < 60, "{piece:?} repeated takes {seconds} s in a debug build");
        assert!(fixed.files.len() <= 1);
    }
}

#[test]
fn units_of_fleets_functional_tests_have_the_options_that_fleet_saw() {
    for case in rows("functional-units.json")["groups"][0]["cases"].as_array().unwrap() {
        let (options, expected) = (pairs(&case["options"]), &case["expected"]);
        let expanded = options.expanded(case["unit_name"].as_str().unwrap());
        assert_eq!(options.peers(), list(&expected["peers"]), "{case}");
        assert_eq!(options.conflicts(Release::V1), list(&expected["conflicts"]), "{case}");
        assert_eq!(options.replaces(), list(&expected["replaces"]), "{case}");
        assert_eq!(options.is_global(Release::V1), expected["global"], "{case}");
        assert_eq!(options.machine_id().unwrap_or_default(), expected["machine_id"], "{case}");
        assert_eq!(expanded.metadata(), metadata(&expected["metadata"]), "{case}");
        assert!(options.validate(Release::V1).is_ok() && expected["validate_options_error"].is_null(), "{case}");
    }
}

/// What of fleet's HTTP interface a unit's text can say. It does not look at the options of a unit that is there
/// already, which is a fault of fleet's that we do not share: such a unit could never be made again.
#[test]
fn what_fleets_api_was_seen_to_refuse_in_a_unit_is_refused() {
    let cases = rows("observed-http-api.json")["cases"].as_array().unwrap().clone();
    let mut seen = 0;
    for case in cases.iter().filter(|case| case["body"]["options"].is_array()) {
        let options = case["body"]["options"].as_array().unwrap();
        let mut text = String::new();
        for row in options {
            let word = |place: usize| row[place].as_str().unwrap();
            writeln!(text, "[{}]\n{}={}", word(0), word(1), word(2)).unwrap();
        }
        let file = UnitFile::parse(text, Dialect::Fleet);
        let taken = !file.is_refused() && Options::of(&file).validate(Release::V1).is_ok();
        let unvalidated = case["what"].as_str().unwrap().contains("NOT validated");
        // 500 is for a state that does not exist, whatever the unit.
        let expected = case["expected"]["status"] != 400 && !unvalidated;
        assert_eq!(taken, expected, "{case}");
        seen += 1;
    }
    assert!(seen >= 7, "{seen}");
    // A newline in a value is another option, as the row says.
    let injected = cases.iter().find(|case| case["what"] == "newline in a value injects options").unwrap();
    let text = format!("[Service]\nExecStart={}\n", injected["body"]["options"][0][2].as_str().unwrap());
    assert!(Options::of(&UnitFile::parse(text, Dialect::Fleet)).is_global(Release::V1));
}

#[test]
fn timers_are_judged_as_they_were_seen_to_fire() {
    for case in rows("observed-timer-behaviour.json")["cases"].as_array().unwrap() {
        let words = case["timer"].as_str().unwrap().replace(" only", "").replace("no On* at all", "");
        let lines: Vec<&str> = words.split(' ').filter(|word| word.contains('=')).collect();
        let timer = format!("[Timer]\n{}\n[X-Fleet]\nMachineOf=a.service\n", lines.join("\n"));
        let service = ("a.service", "[Service]\nType=oneshot\nTimeoutStartSec=1h\nExecStart=/bin/true\n");
        let report = lint::lint_unit_texts(&[("a.timer", &timer), service], Target::parse("fleet:252").unwrap());
        let told: BTreeSet<&str> = report.sorted().iter().map(|it| it.id).collect();
        let never = case["state_in_list_units"].as_str().unwrap().starts_with("active/elapsed")
            && case["runs_after_start"] == 0;
        assert_eq!(told.contains("timer-never-fires"), never, "{case}: {told:?}");
        assert_eq!(told.contains("timer-without-trigger"), lines.is_empty(), "{case}: {told:?}");
    }
}

#[test]
fn directives_are_those_of_systemds_sources_and_man_pages() {
    let path = repository().join("tests/conformance/systemd/directives.json");
    let data: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let number = |value: &Value| value.as_u64().and_then(|number| u16::try_from(number).ok());
    let mut seen = 0;
    for (section, keys) in data["sections"].as_object().unwrap() {
        for (key, row) in keys.as_object().unwrap() {
            let found = lint::directives::lookup(section, key).unwrap_or_else(|| panic!("[{section}] {key}"));
            assert_eq!(format!("config_parse_{}", found.parser), row["parser"], "{key}");
            assert_eq!(
                Some(found.since),
                number(&row["since"]).or_else(|| number(&row["first_seen_in_gperf"])),
                "{key}"
            );
            for (version, in_it) in [(252, &row["in_v252"]), (255, &row["in_v255"])] {
                let knows = found.since <= version && found.last.is_none_or(|last| last >= version);
                // Man pages tell of some keys later than the tables have them, and the other way round.
                let by_table = number(&row["first_seen_in_gperf"]).is_some_and(|first| first <= version);
                assert!(knows == *in_it || by_table == *in_it, "{key} in {version}");
            }
            seen += 1;
        }
    }
    for (section, keys) in data["removed"].as_object().unwrap() {
        for (key, row) in keys.as_object().unwrap() {
            let found = lint::directives::lookup(section, key).unwrap_or_else(|| panic!("[{section}] {key}"));
            assert_eq!(found.last, number(&row["last"]), "[{section}] {key}");
            seen += 1;
        }
    }
    assert!(seen > 1042, "{seen}");
    for (section, count) in data["all_sections_v262"].as_object().unwrap() {
        let ours = lint::directives::of_section(section).filter(|row| row.last.is_none()).count();
        // The data counts one key of slices more than it names anywhere.
        let unnamed = u64::from(section == "Slice");
        assert_eq!(Some(ours as u64 + unnamed), count.as_u64(), "[{section}]");
    }
}

#[test]
fn an_empty_assignment_to_one_trigger_takes_all_others_back() {
    let target = Target::parse("systemd:252").unwrap();
    let service = ("a.service", "[Service]\nExecStart=/bin/true\n");
    for (name, text, rule) in [
        ("a.timer", "[Timer]\nOnCalendar=daily\nOnBootSec=\n", "timer-without-trigger"),
        ("a.timer", "[Timer]\nOnBootSec=0\nOnCalendar=\nOnUnitActiveSec=4h\n", "timer-never-fires"),
        ("a.path", "[Path]\nPathExists=/a\nPathChanged=\n", "path-without-trigger"),
        ("a.socket", "[Socket]\nListenStream=/run/a\nListenFIFO=\n", "socket-without-listen"),
    ] {
        let report = lint::lint_unit_texts(&[(name, text), service], target);
        let told: Vec<_> = report.sorted().iter().map(|it| it.id).collect();
        assert_eq!(told, [rule], "{text}");
    }
}
