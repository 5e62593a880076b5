//! systemd's reading of unit text, against its own tests and against a running systemd 252.

use super::support::{cases, load, rows, text};
use eightbells::unit::cunescape::{Nul, UnknownEscape, cunescape};
use eightbells::unit::environment::{self, CommentContinuation};
use eightbells::unit::exec::{self, ExecCommand, ExecEffect, Prefix};
use eightbells::unit::specifier::{self, Values};
use eightbells::unit::words::{WordFlags, Words};
use eightbells::unit::{Dialect, UnitFile, UnitName};
use serde_json::{Value, json};

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn flags(row: &Value) -> WordFlags {
    let named = |name: &Value| match name.as_str().unwrap() {
        "RELAX" => WordFlags::RELAX,
        "CUNESCAPE" => WordFlags::CUNESCAPE,
        "UNESCAPE_RELAX" => WordFlags::UNESCAPE_RELAX,
        "UNESCAPE_SEPARATORS" => WordFlags::UNESCAPE_SEPARATORS,
        "KEEP_QUOTE" => WordFlags::KEEP_QUOTE,
        "UNQUOTE" => WordFlags::UNQUOTE,
        "DONT_COALESCE_SEPARATORS" => WordFlags::DONT_COALESCE_SEPARATORS,
        "RETAIN_ESCAPE" => WordFlags::RETAIN_ESCAPE,
        "RETAIN_SEPARATORS" => WordFlags::RETAIN_SEPARATORS,
        other => panic!("unknown flag {other}"),
    };
    row["flags"].as_array().unwrap().iter().map(named).fold(WordFlags::NONE, |all, flag| all | flag)
}

#[test]
fn words_are_extracted_step_by_step_as_in_systemds_tests() {
    for case in cases("systemd/extract_word") {
        let input = text(&case["input"]);
        let mut at = Some(0);
        for step in case["steps"].as_array().unwrap() {
            let separators = step["separators"].as_str().unwrap_or(" \t\n\r");
            let mut words = Words::new(&input).separated_by(separators.as_bytes());
            match at {
                Some(offset) => words.seek(offset),
                None => assert_eq!(words.next_word(WordFlags::NONE).map(|_| ()), Ok(())),
            }
            let what = format!("{case} at step {step}");
            let result = if at.is_none() {
                Ok(None)
            } else if case["fn"] == "extract_first_word_and_warn" {
                words.next_or_warn(flags(step))
            } else {
                words.next_word(flags(step))
            };
            let after = if at.is_none() { None } else { words.offset() };
            match step["ret"].as_str().unwrap() {
                "word" => assert_eq!(lossy(&result.unwrap().expect(&what).text), lossy(&text(&step["word"])), "{what}"),
                "end" => assert_eq!(result.unwrap(), None, "{what}"),
                "error" => assert!(result.is_err(), "{what}"),
                other => panic!("unknown result {other}"),
            }
            if let Some(offset) = step["offset_after"].as_u64() {
                assert_eq!(after, Some(offset as usize), "{what}");
            }
            if step["rest_empty"] == true {
                assert!(after.is_none_or(|at| at == input.len()), "{what}");
            }
            if let Some(rest) = step["rest"].as_str() {
                assert_eq!(lossy(&input[after.unwrap()..]), rest, "{what}");
            }
            at = after;
        }
    }
}

#[test]
fn c_escapes_are_read_as_in_systemds_tests() {
    for row in rows("systemd/escape", "cunescape") {
        let flags = row["flags"].as_str().unwrap();
        let unknown = if flags.contains("RELAX") { UnknownEscape::Kept } else { UnknownEscape::Refused };
        let nul = if flags.contains("ACCEPT_NUL") { Nul::Accepted } else { Nul::Refused };
        let result = cunescape(&text(&row["input"]), unknown, nul);
        assert_eq!(result.is_ok(), row["ok"] == true, "{row}");
        if let (Ok(result), Some(expected)) = (result, row.get("expected")) {
            assert_eq!(result, text(expected), "{row}");
        }
    }
}

/// `name=value` of a variable whose name cannot hold `=`.
fn environment(list: &Value) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pair = |entry: &Value| {
        let entry = entry.as_str().unwrap();
        let (name, value) = entry.split_once('=').unwrap();
        (name.as_bytes().to_vec(), value.as_bytes().to_vec())
    };
    list.as_array().unwrap().iter().map(pair).collect()
}

fn expand(case: &Value) -> Value {
    let environment = environment(&case["env"]);
    let argv: Vec<Vec<u8>> = case["argv"].as_array().unwrap().iter().map(text).collect();
    let lookup = |name: &[u8]| environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice());
    let expanded = exec::expand_variables(&argv, lookup).unwrap();
    expanded.iter().map(|argument| lossy(argument)).collect()
}

#[test]
fn variables_are_substituted_as_in_systemds_tests() {
    let data = load("systemd/env_argv");
    for name in ["replace_env_argv", "replace_env_argv_bad"] {
        assert_eq!(expand(&data[name]), data[name]["expected"], "{name}");
    }
    for case in rows("systemd/env_argv", "unset_only") {
        assert_eq!(expand(&case), case["expected"]);
    }
}

#[test]
fn environment_names_values_and_assignments_are_judged_as_in_systemds_tests() {
    for row in rows("systemd/env_argv", "env_name_is_valid") {
        assert_eq!(environment::name_is_valid(&text(&row["input"])), row["valid"] == true, "{row}");
    }
    for row in rows("systemd/env_argv", "env_value_is_valid") {
        assert_eq!(environment::value_is_valid(&text(&row["input"])), row["valid"] == true, "{row}");
    }
    for row in rows("systemd/env_argv", "env_assignment_is_valid") {
        let valid = environment::split_assignment(&text(&row["input"])).is_some();
        assert_eq!(valid, row["valid"] == true, "{row}");
    }
}

#[test]
fn environment_files_are_read_as_in_systemds_tests() {
    for case in cases("systemd/env_file") {
        let variables = environment::parse_file(&text(&case["file"]), CommentContinuation::Ends);
        let found: Value =
            variables.iter().map(|variable| format!("{}={}", lossy(&variable.name), lossy(&variable.value))).collect();
        assert_eq!(found, case["expected"], "{}", case["file"]);
    }
}

/// What a value that holds a specifier becomes where the data gives it; the rest depends on the machine.
fn assert_expands(row: &Value, values: &Values) {
    let input = row["input"].as_str().unwrap();
    match row["expected"].as_str() {
        Some(expected) if expected.starts_with('*') => {}
        Some(expected) => assert_eq!(lossy(&values.expand(input.as_bytes()).unwrap()), expected, "{row}"),
        None => {
            let found = specifier::scan(input.as_bytes()).next().expect("a specifier");
            assert!(matches!(found.what, specifier::Occurrence::Known(_)), "{row}");
        }
    }
}

#[test]
fn specifiers_expand_as_in_systemds_tests() {
    for row in rows("systemd/specifier", "escape") {
        assert_eq!(specifier::escape(row["input"].as_str().unwrap()), row["expected"]);
    }
    for row in rows("systemd/specifier", "install_printf") {
        let unit = UnitName::parse(row["unit"].as_str().unwrap()).unwrap();
        assert_expands(&row, &Values::of_unit(&unit).and_system_manager());
    }
    for row in rows("systemd/specifier", "contains_instance_specifier_superset") {
        let superset = specifier::contains_instance_superset(row["input"].as_str().unwrap());
        assert_eq!(superset, row["superset"] == true, "{row}");
    }
}

#[test]
fn unit_specifiers_expand_as_in_systemds_tests() {
    for row in rows("systemd/unit_name", "specifier_expand") {
        let unit = UnitName::parse(row["unit"].as_str().unwrap()).unwrap();
        // The test's manager, whose control group is this and whose unit files are in /tmp.
        let slice = match unit.unit_type().as_str() {
            "slice" => String::new(),
            _ if unit.instance().is_some() => format!("/app.slice/app-{}.slice", unit.prefix()),
            _ => "/app.slice".to_owned(),
        };
        let values = Values::of_unit(&unit)
            .with('Y', "/tmp")
            .with('R', "/cgroup-root")
            .with('r', format!("/cgroup-root{slice}"))
            .with('c', format!("/cgroup-root{slice}/{unit}"));
        assert_expands(&row, &values);
    }
}

fn command_json(command: &ExecCommand) -> Value {
    json!({
        "path": lossy(&command.path),
        "argv": command.argv.iter().map(|argument| lossy(argument)).collect::<Vec<_>>(),
    })
}

/// What systemd keeps of the `Exec…=` assignments of a unit, and whether one of them refuses it.
fn exec_of(file: &UnitFile, values: &Values) -> (Vec<ExecCommand>, bool) {
    let mut commands = Vec::new();
    let mut refused = false;
    for entry in file.entries_for("Service", "ExecStart") {
        let parsed = exec::parse(entry.bytes(), values);
        refused |= parsed.problems.iter().any(|problem| problem.effect == ExecEffect::UnitRefused);
        if parsed.resets {
            commands.clear();
        }
        commands.extend(parsed.commands);
    }
    (commands, refused)
}

#[test]
fn exec_lines_are_parsed_as_in_systemds_tests() {
    for row in rows("systemd/exec_parse", "exec") {
        let parsed = exec::parse(&text(&row["input"]), &Values::none());
        let refused = parsed.problems.iter().any(|problem| problem.effect == ExecEffect::UnitRefused);
        assert_eq!(refused, row.get("errno").is_some(), "{row}: {:?}", parsed.problems);
        let expected = row["commands"].as_array().unwrap();
        let found: Vec<Value> = if refused { Vec::new() } else { parsed.commands.iter().map(command_json).collect() };
        assert_eq!(found.len(), expected.len(), "{row}");
        for ((found, command), expected) in found.iter().zip(&parsed.commands).zip(expected) {
            assert_eq!(found["path"], expected["path"], "{row}");
            assert_eq!(found["argv"], expected["argv"], "{row}");
            assert_eq!(command.prefixes.has(Prefix::IgnoreFailure), expected["ignore_failure"] == true, "{row}");
        }
    }
}

#[test]
fn exec_lines_of_a_file_are_parsed_as_a_running_252_did() {
    for row in rows("systemd/exec_parse", "exec") {
        let unit = format!("[Service]\nType=oneshot\nExecStart={}\n", row["input"].as_str().unwrap());
        let file = UnitFile::parse(unit, Dialect::Systemd);
        let (commands, refused) = exec_of(&file, &Values::none());
        let loaded = !refused && !commands.is_empty();
        assert_eq!(if loaded { "loaded" } else { "bad-setting" }, row["v252"]["load_state"], "{row}");
        let expected = row["v252"]["commands"].as_array().unwrap();
        assert_eq!(if loaded { commands.len() } else { 0 }, expected.len(), "{row}");
        for (command, expected) in commands.iter().zip(expected) {
            assert_eq!(command_json(command)["path"], expected["path"], "{row}");
            assert_eq!(command_json(command)["argv"], expected["argv"], "{row}");
        }
    }
}

fn flag_names(command: &ExecCommand) -> Vec<&'static str> {
    let name = |prefix: &Prefix| match prefix {
        Prefix::IgnoreFailure => Some("ignore-failure"),
        Prefix::NoEnvironment => Some("no-env-expand"),
        Prefix::Privileged => Some("privileged"),
        Prefix::NoSetuid => Some("no-setuid"),
        Prefix::Ambient => Some("ambient"),
        Prefix::SeparateArgv0 => None,
    };
    command.prefixes.all().iter().filter_map(name).collect()
}

/// The variables that a unit's `Environment=` lines set, the last of each name in the place of the first.
fn environment_of(file: &UnitFile, values: &Values) -> Vec<String> {
    let mut found: Vec<(String, String)> = Vec::new();
    for entry in file.entries_for("Service", "Environment") {
        let parsed = environment::parse(entry.bytes(), values);
        if parsed.resets {
            found.clear();
        }
        for variable in parsed.variables {
            match found.iter_mut().find(|(name, _)| *name == variable.name) {
                Some(earlier) => earlier.1 = variable.value,
                None => found.push((variable.name, variable.value)),
            }
        }
    }
    found.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

#[test]
fn units_are_read_as_a_running_252_was_seen_to() {
    for case in cases("systemd/exec_oracle_v252") {
        let unit = format!("[Service]\nType=oneshot\n{}\n", case["service_body"].as_str().unwrap());
        let name = UnitName::parse(case["unit"].as_str().unwrap()).unwrap();
        let values = Values::of_unit(&name).and_system_manager();
        let file = UnitFile::parse(unit, Dialect::Systemd);
        let (commands, refused) = exec_of(&file, &values);
        let loaded = !refused && !commands.is_empty();
        assert_eq!(if loaded { "loaded" } else { "bad-setting" }, case["load_state"], "{case}");
        let commands = if loaded { commands } else { Vec::new() };
        let found: Vec<Value> = commands
            .iter()
            .map(|command| {
                let mut row = command_json(command);
                row["flags"] = json!(flag_names(command));
                row
            })
            .collect();
        assert_eq!(json!(found), case["exec"], "{case}");
        assert_eq!(json!(environment_of(&file, &values)), case["environment"], "{case}");
        let warned = case["log"].as_array().unwrap().len();
        assert!(warned == 0 || has_problem(&file, &values) || !loaded, "{case}: systemd warned");
        assert!(warned > 0 || !has_problem(&file, &values), "{case}: systemd did not warn");
    }
}

fn has_problem(file: &UnitFile, values: &Values) -> bool {
    let exec =
        |key| file.entries_for("Service", key).any(|entry| !exec::parse(entry.bytes(), values).problems.is_empty());
    let environment = file
        .entries_for("Service", "Environment")
        .any(|entry| !environment::parse(entry.bytes(), values).problems.is_empty());
    exec("ExecStart") || environment
}

#[test]
fn configuration_files_are_parsed_as_in_systemds_tests() {
    for row in rows("systemd/conf_parser", "files") {
        let file = UnitFile::parse(text(&row["text"]), Dialect::Systemd);
        for (key, expected) in row["expect"].as_object().unwrap() {
            let found = file.entries_for("Section", key).last().map(|entry| entry.value().into_owned());
            assert_eq!(json!(found), *expected, "{row}");
        }
    }
}

#[test]
fn lists_of_words_are_read_as_in_systemds_tests() {
    for row in rows("systemd/conf_parser", "parse_strv") {
        let input = text(&row["input"]);
        let mut words = Words::new(&input);
        let mut found: Vec<Vec<u8>> = Vec::new();
        while let Some(word) = words.next_word(WordFlags::UNQUOTE | WordFlags::RETAIN_ESCAPE).unwrap() {
            if row["filter_duplicates"] != true || !found.contains(&word.text) {
                found.push(word.text);
            }
        }
        let expected: Vec<Vec<u8>> = row["expected"].as_array().unwrap().iter().map(text).collect();
        assert_eq!(found, expected, "{row}");
    }
}
