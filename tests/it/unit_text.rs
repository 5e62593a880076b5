//! What the library writes into units and reads of them, against a real systemd.

use std::collections::HashMap;

use eightbells::unit::{Dialect, Entry, ExecLine, UnitFile, assignment};
use proptest::prelude::{Just, prop_oneof};
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;

use crate::support::sdbox::Sdbox;
use crate::support::sized;

/// Values of a strategy, the same at every run.
fn generated<T>(count: usize, strategy: &impl Strategy<Value = T>) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Strings rich in what systemd gives a meaning.
fn strings() -> impl Strategy<Value = String> {
    let spice: Vec<char> =
        " \t\n\r'\"\\%$;#=@-+:!|{}[]()~*?&<>`\u{1}\u{7f}\u{85}\u{a0}\u{2028}\u{feff}ä日🎉nxu0Ysi".chars().collect();
    let c = prop_oneof![
        8 => proptest::sample::select(spice),
        1 => proptest::char::any(),
        1 => Just('\u{fffe}'),
    ];
    let c = c.prop_filter("no unit carries NUL", |c| *c != '\0');
    proptest::collection::vec(c, 0..10).prop_map(|chars| chars.into_iter().collect())
}

/// Runs a service in the box, and gives what its commands wrote, split at NUL.
fn output_of(sdbox: &Sdbox, body: &str) -> Vec<String> {
    sdbox.sh("rm -f /var/tmp/out");
    let unit = format!("[Service]\nType=oneshot\nStandardOutput=append:/var/tmp/out\n{body}\n");
    sdbox.install("writes.service", &unit);
    let started = sdbox.exec(&["systemctl", "start", "writes.service"]);
    assert!(started.status.success(), "{unit}\n{}", sdbox.journal("writes.service"));
    let output = sdbox.exec(&["cat", "/var/tmp/out"]).stdout;
    let output = String::from_utf8(output).unwrap();
    output.strip_suffix('\0').unwrap().split('\0').map(str::to_owned).collect()
}

#[test]
fn a_command_gets_exactly_the_arguments_that_were_written() {
    let Some(sdbox) = Sdbox::start(&[]) else { return };
    for arguments in generated(sized(300, 20_000), &strings()).chunks(100) {
        let line = ExecLine::new("/usr/bin/printf").arg("%s\\0").args(arguments).lines("ExecStart").unwrap();
        assert_eq!(output_of(&sdbox, &line.join("\n")), arguments);
    }
}

#[test]
fn a_variable_holds_exactly_the_value_that_was_written() {
    let Some(sdbox) = Sdbox::start(&[]) else { return };
    let values = generated(sized(300, 10_000), &strings());
    for values in values.chunks(100) {
        let named = values.iter().enumerate().map(|(place, value)| (format!("V{place}"), value));
        let written: HashMap<String, (&String, String)> = named
            .filter_map(|(name, value)| {
                let written = assignment(&name, &value.as_str().into()).ok()?;
                Some((name, (value, written)))
            })
            .collect();
        assert!(written.len() > 20);
        let lines: Vec<String> = written.values().map(|(_, text)| format!("Environment={text}")).collect();
        let found = output_of(&sdbox, &format!("{}\nExecStart=/usr/bin/env -0", lines.join("\n")));
        let found: HashMap<&str, &str> = found.iter().filter_map(|pair| pair.split_once('=')).collect();
        for (name, (value, text)) in &written {
            assert_eq!(found.get(name.as_str()), Some(&value.as_str()), "{text}");
        }
    }
}

/// Unit files, most of them broken in one way or other.
fn unit_files() -> impl Strategy<Value = Vec<u8>> {
    let common = [
        "[Unit]\n",
        "[Service]\n",
        "[X-Else]\n",
        "\nDescription=",
        "\nSyslogIdentifier=",
        "a",
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
        "\u{a0}",
        "ä",
        "\n# c\n",
        "\n; c \\\n",
        "\u{b}",
        "\u{feff}",
    ];
    let rare: [&[u8]; 6] = [b"[", b"]", b"\xff", b"\n[Unit] x\n", b"\n[U'nit]\n", "\u{fffe}".as_bytes()];
    let piece = prop_oneof![
        40 => proptest::sample::select(common.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => proptest::sample::select(rare.to_vec()).prop_map(<[u8]>::to_vec),
    ];
    let program: &[u8] = b"\n\n[Service]\nExecStart=/bin/true\n";
    let pieces = proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat());
    (pieces, proptest::bool::ANY).prop_map(
        move |(text, first)| {
            if first { [program, &text].concat() } else { [&text, program].concat() }
        },
    )
}

/// The properties of every unit, as `systemctl show` prints them.
fn shown(sdbox: &Sdbox, units: &[String]) -> Vec<HashMap<String, String>> {
    let mut command = vec!["systemctl", "show", "--property=LoadState,Description,SyslogIdentifier"];
    command.extend(units.iter().map(String::as_str));
    let output = String::from_utf8(sdbox.exec(&command).stdout).unwrap();
    let pair = |line: &str| line.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    output.split("\n\n").map(|unit| unit.split('\n').filter_map(pair).collect()).collect()
}

#[test]
fn unit_files_are_read_as_systemd_reads_them() {
    let Some(sdbox) = Sdbox::start(&[]) else { return };
    for (batch, texts) in generated(sized(200, 5_000), &unit_files()).chunks(200).enumerate() {
        let units: Vec<String> = (0..texts.len()).map(|place| format!("u{batch}-{place}.service")).collect();
        for (unit, text) in units.iter().zip(texts) {
            sdbox.put(&format!("/run/systemd/system/{unit}"), text);
        }
        sdbox.sh("systemctl daemon-reload");
        for ((unit, text), theirs) in units.iter().zip(texts).zip(shown(&sdbox, &units)) {
            let file = UnitFile::parse(text.clone(), Dialect::Systemd);
            let what = String::from_utf8_lossy(text);
            let state = if file.is_refused() { "error" } else { "loaded" };
            assert_eq!(theirs["LoadState"], state, "{what:?} {:?}", file.problems());
            if !file.is_refused() {
                let value = |section, key| file.entries_for(section, key).last().map(Entry::value).unwrap_or_default();
                let description = value("Unit", "Description");
                let described = if description.is_empty() { unit.as_str() } else { &description };
                assert_eq!(theirs["Description"], described, "{what:?}");
                assert_eq!(theirs["SyslogIdentifier"], value("Service", "SyslogIdentifier"), "{what:?}");
            }
        }
    }
}
