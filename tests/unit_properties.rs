//! What is written into a unit comes out of it again, whatever it holds: through our own reading of it, in both
//! dialects, and through what fleet stores and hands to systemd.
#![expect(clippy::expect_used, reason = "a test that cannot go on is a failed test")]
#![expect(clippy::indexing_slicing, reason = "a test that cannot go on is a failed test")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use eightbells::unit::environment::{self, JSON_VARIABLE_MAX_BYTES};
use eightbells::unit::exec;
use eightbells::unit::fleet_name::{self, EscapeAs};
use eightbells::unit::name::{self, UnitName, UnitType};
use eightbells::unit::specifier::Values;
use eightbells::unit::words::{WordFlags, Words};
use eightbells::unit::{
    Dialect, ExecLine, JsonVariableError, LINE_MAX_BYTES, Piece, TextError, UnitFile, UnitText, assignment,
    json_variable, list_word, plain_value,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Strings without NUL, of all planes, and rich in what readers of units give a meaning.
fn hostile() -> impl Strategy<Value = String> {
    let spice = prop::sample::select(
        " \t\n\r'\"\\%$;#=@-+:!|{}[]()~*?&<>`\u{1}\u{7f}\u{85}\u{a0}\u{2028}\u{feff}\u{fffe}\u{10ffff}äé日🎉nxu0Yi"
            .chars()
            .collect::<Vec<_>>(),
    );
    let any = any::<char>().prop_filter("NUL", |c| *c != '\0');
    vec(prop_oneof![4 => spice, 1 => any], 0..12).prop_map(|chars| chars.into_iter().collect())
}

/// What systemd reads of a text that fleet has stored and written out again.
fn through_fleet(text: &str) -> UnitFile {
    let file = UnitFile::parse(text, Dialect::Fleet);
    assert!(!file.is_refused(), "{:?} in {text}", file.problems());
    UnitFile::parse(file.normal_form(), Dialect::Systemd)
}

fn readings(section_body: &str) -> [UnitFile; 2] {
    let text = format!("[Service]\n{section_body}\nType=oneshot\n");
    [UnitFile::parse(text.as_str(), Dialect::Systemd), through_fleet(&text)]
}

fn assert_lines_keep_the_rules(lines: &[String]) {
    for (place, line) in lines.iter().enumerate() {
        assert!(!line.contains(['\n', '\r', '\0']), "{line:?}");
        assert_eq!(line.ends_with('\\') && line.ends_with(" \\"), place + 1 < lines.len(), "{line:?}");
        assert!(!line.trim_start().starts_with(['#', ';']), "{line:?}");
    }
}

/// The arguments that a process gets, variables substituted from an empty environment.
fn argv_of(file: &UnitFile) -> Vec<String> {
    assert!(!file.is_refused(), "{:?}", file.problems());
    let entry = file.entries_for("Service", "ExecStart").next().expect("an ExecStart=");
    let parsed = exec::parse(entry.bytes(), &Values::none().with('i', "INSTANCE"));
    assert_eq!(parsed.problems, [], "{}", entry.value());
    assert_eq!(parsed.commands.len(), 1, "{}", entry.value());
    let argv = exec::expand_variables(&parsed.commands[0].argv, |_| None).unwrap();
    argv.into_iter().map(|argument| String::from_utf8(argument).unwrap()).collect()
}

fn refused_in_variables(c: char) -> bool {
    let noncharacter = u32::from(c) & 0xfffe == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&c);
    noncharacter || (c.is_ascii_control() && c != '\t')
}

proptest! {
    #[test]
    fn arguments_come_out_as_they_went_in(arguments in vec(hostile(), 0..20)) {
        let lines = ExecLine::new("/bin/x").args(&arguments).lines("ExecStart").unwrap();
        assert_lines_keep_the_rules(&lines);
        for file in readings(&lines.join("\n")) {
            let argv = argv_of(&file);
            prop_assert_eq!(&argv[0], "/bin/x");
            prop_assert_eq!(&argv[1..], &arguments[..]);
        }
    }

    #[test]
    fn specifiers_stay_live_between_literals(before in hostile(), after in hostile()) {
        let text = UnitText::literal(before.as_str()).and_specifier('i').and_literal(after.as_str());
        let lines = ExecLine::new("/bin/x").arg(text).lines("ExecStart").unwrap();
        for file in readings(&lines.join("\n")) {
            prop_assert_eq!(&argv_of(&file)[1], &format!("{before}INSTANCE{after}"));
        }
    }

    #[test]
    fn a_program_that_is_accepted_is_the_one_that_runs(name in hostile()) {
        let path = format!("/opt/{name}");
        let Ok(lines) = ExecLine::new(path.as_str()).arg("x").ignore_failure().lines("ExecStart") else {
            return Ok(());
        };
        for file in readings(&lines.join("\n")) {
            let entry = file.entries_for("Service", "ExecStart").next().unwrap();
            let parsed = exec::parse(entry.bytes(), &Values::none());
            prop_assert_eq!(&parsed.problems, &[]);
            prop_assert_eq!(argv_of(&file), [path.as_str(), "x"]);
        }
    }

    #[test]
    fn a_variable_that_is_accepted_has_its_value(value in hostile()) {
        let Ok(written) = assignment("NAME", &value.as_str().into()) else {
            prop_assert!(value.contains(refused_in_variables));
            return Ok(());
        };
        for file in readings(&format!("Environment={written}")) {
            let entry = file.entries_for("Service", "Environment").next().unwrap();
            let parsed = environment::parse(entry.bytes(), &Values::none());
            prop_assert_eq!(&parsed.problems, &[]);
            prop_assert_eq!(&parsed.variables[0].value, &value);
        }
    }

    #[test]
    fn a_plain_value_is_read_back(value in hostile()) {
        let Ok(written) = plain_value(&value.as_str().into()) else { return Ok(()) };
        for file in readings(&format!("Description={written}")) {
            let entry = file.entries_for("Service", "Description").next().unwrap();
            prop_assert_eq!(Values::none().expand(entry.bytes()).unwrap(), value.as_bytes());
        }
    }

    #[test]
    fn a_word_of_a_list_is_read_back(value in hostile()) {
        let Ok(written) = list_word(&value.as_str().into()) else { return Ok(()) };
        for flags in [WordFlags::UNQUOTE, WordFlags::UNQUOTE | WordFlags::CUNESCAPE] {
            for file in readings(&format!("ReadWritePaths={written}")) {
                let entry = file.entries_for("Service", "ReadWritePaths").next().unwrap();
                let mut words = Words::new(entry.bytes());
                let word = words.next_word(flags).unwrap().unwrap();
                prop_assert_eq!(Values::none().expand(&word.text).unwrap(), value.as_bytes());
                prop_assert_eq!(words.next_word(flags), Ok(None));
            }
        }
    }

    #[test]
    fn json_comes_out_as_it_went_in(json in any_json()) {
        let lines = match json_variable("EIGHTBELLS_JOB", &json) {
            Ok(lines) => lines,
            Err(error) => panic!("{error}"),
        };
        assert_lines_keep_the_rules(&lines);
        prop_assert!(lines.iter().all(|line| line.len() <= LINE_MAX_BYTES));
        for file in readings(&lines.join("\n")) {
            prop_assert_eq!(json_of(&file), json.clone());
        }
    }

    #[test]
    fn escaped_names_are_valid_and_come_back(text in hostile()) {
        let escaped = name::escape(&text);
        prop_assert_eq!(name::unescape(&escaped).unwrap(), text.as_bytes());
        if !text.is_empty() && escaped.len() < 200 {
            let unit = UnitName::instance_of("job", &escaped, UnitType::Timer).unwrap();
            prop_assert_eq!(UnitName::parse(&unit.to_string()), Ok(unit.clone()));
            prop_assert!(fleet_name::check(&unit.to_string()).is_ok());
            prop_assert_eq!(Values::of_unit(&unit).expand(b"%I").unwrap(), text.as_bytes());
        }
        if text.bytes().all(|byte| (16..128).contains(&byte)) {
            prop_assert_eq!(fleet_name::escape(&text, EscapeAs::Text), escaped.clone());
            prop_assert_eq!(fleet_name::unescape(&escaped, EscapeAs::Text), text.as_bytes());
        }
    }

    #[test]
    fn any_bytes_are_kept_and_every_span_is_in_them(text in unit_bytes()) {
        for dialect in [Dialect::Systemd, Dialect::Fleet, Dialect::FleetBefore012] {
            let file = UnitFile::parse(text.clone(), dialect);
            let joined: Vec<u8> = file.items().iter().flat_map(|item| text[item.span.clone()].to_vec()).collect();
            prop_assert_eq!(&joined, &text);
            prop_assert_eq!(file.text(), &text[..]);
            for problem in file.problems() {
                prop_assert!(text.get(problem.span.clone()).is_some(), "{:?}", problem);
            }
            for entry in file.entries() {
                for span in [&entry.span, &entry.key_span, &entry.value_span()] {
                    prop_assert!(text.get(span.clone()).is_some(), "{:?} {:?}", entry, span);
                }
                assert_bytes_come_from_their_places(&file, entry);
            }
        }
    }

    #[test]
    fn no_value_breaks_a_reader(value in vec(any::<u8>(), 0..60)) {
        let _ = exec::parse(&value, &Values::none());
        let _ = environment::parse(&value, &Values::none());
        let _ = environment::parse_file(&value, environment::CommentContinuation::Swallows);
    }
}

/// Each byte of a value stands in the text where the entry says; a joined line's blank is a backslash there.
fn assert_bytes_come_from_their_places(file: &UnitFile, entry: &eightbells::unit::Entry) {
    for (place, byte) in entry.bytes().iter().enumerate() {
        let span = entry.source_span(place..place + 1);
        let written = file.text()[span.start];
        assert!(written == *byte || (*byte == b' ' && written == b'\\'), "{entry:?} at {place}");
    }
}

fn unit_bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "[Service]",
        "[X-Fleet]",
        "[",
        "]",
        "A=",
        "b",
        "=",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\0",
        "\\",
        "\\\n",
        "#",
        ";",
        "\u{feff}",
        "\u{a0}",
        "ä",
        "\n# c\n",
    ];
    let piece = prop_oneof![
        8 => prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..3),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        hostile().prop_map(Value::from),
        Just(json!("\0 \u{1}")),
        "[a-z ]{90,600}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((hostile(), inner), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn json_of(file: &UnitFile) -> Value {
    assert!(!file.is_refused(), "{:?}", file.problems());
    let entry = file.entries_for("Service", "Environment").next().unwrap();
    let parsed = environment::parse(entry.bytes(), &Values::none());
    assert_eq!(parsed.problems, [], "{}", entry.value());
    assert_eq!(parsed.variables[0].name, "EIGHTBELLS_JOB");
    serde_json::from_str(&parsed.variables[0].value).unwrap()
}

#[test]
fn a_string_too_long_for_a_line_is_named_by_its_place() {
    let fits = json!({"a/b": {"c": [1, "x".repeat(LINE_MAX_BYTES - 20)]}});
    assert!(json_variable("X", &fits).is_ok());
    let long = json!({"a/b": {"c": [1, "x".repeat(LINE_MAX_BYTES)]}});
    let Err(JsonVariableError::TooLongForALine { pointer, bytes }) = json_variable("X", &long) else {
        panic!("it was taken")
    };
    assert_eq!(pointer, "/a~1b/c/1");
    assert!(bytes > LINE_MAX_BYTES);
}

#[test]
fn a_key_and_a_string_that_share_no_line_stand_on_two() {
    let json = json!({"k".repeat(600): "v".repeat(600)});
    let lines = json_variable("EIGHTBELLS_JOB", &json).unwrap();
    assert_eq!(lines.len(), 4);
    assert_eq!(json_of(&readings(&lines.join("\n"))[0]), json);
}

#[test]
fn json_beyond_the_limits_is_refused() {
    let large: Value = vec!["x".repeat(200); JSON_VARIABLE_MAX_BYTES / 200].into();
    assert_eq!(json_variable("X", &large), Err(JsonVariableError::TooLarge));
    let deep = (0..2_000).fold(json!(1), |inner, _| Value::Array(vec![inner]));
    assert_eq!(json_variable("X", &deep), Err(JsonVariableError::TooDeep));
    let whole = (0..100).fold(json!("x".repeat(120)), |inner, _| Value::Array(vec![inner]));
    let lines = json_variable("EIGHTBELLS_JOB", &whole).unwrap();
    assert_eq!(json_of(&readings(&lines.join("\n"))[0]), whole);
    assert_eq!(json_variable("1X", &json!(1)), Err(JsonVariableError::Name("1X".to_owned())));
}

#[test]
fn what_no_unit_can_carry_is_refused() {
    assert!(ExecLine::new("/bin/x").arg("a\0b").value().is_err());
    assert!(ExecLine::new("/bin/x y\"").value().is_err());
    assert!(ExecLine::new("bin/x").value().is_err());
    assert!(ExecLine::new("-x").value().is_err());
    assert!(ExecLine::new("/bin/x/").value().is_err());
    assert!(ExecLine::new("").value().is_err());
    let percent: UnitText = [Piece::Specifier('%')].into_iter().collect();
    assert_eq!(plain_value(&percent), Err(TextError::NotASpecifier('%')));
    assert_eq!(plain_value(&"".into()), Err(TextError::Empty));
    assert_eq!(plain_value(&" a".into()), Err(TextError::OuterBlank));
    assert_eq!(plain_value(&"a\\".into()), Err(TextError::TrailingBackslash));
    assert_eq!(plain_value(&"a\nb".into()), Err(TextError::Control('\n')));
    assert!(assignment("A", &"a\nb".into()).is_err());
    assert!(assignment("A-B", &"x".into()).is_err());
}

#[test]
fn a_long_command_is_broken_between_words_only() {
    let arguments: Vec<String> = (0..100).map(|n| format!("argument {n} #;")).collect();
    let lines = ExecLine::new("/bin/x").args(&arguments).lines("ExecStart").unwrap();
    assert!(lines.len() > 10);
    assert!(lines.iter().all(|line| line.len() <= 100));
    assert_eq!(argv_of(&readings(&lines.join("\n"))[0])[1..], arguments);
}

#[test]
fn a_megabyte_is_read_within_a_second() {
    let hostile = [
        "x".repeat(1 << 20),
        "[".repeat(1 << 20),
        "\\\n".repeat(1 << 19),
        format!("[Service]\nA={}", "\\\n".repeat(1 << 19)),
        format!("[Service]\n{}", "A=\n".repeat(1 << 18)),
        format!("[Service]\n{}", "[S]\nA=1\n".repeat(1 << 17)),
        format!("{}\n", "x".repeat(2047)).repeat(512),
        format!("[Service]\n{}", format!("A={}\n", "%".repeat(2000)).repeat(512)),
        format!("[Service]\nA={}", "'a' ; ".repeat(1 << 17)),
        "\u{a0}".repeat(1 << 19),
        format!("[S]\nA={}", " \u{a0}".repeat(1 << 18)),
    ];
    for text in hostile {
        let started = std::time::Instant::now();
        for dialect in [Dialect::Systemd, Dialect::Fleet, Dialect::FleetBefore012] {
            let file = UnitFile::parse(text.as_str(), dialect);
            for entry in file.entries() {
                let _ = exec::parse(entry.bytes(), &Values::none());
                let _ = environment::parse(entry.bytes(), &Values::none());
            }
            let _ = file.normal_form();
        }
        let taken = started.elapsed();
        assert!(taken.as_secs() < 6, "{taken:?} for {:?}…", text.chars().take(20).collect::<String>());
    }
}
