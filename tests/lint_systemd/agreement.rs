//! What we find against what `systemd-analyze verify` says, over the units installed here and over spoiled ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::mutate::{MUTATIONS, UnitText};
use crate::random::Random;
use crate::systemd::{analyze, installed, is_missing};
use eightbells::diag::Severity;
use eightbells::lint::{self, Config, Files};
use eightbells::target::Target;

const SUFFIXES: [&str; 7] = ["service", "timer", "socket", "path", "mount", "target", "slice"];

/// What systemd says and we do not, on purpose: a part of its message, and why.
const MACHINE: [(&str, &str); 4] = [
    ("is not executable: No such file or directory", "whether a program is there is known on its machine only"),
    ("not found.", "what other units there are is known on the unit's machine only"),
    (
        "not loaded, socket cannot be started",
        "the same; with the files of both the rule `activated-unit-missing` tells it",
    ),
    ("does not support", "what the kernel can do is known on the machine only"),
];

/// One unit, and what either side says of it.
struct Case {
    kind: &'static str,
    unit: UnitText,
    systemd: BTreeSet<String>,
    ours: BTreeSet<String>,
}

impl Case {
    fn column(&self) -> usize {
        match (self.systemd.is_empty(), self.ours.is_empty()) {
            (false, false) => 0,
            (false, true) => 1,
            (true, false) => 2,
            (true, true) => 3,
        }
    }
}

/// What `systemd-analyze verify` says of one file, numbers of lines taken out.
fn verify(file: &Path) -> BTreeSet<String> {
    let output = analyze(&["verify", "--man=no", "--recursive-errors=no"], &[file.to_owned()]);
    let folder = format!("{}/", file.parent().unwrap().display());
    let text = String::from_utf8_lossy(&output.stderr).replace(&folder, "");
    let said = text.lines().filter(|line| !MACHINE.iter().any(|(part, _)| line.contains(part)));
    said.map(|line| {
        let numbers = line.split(':').filter(|part| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()));
        numbers.collect::<Vec<_>>().join(":")
    })
    .collect()
}

fn findings(unit: &UnitText, most: Severity) -> BTreeSet<String> {
    let mut files = Files::new(Some(Target::parse("systemd:252").unwrap()));
    files.add(&unit.name, unit.text.as_slice());
    let report = lint::lint(files, &Config::default());
    let told = report.sorted().into_iter().filter(|it| it.severity <= most);
    told.map(|it| format!("{}: {}", it.id, it.message)).collect()
}

fn units() -> Vec<(PathBuf, UnitText)> {
    let unit = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read(&path).unwrap();
        (path, UnitText { name, text })
    };
    installed("/usr/lib/systemd/system", &SUFFIXES).into_iter().map(unit).collect()
}

/// Does something with each on two threads.
fn on_each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = Mutex::new(0..items.len());
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(at) = next.lock().unwrap().next() else { return };
                    let result = work(&items[at]);
                    done.lock().unwrap().insert(at, result);
                }
            });
        }
    });
    done.into_inner().unwrap().into_values().collect()
}

fn table(cases: &[Case]) -> String {
    let mut rows: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for case in cases {
        rows.entry(case.kind).or_default()[case.column()] += 1;
        rows.entry("~ all").or_default()[case.column()] += 1;
    }
    let mut out = format!("{:32} {:>6} {:>12} {:>8} {:>8}\n", "", "both", "only systemd", "only we", "neither");
    for (kind, [both, systemd, we, neither]) in rows {
        writeln!(out, "{:32} {both:>6} {systemd:>12} {we:>8} {neither:>8}", kind.trim_start_matches("~ ")).unwrap();
    }
    out
}

#[test]
fn what_is_installed_and_clean_is_no_error() {
    if is_missing() {
        return;
    }
    let every = crate::sized(6, 1);
    let units: Vec<_> = units().into_iter().step_by(every).collect();
    let cases: Vec<Case> = on_each(&units, |(path, unit)| Case {
        kind: "installed",
        systemd: verify(path),
        ours: findings(unit, Severity::Error),
        unit: unit.clone(),
    });
    println!("{}", table(&cases));
    for case in &cases {
        if case.column() == 1 || case.column() == 2 {
            println!("{}: systemd {:?}, we {:?}", case.unit.name, case.systemd, case.ours);
        }
    }
    assert!(cases.iter().all(|case| case.column() == 0 || case.column() == 3), "the two differ");
}

#[test]
fn what_systemd_says_of_spoiled_units_we_say_too() {
    if is_missing() {
        return;
    }
    let each = crate::sized(3, 40);
    let units = units();
    let mut random = Random::new(2);
    let mut spoiled = Vec::new();
    for mutation in &MUTATIONS {
        let mut made = 0;
        for _ in 0..each * 20 {
            let (path, unit) = random.pick(&units);
            if let Some(new) =
                (mutation.spoil)(unit, &mut random).filter(|new| new.text != unit.text || new.name != unit.name)
            {
                spoiled.push((mutation.kind, path.clone(), unit.clone(), new));
                made += 1;
            }
            if made == each {
                break;
            }
        }
    }
    let cases = on_each(&spoiled, |(kind, path, before, after)| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(&after.name);
        std::fs::write(&file, &after.text).unwrap();
        let (systemd, ours) = (verify(&file), findings(after, Severity::Warning));
        let (systemd_before, ours_before) = (verify(path), findings(before, Severity::Warning));
        Case {
            kind,
            unit: after.clone(),
            systemd: systemd.difference(&systemd_before).cloned().collect(),
            ours: ours.difference(&ours_before).cloned().collect(),
        }
    });
    println!("{}", table(&cases));
    for case in cases.iter().filter(|case| case.column() == 1) {
        println!("{}: {} only systemd: {:?}", case.kind, case.unit.name, case.systemd);
    }
    assert!(cases.iter().all(|case| case.column() != 1), "systemd finds what we do not");
}
