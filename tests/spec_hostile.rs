//! Texts that want to break the reader: each is refused, or read, soon and in little memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use eightbells::diag::{Colour, Report, render_human, render_json};
use eightbells::spec::{self, Spec};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

#[path = "support/cpu.rs"]
mod cpu;

/// How much slower an unoptimised build may be: 200,000 duplicate keys were measured to take it 19 times as long.
const UNOPTIMISED: u32 = if cfg!(debug_assertions) { 20 } else { 1 };
/// The promise for a megabyte is a second, of the program as it is released.
const SOON: Duration = Duration::from_secs(UNOPTIMISED as u64);

/// What a text is shortened by, and with it the time that it may take: nothing under `tests/long`.
static PARTS: LazyLock<u32> = LazyLock::new(|| if std::env::var_os("EIGHTBELLS_LONG").is_some() { 1 } else { 8 });

/// So much of what is repeated, or an eighth of it.
fn part_of(times: usize) -> usize {
    times / *PARTS as usize
}

fn read(text: &str) -> (Option<Spec>, Report) {
    read_within(SOON, text)
}

fn read_within(limit: Duration, text: &str) -> (Option<Spec>, Report) {
    let ((spec, report, told), taken) = cpu::cpu_time_of(|| {
        let (spec, report) = spec::load_text("backups.yaml", text.as_bytes());
        let told = render_human(&report, Colour::Never);
        let _ = render_json(&report);
        (spec, report, told)
    });
    assert!(taken < limit, "{taken:?} for {}…", text.chars().take(60).collect::<String>());
    assert!(told.len() < 4 << 20, "{} bytes of findings", told.len());
    (spec, report)
}

fn refused(text: &str) -> String {
    refused_within(SOON, text)
}

/// The same of a text that was shortened.
fn part_refused(text: &str) -> String {
    refused_within(SOON / *PARTS, text)
}

fn refused_within(limit: Duration, text: &str) -> String {
    let (spec, report) = read_within(limit, text);
    assert!(spec.is_none() && report.has_errors(), "{}…", text.chars().take(60).collect::<String>());
    render_human(&report, Colour::Never)
}

#[test]
fn deep_nesting_is_refused() {
    for open in ["[", "{a: ", "- ", "? ", "{", "[{", "a: [", "!x [", "&a ["] {
        for times in [10_000, 1_000_000 / open.len()] {
            refused(&open.repeat(times));
        }
    }
    let mut block = String::new();
    for depth in 0..2_000 {
        let _ = writeln!(block, "{}a:", " ".repeat(depth));
    }
    refused(&block);
}

#[test]
fn alias_bombs_are_refused() {
    let mut wide = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut merged = "a0: &a0 {x0: 1}\n".to_owned();
    for i in 1..30 {
        let ten = vec![format!("*a{}", i - 1); 10].join(", ");
        let _ = writeln!(wide, "a{i}: &a{i} [{ten}]");
        let _ = writeln!(merged, "a{i}: &a{i} {{<<: [{ten}], x{i}: [{ten}]}}");
    }
    assert!(refused(&wide).contains("spec-limits"));
    refused(&merged);
    let big = format!("x-a: &a [{}]\n", "x, ".repeat(10_000));
    refused(&format!("{big}x-b: [{}]\n", "*a, ".repeat(10_000)));
    refused("version: 1\nx-a: &a [*a]\n");
}

#[test]
fn long_texts_of_one_kind_are_refused_soon() {
    let kinds = [
        "a: 1\n",
        "- x\n",
        "x",
        "\"",
        "'",
        "# c\n",
        "{",
        "}",
        "]",
        ":",
        "? ",
        "!",
        "&a ",
        "*a ",
        "%",
        "@",
        "|\n",
        "\t",
        "token: x: ",
        "{time:",
        "\\",
        "\u{feff}",
        "ü",
        "\r",
        "--- a\n",
        "<<: {a: b}\n",
        "k: {instance}\n",
        "secret_key: a,",
        "a: b: ",
    ];
    for kind in kinds {
        part_refused(&kind.repeat(part_of(1_000_000) / kind.len()));
    }
}

#[test]
fn long_values_and_many_faults_are_told_soon() {
    let job = |keys: &str| {
        format!(
            "version: 1\ndestinations: {{h: {{local: {{path: /b}}}}}}\njobs:\n  a:\n    schedule: {{every: 1h}}\n    sources: {{f: {{paths: [/a]}}}}\n    store: [h]\n{keys}"
        )
    };
    refused(&job(&format!("    description: \"{}\"\n", "{instance}".repeat(100_000))));
    refused(&job(&format!("    description: \"{}\"\n", "{".repeat(1_000_001))));
    refused(&job(&format!("    description: \"{}\\n\"\n", "x".repeat(1_000_000))));
    let mut keys = String::new();
    for n in 0..part_of(60_000) {
        let _ = writeln!(keys, "    key{n}: x");
    }
    assert!(part_refused(&job(&keys)).contains("more findings are not shown"));
    let flow: Vec<String> = (0..part_of(80_000)).map(|n| format!("key{n}: x")).collect();
    part_refused(&format!("{{{}}}", flow.join(", ")));
    part_refused(&job(&format!("    instances: [{}]\n", "same, ".repeat(part_of(150_000)))));
    part_refused(&job(&format!("    needs: [{}]\n", "x, ".repeat(part_of(150_000)))));
    part_refused(&format!(
        "version: 1\n{}",
        job("")
            .lines()
            .skip(1)
            .flat_map(|l| [l, "\n"])
            .collect::<String>()
            .replace("[h]", &format!("[{}]", "nowhere, ".repeat(part_of(100_000))))
    ));
}

#[test]
fn long_defaults_for_many_jobs_are_refused() {
    let mut text =
        "version: 1\ndestinations: {h: {local: {path: /b}}}\ndefaults: {schedule: {every: 1h}, store: [h], sources: {"
            .to_owned();
    for n in 0..2_000 {
        let _ = write!(text, "s{n}: {{paths: /a}}, ");
    }
    text.push_str("}}\njobs:\n");
    for n in 0..20_000 {
        let _ = writeln!(text, "  j{n}: {{description: x}}");
    }
    assert!(refused(&text).contains("`defaults` are too long"));
}

#[test]
fn thousands_of_jobs_are_read() {
    for (name, fleet) in [
        ("{job}_{source}_{time:%Y%m%dT%H%M%S}", "{}"),
        ("{job}_{host}_{source}_{time:%Y%m%dT%H%M%S}", "{global: true}"),
    ] {
        let mut text = format!(
            "version: 1\ndestinations: {{h: {{local: {{path: /b}}}}}}\ndefaults: {{schedule: {{every: 1h}}, archive: {{name: \"{name}\"}}, fleet: {fleet}}}\njobs:\n"
        );
        for n in 0..part_of(20_000) {
            let _ = writeln!(
                text,
                "  job-{n:05}:\n    sources: {{files: {{paths: [/srv/{n}]}}}}\n    store:\n      - {{to: h, keep: {{within: 2d}}}}"
            );
        }
        let ((spec, report), taken) = cpu::cpu_time_of(|| spec::load_text("backups.yaml", text.as_bytes()));
        assert!(report.is_clean(), "{}", render_human(&report, Colour::Never));
        assert_eq!(spec.unwrap().jobs.len(), part_of(20_000));
        assert!(taken < 2 * SOON / *PARTS, "{taken:?}");
    }
}

#[test]
fn thousands_of_jobs_of_one_name_are_told_of_soon() {
    for name in ["{time:%Y%m%dT%H%M%S}", "x{host}_{time:%s}"] {
        let mut text = format!(
            "version: 1\ndestinations: {{h: {{local: {{path: /b}}}}}}\ndefaults: {{schedule: {{every: 1h}}, archive: {{name: \"{name}\"}}}}\njobs:\n"
        );
        for n in 0..part_of(20_000) {
            let _ = writeln!(text, "  j{n}: {{sources: {{f: {{paths: /a}}}}, store: h}}");
        }
        let ((spec, report), taken) = cpu::cpu_time_of(|| spec::load_text("backups.yaml", text.as_bytes()));
        assert!(spec.is_none() && render_human(&report, Colour::Never).contains("archive-names-clash"));
        assert!(taken < 2 * SOON / *PARTS, "{taken:?}");
    }
}

#[test]
fn what_is_no_text_is_refused() {
    let told = |bytes: &[u8]| {
        let (spec, report) = spec::load_text("backups.yaml", bytes);
        assert!(spec.is_none());
        render_human(&report, Colour::Never)
    };
    assert!(told(b"version: 1\njobs: \xff\n").contains("line 2"), "{}", told(b"version: 1\njobs: \xff\n"));
    assert!(told(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]).contains("error["));
    assert!(told(&[0; 4096]).contains("error["));
    let garbage: Vec<u8> = (0..1_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    assert!(told(&garbage).contains("error["));
}

#[test]
fn files_that_are_no_specs_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let says = |name: &str| spec::read_file(&path(name)).unwrap_err().to_string();
    assert!(says("").contains("folder"), "{}", says(""));
    assert!(says("nowhere").contains("o such file"), "{}", says("nowhere"));
    let huge = std::fs::File::create(path("huge")).unwrap();
    huge.set_len(100 << 20).unwrap();
    let start = Instant::now();
    assert!(says("huge").contains("104857600"), "{}", says("huge"));
    assert!(start.elapsed() < Duration::from_millis(500), "it was read");
    huge.set_len(spec::SPEC_MAX_BYTES).unwrap();
    assert_eq!(spec::read_file(&path("huge")).unwrap().len() as u64, spec::SPEC_MAX_BYTES);
}

/// The most memory that this process has had, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Runs alone in a process of its own: the peak is the process's.
#[test]
fn hostile_texts_take_less_than_a_hundred_megabytes() {
    const ALONE: &str = "EIGHTBELLS_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        alone.args(["--exact", "hostile_texts_take_less_than_a_hundred_megabytes"]).env(ALONE, "1");
        assert!(alone.status().unwrap().success());
        return;
    }
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..30 {
        let _ = writeln!(bomb, "a{i}: &a{i} [{}]", vec![format!("*a{}", i - 1); 10].join(", "));
    }
    for text in [bomb, "[".repeat(1_000_000), "[".repeat(10_000), "- ".repeat(10_000), "{a: ".repeat(250_000)] {
        refused(&text);
    }
    assert!(peak_memory() < 100 << 20, "{} MiB", peak_memory() >> 20);
}

const EXAMPLE: &str = include_str!("specs/moinmoin.yaml");

/// Pieces that mean something to YAML or to us.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "{instance}",
        "{",
        "}",
        "[",
        "]",
        ": ",
        "\n",
        "\t",
        "  ",
        "- ",
        "\"",
        "'",
        "#",
        "&a ",
        "*a",
        "<<: ",
        "|",
        ">",
        "!!int ",
        "~",
        "010",
        "on",
        "%i",
        "\\",
        "\0",
        "\u{85}",
        "ü",
        "99999999999999999999",
        "-1",
        "4h",
        "{time:%",
        "secret_key: ",
        "=",
        "---\n",
        "...",
    ];
    prop_oneof![4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_a_spec_makes_the_reader_panic(changes in prop::collection::vec((0usize..EXAMPLE.len(), 0usize..20, piece()), 1..6)) {
        let mut text: Vec<char> = EXAMPLE.chars().collect();
        for (at, length, piece) in changes {
            let at = at.min(text.len());
            let end = (at + length).min(text.len());
            text.splice(at..end, piece.chars());
        }
        let text: String = text.into_iter().collect();
        let (spec, report) = read(&text);
        prop_assert_eq!(spec.is_none(), report.has_errors());
        if let Some(spec) = spec {
            let _ = spec::show(&spec, &report.sources, None);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (spec, report) = spec::load_text("x", &bytes);
        prop_assert_eq!(spec.is_none(), report.has_errors());
    }
}
