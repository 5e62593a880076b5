//! Hostile strings go from the spec through a generated unit into a real systemd, and come out as they went in.

use crate::support::sdbox::Sdbox;
use crate::support::{repository, said, sized, temp_dir};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use std::process::Command;

/// What has broken generators elsewhere, and what chance adds to it.
fn hostile_strings(count: usize) -> Vec<String> {
    let known = [
        "",
        " ",
        "a b",
        "'",
        "\"",
        "\\",
        "\\\\",
        "a\\",
        "%",
        "%%",
        "%i",
        "%n%h",
        "100%",
        "$",
        "$$",
        "$HOME",
        "${HOME}",
        "$(id)",
        "`id`",
        ";",
        "#",
        "; rm",
        "# no",
        "a;b",
        "a#b",
        "-",
        "--",
        "-x",
        "@x",
        "+x",
        "!x",
        ":x",
        "=",
        "a=b",
        "*",
        "?",
        "[a]",
        "~",
        "~root",
        "|",
        "&&",
        "\\n",
        "\\x41",
        "\\u00e4",
        "{",
        "}",
        "{}",
        "ä",
        "日本語",
        "🎉",
        "'\"'\"'",
        "\"'",
        "a'b\"c",
        "\t",
        "\n",
        "a\nb",
        "\r\n",
        "\u{1}",
        "\u{7f}",
        "trailing ",
        " leading",
        "[Service]",
        "\n[Service]\nExecStart=/bin/false",
        "a\\\n#b",
        "EIGHTBELLS_JOB=x",
        "%%i",
        "\\'",
        "$$$",
        "%\\",
        "\\;",
    ];
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, b"eight bells end a watch: 4 hours");
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let parts = proptest::collection::vec(
        proptest::prop_oneof![
            proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
            "[ -~]{1,12}".prop_map(|s: String| s),
            "[\\t\\n\\r\\x01-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]{1,2}".prop_map(|s: String| s),
            "[a-zA-Z0-9_]{200,300}".prop_map(|s: String| s),
            "\\PC{1,6}".prop_map(|s: String| s),
        ],
        1..4,
    );
    let random = std::iter::from_fn(|| parts.new_tree(&mut runner).ok().map(|tree| tree.current().concat()));
    // systemd refuses Unicode's noncharacters, and so does the check of a spec.
    let carried = |text: &String| {
        !text.chars().any(|c| matches!(u32::from(c), 0xFDD0..=0xFDEF) || u32::from(c) & 0xFFFE == 0xFFFE)
    };
    known.map(str::to_owned).into_iter().chain(random.filter(carried)).take(count).collect()
}

fn spec(strings: &[String]) -> Value {
    let braces = |text: &String| text.replace('{', "{{").replace('}', "}}");
    let mut words: Vec<String> = vec!["/bin/true".into()];
    words.extend(strings.iter().map(braces));
    json!({
        "version": 1,
        "target": "systemd",
        "runner": "/usr/bin/env",
        "destinations": {"d": {"local": {"path": "/var/tmp/x"}}},
        "jobs": {"hostile": {
            "job_in": "unit", "instances": ["a b/ä"], "schedule": {"every": "1h"}, "store": ["d"],
            "sources": {"s": {"command": words, "extension": "bin"}},
        }},
    })
}

fn generate(room: &std::path::Path, spec: &Value) -> String {
    let path = room.join("spec.yaml");
    // JSON is YAML; the strings are written with every escape that JSON has.
    std::fs::write(&path, spec.to_string().replace('\u{7f}', "\\u007f")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_eightbells"))
        .current_dir(repository())
        .args(["generate", path.to_str().unwrap(), "-o", room.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    std::fs::read_to_string(room.join("hostile@.service")).unwrap()
}

/// The job that the service was really started with, as systemd set its environment, and the words of its command.
fn as_systemd_reads_it(sdbox: &Sdbox, unit: &str) -> (Value, Vec<String>) {
    sdbox.install("hostile@.service", unit);
    let instance = "a\\x20b-\\xc3\\xa4";
    let name = format!("hostile@{instance}.service");
    let service = "org.freedesktop.systemd1";
    let ok = |command: &[&str]| {
        let output = sdbox.exec(command);
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let loaded = ok(&[
        "busctl",
        "--json=short",
        "call",
        service,
        "/org/freedesktop/systemd1",
        "org.freedesktop.systemd1.Manager",
        "LoadUnit",
        "s",
        &name,
    ]);
    let loaded: Value = serde_json::from_str(&loaded).unwrap();
    let object = loaded["data"][0].as_str().unwrap().to_owned();
    let property = |property: &str| -> Value {
        let text = ok(&[
            "busctl",
            "--json=short",
            "get-property",
            service,
            &object,
            "org.freedesktop.systemd1.Service",
            property,
        ]);
        serde_json::from_str::<Value>(&text).unwrap()["data"].clone()
    };
    let environment = property("Environment");
    let job = environment
        .as_array()
        .unwrap()
        .iter()
        .find_map(|v| v.as_str().unwrap().strip_prefix("EIGHTBELLS_JOB=").map(str::to_owned));
    let words =
        property("ExecStartEx")[0][1].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect();
    (serde_json::from_str(&job.unwrap()).unwrap(), words)
}

#[test]
fn hostile_strings_reach_the_runner_byte_for_byte() {
    let Some(sdbox) = Sdbox::start(&[]) else { return };
    let room = temp_dir();
    let all = hostile_strings(sized(300, 5_000));
    for strings in all.chunks(60) {
        let unit = generate(room.path(), &spec(strings));
        let (job, words) = as_systemd_reads_it(&sdbox, &unit);
        let meant: Vec<String> = strings.iter().map(|s| s.replace('{', "{{").replace('}', "}}")).collect();
        let argv: Vec<&str> = job["sources"][0]["kind"]["command"]["argv"]
            .as_array()
            .unwrap()
            .iter()
            .skip(1)
            .map(|v| v.as_str().unwrap())
            .collect();
        assert_eq!(argv, meant);
        assert_eq!(words, ["/usr/bin/env", "backup", "--instance", "a\\x20b-\\xc3\\xa4"]);
    }
}
