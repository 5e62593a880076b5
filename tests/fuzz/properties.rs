//! What holds for every input, and of each reader's answer what sets inputs apart.

use std::ops::Range;
use std::sync::LazyLock;

use eightbells::diag::{Colour, Report, render_human, render_json};
use eightbells::lint::exposure::Score;
use eightbells::lint::fleet::glob_matches;
use eightbells::lint::{self, Config, Files};
use eightbells::plan::{self, Options, plan};
use eightbells::render::render;
use eightbells::schedule::{CalendarSpec, CronLine, TimeSpan, report, timestamp};
use eightbells::spec;
use eightbells::target::Target;
use eightbells::unit::environment::{self, CommentContinuation};
use eightbells::unit::exec;
use eightbells::unit::fleet_name::{self, EscapeAs, FleetName};
use eightbells::unit::name::{self, UnitName, UnitType};
use eightbells::unit::specifier::{self, Values};
use eightbells::unit::{Dialect, UnitFile};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Answer;

static BERLIN: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::get("Europe/Berlin").expect("a zone of tzdata"));
/// A day before a clock change.
static MARCH: LazyLock<Timestamp> = LazyLock::new(|| "2027-03-27T12:00:00Z".parse().expect("a time"));

fn inside(text: &[u8], span: &Range<usize>) {
    assert!(text.get(span.clone()).is_some(), "{span:?} of {} bytes", text.len());
}

fn on_characters(text: &str, span: &Range<usize>) {
    assert!(text.get(span.clone()).is_some(), "{span:?} is not on characters of {text:?}");
}

/// A debug print with numbers and texts left out: how an answer looks.
fn form(value: &impl std::fmt::Debug) -> String {
    let printed = format!("{value:?}");
    let mut form = String::new();
    let mut quoted = false;
    for c in printed.chars() {
        quoted ^= c == '"';
        if !quoted && !c.is_ascii_digit() {
            form.push(c);
        }
    }
    form.chars().take(300).collect()
}

/// How a text looks that has numbers.
fn without_digits(text: &str) -> String {
    text.replace(|c: char| c.is_ascii_digit(), "")
}

pub fn unit_file(input: &[u8]) -> Answer {
    let mut answer = Vec::new();
    for dialect in [Dialect::Systemd, Dialect::Fleet, Dialect::FleetBefore012] {
        let file = UnitFile::parse(input, dialect);
        assert_items_are_the_text(&file, input);
        for entry in file.entries() {
            for span in [&entry.span, &entry.key_span, &entry.value_span()] {
                inside(input, span);
            }
            let whole = entry.value_span();
            let half = entry.source_span(0..entry.bytes().len() / 2);
            assert!(whole.start <= half.start && half.end <= whole.end, "{half:?} of {whole:?}");
        }
        file.problems().iter().for_each(|problem| inside(input, &problem.span));
        // It need not be its own normal form: fleet takes blanks away that hid a backslash at a line's end.
        assert_items_are_the_text(&UnitFile::parse(file.normal_form(), dialect), &file.normal_form());
        let kinds = file.problems().iter().map(|problem| form(&problem.kind));
        answer.extend(kinds.chain(file.items().iter().map(|item| form(&item.kind))));
    }
    answer.truncate(60);
    answer
}

fn assert_items_are_the_text(file: &UnitFile, input: &[u8]) {
    let mut at = 0;
    for item in file.items() {
        assert!(item.span.start == at && item.span.end > at, "{item:?} at {at}");
        at = item.span.end;
    }
    assert_eq!(at, input.len());
    assert_eq!(file.text(), input);
}

pub fn exec(input: &[u8]) -> Answer {
    let values = Values::none().with('i', "INSTANCE");
    let parsed = exec::parse(input, &values);
    parsed.problems.iter().for_each(|problem| inside(input, &problem.span));
    for command in &parsed.commands {
        inside(input, &command.span);
        for word in &command.words {
            inside(input, word);
            assert!(command.span.start <= word.start && word.end <= command.span.end, "{command:?}");
        }
        assert!(!command.argv.is_empty() && !command.path.is_empty(), "{command:?}");
        let _ = exec::expand_variables(&command.argv, |name| name.starts_with(b"A").then_some(b"x y ".as_slice()));
    }
    let kinds = parsed.problems.iter().map(|problem| form(&(&problem.kind, problem.effect)));
    let shapes = parsed.commands.iter().map(|command| format!("{:?}{}", command.prefixes, command.argv.len().min(5)));
    kinds.chain(shapes).take(30).collect()
}

pub fn environment(input: &[u8]) -> Answer {
    let parsed = environment::parse(input, &Values::none());
    for variable in &parsed.variables {
        inside(input, &variable.span);
        assert!(environment::name_is_valid(variable.name.as_bytes()), "{variable:?}");
        assert!(environment::value_is_valid(variable.value.as_bytes()), "{variable:?}");
    }
    parsed.problems.iter().for_each(|problem| inside(input, &problem.span));
    let files = [CommentContinuation::Swallows, CommentContinuation::Ends];
    let read = files.map(|comments| environment::parse_file(input, comments).len().min(5).to_string());
    let kinds = parsed.problems.iter().map(|problem| form(&problem.kind));
    kinds.chain([parsed.variables.len().min(5).to_string()]).chain(read).take(30).collect()
}

fn elapses(spec: &CalendarSpec) -> Vec<String> {
    spec.elapses(*MARCH, &BERLIN).take(3).map(|elapse| format!("{elapse:?}")).collect()
}

/// The normal form is its own normal form, and elapses when the event does.
fn assert_normal(spec: &CalendarSpec) {
    let normal = spec.to_string();
    let again = CalendarSpec::parse_in(&normal, &BERLIN).unwrap_or_else(|error| panic!("{normal}: {error}"));
    assert_eq!(again.to_string(), normal);
    assert_eq!(elapses(&again), elapses(spec), "{normal}");
}

pub fn calendar(input: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(input);
    let spec = match CalendarSpec::parse_in(&text, &BERLIN) {
        Ok(spec) => spec,
        Err(error) => {
            on_characters(&text, &error.span());
            return vec![form(error.problem()), error.hint().is_some().to_string()];
        }
    };
    assert_normal(&spec);
    for version in [197, 215, 229, 252] {
        if let Ok(older) = spec.text_for(version) {
            let read = CalendarSpec::parse_in(&older, &BERLIN).unwrap_or_else(|error| panic!("{older}: {error}"));
            assert_eq!(elapses(&read), elapses(&spec), "{text} is written {older} for {version}");
        }
    }
    vec![without_digits(&spec.to_string()), elapses(&spec).len().to_string()]
}

pub fn timespan(input: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(input);
    match TimeSpan::parse(&text) {
        Ok(span) => {
            let normal = span.to_string();
            let again = TimeSpan::parse(&normal).unwrap_or_else(|error| panic!("{normal}: {error}"));
            assert_eq!(again.micros(), span.micros(), "{text} is printed {normal}");
            assert_eq!(again.to_string(), normal);
            assert!(report::timespan(&[&text]).errors.is_empty());
            vec![without_digits(&normal)]
        }
        Err(error) => {
            on_characters(&text, &error.span());
            vec![form(error.problem())]
        }
    }
}

pub fn timestamp(input: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(input);
    match timestamp::parse(&text, *MARCH, &BERLIN) {
        Ok(_) => vec![text.split_whitespace().map(|word| word.len().min(12).to_string()).collect()],
        Err(error) => {
            on_characters(&text, &error.span());
            vec![form(error.problem())]
        }
    }
}

pub fn cron(input: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(input);
    match CronLine::parse(&text) {
        Ok(line) => {
            assert!(!line.specs().is_empty());
            line.specs().iter().for_each(assert_normal);
            line.specs().iter().map(|spec| without_digits(&spec.to_string())).collect()
        }
        Err(error) => {
            on_characters(&text, &error.span());
            vec![without_digits(&error.to_string())]
        }
    }
}

pub fn name(input: &[u8]) -> Answer {
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    assert_eq!(name::unescape(&name::escape(input)).expect("what was escaped"), &input[..end]);
    if let Ok(escaped) = name::escape_path(input) {
        let path = name::unescape_path(&escaped).unwrap_or_default();
        let again = name::escape_path(&path).unwrap_or_default();
        assert!(again == escaped || input.contains(&0), "{escaped} is {again}");
    }
    let text = String::from_utf8_lossy(input);
    let parsed = UnitName::parse(&text);
    if let Ok(parsed) = &parsed {
        assert_eq!(parsed.to_string(), text);
        assert!(text.len() <= name::UNIT_NAME_MAX_BYTES);
        let _ = Values::of_unit(parsed).expand(b"%n%N%p%i%I%j%J%P%f");
    }
    let mangled = name::mangle(&text, UnitType::Service);
    if let Ok(mangled) = &mangled {
        assert_eq!(UnitName::parse(&mangled.to_string()).as_ref(), Ok(mangled));
    }
    let fleet = fleet_name::check(&text);
    let _ = (fleet_name::mangle(&text), FleetName::split(&text));
    for escape_as in [EscapeAs::Text, EscapeAs::Path] {
        let _ = fleet_name::unescape(&fleet_name::escape(&text, escape_as), escape_as);
    }
    vec![form(&parsed), form(&mangled), form(&fleet), name::unescape(&text).is_ok().to_string()]
}

pub fn specifier(input: &[u8]) -> Answer {
    let mut last = 0;
    for found in specifier::scan(input) {
        inside(input, &found.span);
        assert!(last <= found.span.start && found.span.len() == 2, "{found:?}");
        last = found.span.end;
    }
    let text = String::from_utf8_lossy(input);
    let escaped = specifier::escape(&text);
    assert_eq!(Values::none().expand(escaped.as_bytes()).expect("nothing but `%%`"), text.as_bytes());
    let _ = specifier::contains_instance_superset(&text);
    let unit = UnitName::parse("a-b@c.service").expect("a name");
    let expanded = Values::of_unit(&unit).and_system_manager().expand(input);
    specifier::scan(input).map(|found| form(&found.what)).take(12).chain([expanded.is_ok().to_string()]).collect()
}

/// The pattern is the first line, the name the second.
pub fn glob(input: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(input);
    let (pattern, name) = text.split_once('\n').unwrap_or((&text, "a@1.service"));
    let matched = glob_matches(pattern, name);
    if !pattern.contains(['*', '?', '[', '\\']) {
        assert_eq!(matched, Ok(pattern == name));
    }
    vec![form(&matched), pattern.chars().filter(|c| !c.is_alphanumeric()).take(8).collect()]
}

pub fn spec(input: &[u8]) -> Answer {
    let (spec, mut report) = spec::load_text("backups.yaml", input);
    assert_eq!(spec.is_none(), report.has_errors());
    if let Some(spec) = &spec {
        let _ = spec::show(spec, &report.sources, None);
        let options = Options { target: spec.target, every: None };
        plan::check(spec, options, &mut report);
        if !report.has_errors() {
            let files = render(&plan(spec, options)).expect("a plan without faults is printed");
            let texts: Vec<(&str, &str)> = files.iter().map(|it| (it.name.as_str(), it.text.as_str())).collect();
            assert_report(&lint::lint_unit_texts(&texts, spec.target));
        }
    }
    assert_report(&report);
    ids(&report)
}

fn ids(report: &Report) -> Answer {
    let mut ids: Vec<String> = report.sorted().iter().map(|found| found.id.to_owned()).collect();
    ids.dedup();
    ids
}

/// Every place is on characters of its text, and everything can be printed.
fn assert_report(report: &Report) {
    for found in report.sorted() {
        for span in found.span.iter().chain(found.others.iter().map(|label| &label.span)) {
            let text = &report.sources.get(span.file).expect("a text of the report").text;
            on_characters(text, &(span.start..span.end));
        }
        let texts = found.help.iter().chain(&found.label).chain([&found.message]);
        texts.for_each(|text| assert!(!text.contains(char::is_control), "{text:?}"));
    }
    assert!(render_human(report, Colour::Always).len() >= render_human(report, Colour::Never).len());
    assert!(serde_json::from_str::<serde_json::Value>(&render_json(report)).is_ok());
    assert!(lint::render_github(report).lines().all(|line| line.starts_with("::")));
}

/// A line `=== NAME` begins another file.
pub fn lint(input: &[u8]) -> Answer {
    let targets = [None, Target::parse("fleet:215").ok(), Target::parse("systemd:255:user").ok()];
    let target = targets[input.len() % targets.len()];
    let report = linted(input, target);
    assert_report(&report);
    if input.len().is_multiple_of(8) {
        assert_eq!(render_json(&report), render_json(&linted(input, target)), "two answers");
    }
    ids(&report)
}

fn linted(input: &[u8], target: Option<Target>) -> Report {
    let mut files = Files::new(target);
    let (mut name, mut text) = ("a@.service".to_owned(), Vec::new());
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        if let Some(next) = line.strip_prefix(b"=== ") {
            files.add(&name, std::mem::take(&mut text));
            String::from_utf8_lossy(next).trim().clone_into(&mut name);
        } else {
            text.extend_from_slice(line);
        }
    }
    files.add(&name, text);
    lint::lint(files, &Config { exposure_max: Score::parse("5.0").ok(), ..Config::default() })
}
