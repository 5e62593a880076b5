//! The linter over a megabyte of each shape that could take it long: nothing panics, nothing is quadratic, and every
//! form of output is printed as soon.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use std::fmt::Write as _;
use std::time::Duration;

use eightbells::diag::{Colour, Report, render_human, render_json};
use eightbells::lint::{self, Config, Files};

#[path = "support/cpu.rs"]
mod cpu;
#[path = "lint_hostile/shapes.rs"]
mod shapes;

use shapes::{Shape, shapes};

const MEGABYTE: usize = 1 << 20;
/// The promise, of the program as it is released.
const SOON: Duration = Duration::from_secs(1);
/// How much slower an unoptimised build may be: it was measured to take 7 times as long for all shapes together, and up
/// to 17 times for one.
const UNOPTIMISED: u32 = if cfg!(debug_assertions) { 20 } else { 1 };

/// Lints files of `bytes` together, and prints what is found in every form.
fn lint(shape: &Shape, bytes: usize) -> (Report, Duration) {
    let given = shape.files(bytes);
    cpu::cpu_time_of(|| {
        let mut files = Files::new(None);
        for (path, text) in given {
            files.add(&path, text);
        }
        let report = lint::lint(files, &Config::default());
        let printed = [render_human(&report, Colour::Never), render_json(&report), lint::render_github(&report)];
        for text in printed {
            assert!(text.len() < 64 << 20, "{}: {} bytes are printed", shape.name, text.len());
        }
        report
    })
}

/// A megabyte under `tests/long`, and a sixteenth of it otherwise, in a sixteenth of the time.
#[test]
fn a_megabyte_of_any_shape_is_linted_within_a_second() {
    let parts = if std::env::var_os("EIGHTBELLS_LONG").is_some() { 1 } else { 16 };
    let mut slow = String::new();
    let mut all = Duration::ZERO;
    for shape in shapes() {
        let (report, taken) = lint(&shape, MEGABYTE / parts as usize);
        all += taken;
        eprintln!("{:45} {:8.1} ms, {} findings", shape.name, taken.as_secs_f64() * 1e3, report.sorted().len());
        if taken * parts > SOON * UNOPTIMISED {
            writeln!(slow, "{}: {taken:?}", shape.name).unwrap();
        }
        assert_spans_lie_in_the_texts(&report);
    }
    eprintln!("all: {all:?}");
    assert!(slow.is_empty(), "a megabyte in {SOON:?} times {UNOPTIMISED}, and here 1/{parts} of one:\n{slow}");
}

/// Four times as much takes about four times as long. What is quadratic takes sixteen times as long.
#[test]
fn time_grows_as_the_text_does() {
    if std::env::var_os("EIGHTBELLS_LONG").is_none() {
        return;
    }
    let mut steep = String::new();
    for shape in shapes() {
        let times = [1, 2, 4].map(|quarters| lint(&shape, quarters * MEGABYTE / 4).1.as_secs_f64() * 1e3);
        let growth = times[2] / times[0].max(1.0);
        if times[2] > 20.0 && growth > 7.0 {
            writeln!(steep, "{}: {times:.1?} ms, {growth:.1} times", shape.name).unwrap();
        }
    }
    assert!(steep.is_empty(), "{steep}");
}

fn assert_spans_lie_in_the_texts(report: &Report) {
    for found in report.sorted() {
        let spans = found.span.iter().chain(found.others.iter().map(|label| &label.span));
        for span in spans {
            let text = &report.sources.get(span.file).unwrap().text;
            assert!(text.get(span.start..span.end).is_some(), "{}: {span:?} is not on characters", found.id);
        }
    }
}
