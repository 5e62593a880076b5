//! The linter in other people's programs: SARIF against its schema, pre-commit, the GitHub Action.

use crate::support::program::{clean, eightbells, eightbells_path};
use crate::support::{TempDir, find_program, output_of, repository, said, skip, temp_dir};
use serde_json::Value;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where `tests/install lint` put the schema, its validator and pre-commit.
fn tools() -> Option<PathBuf> {
    let given = std::env::var_os("EIGHTBELLS_TOOLS").map(PathBuf::from);
    let places = given.into_iter().chain([repository().join("target/tools")]).map(|dir| dir.join("lint"));
    let found = places.into_iter().find(|dir| dir.join("sarif-schema-2.1.0.json").is_file());
    if found.is_none() {
        skip("no schema of SARIF, no check-jsonschema, no pre-commit: `tests/install lint` fetches them");
    }
    found
}

/// A Python program of those.
fn python(tools: &Path, module: &str) -> Command {
    let mut command = clean(&find_program("python3").unwrap());
    command.env("PYTHONPATH", tools.join("python")).args(["-m", module]);
    command
}

fn checked(tools: &Path, schema: &[&str], file: &Path) -> Output {
    python(tools, "check_jsonschema").args(schema).arg(file).output().unwrap()
}

fn is_valid(tools: &Path, schema: &[&str], file: &Path) {
    let output = checked(tools, schema, file);
    assert!(output.status.success(), "{}: {}", file.display(), said(&output));
}

fn write(folder: &TempDir, name: &std::ffi::OsStr, text: &[u8]) {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn sarif(folder: &Path, paths: &[&str]) -> (Vec<u8>, Value) {
    let output = eightbells().args(["lint", "--format", "sarif"]).args(paths).current_dir(folder).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", said(&output));
    (output.stdout.clone(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn sarif_is_valid_for_every_rule_for_odd_names_and_for_nothing_found() {
    let Some(tools) = tools() else { return };
    let schema = tools.join("sarif-schema-2.1.0.json");
    // The schema's own patterns are no regular expressions of the strict kind.
    let schema = ["--regex-variant", "nonunicode", "--schemafile", schema.to_str().unwrap()];
    let room = temp_dir();
    let odd = temp_dir();
    write(&odd, "a b:#?%.service".as_ref(), b"[Service]\nExecStart=/usr/bin/job caf\xe9 %z\n");
    write(&odd, std::ffi::OsStr::from_bytes(b"caf\xe9.timer"), b"[Timer]\nOnUnitActiveSec=1s\r\nPersistent=true");
    write(&odd, "\u{1f514}/\u{e9}.service".as_ref(), b"\xef\xbb\xbf[Service]\nExecStrat=/x\n");
    write(&odd, "empty.service".as_ref(), b"");
    let clean = temp_dir();
    write(&clean, "a.service".as_ref(), b"[Service]\nExecStart=/usr/bin/job\n");
    for (name, folder) in
        [("all", repository().join("tests/lint")), ("odd", odd.path().into()), ("clean", clean.path().into())]
    {
        let (text, log) = sarif(&folder, &["."]);
        let count = log["runs"][0]["results"].as_array().unwrap().len();
        assert_eq!(count == 0, name == "clean", "{name}: {count}");
        let file = room.path().join(format!("{name}.sarif"));
        std::fs::write(&file, text).unwrap();
        is_valid(&tools, &schema, &file);
    }
    let file = room.path().join("all.sarif");
    let spoilt = std::fs::read_to_string(&file).unwrap().replacen("\"level\"", "\"levle\"", 1);
    std::fs::write(&file, spoilt).unwrap();
    assert_eq!(checked(&tools, &schema, &file).status.code(), Some(1), "the validator takes anything");
}

#[test]
fn sarif_names_files_relative_to_where_the_linter_was_started() {
    let room = temp_dir();
    write(&room, "units/a.service".as_ref(), b"[Service]\nExecStrat=/usr/bin/job\n");
    let full = std::fs::canonicalize(room.path()).unwrap().join("units");
    for given in ["units", "./units", full.to_str().unwrap()] {
        let (_, log) = sarif(room.path(), &[given]);
        let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
        assert_eq!(place["uri"], "units/a.service", "{given}");
    }
}

fn yaml(file: &str) -> Value {
    let text = std::fs::read_to_string(repository().join(file)).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn the_files_for_ci_are_what_their_programs_take() {
    let Some(tools) = tools() else { return };
    let root = repository();
    is_valid(&tools, &["--builtin-schema", "vendor.github-actions"], &root.join("action.yml"));
    is_valid(&tools, &["--builtin-schema", "vendor.github-workflows"], &root.join("examples/ci/github-workflow.yml"));
    is_valid(&tools, &["--builtin-schema", "vendor.gitlab-ci"], &root.join("examples/ci/gitlab-ci.yml"));
    output_of(python(&tools, "pre_commit").arg("validate-manifest").arg(root.join(".pre-commit-hooks.yaml")));
    output_of(python(&tools, "pre_commit").arg("validate-config").arg(root.join("examples/ci/pre-commit-config.yaml")));
}

#[test]
fn the_example_lints_clean_as_it_stands() {
    let done = eightbells().args(["lint", "."]).current_dir(repository().join("examples/ci")).output().unwrap();
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("nothing found in 2 files"), "{}", said(&done));
}

fn git(folder: &Path, args: &[&str]) -> String {
    let settings = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"];
    output_of(Command::new("git").args(settings).args(args).current_dir(folder)).trim().to_owned()
}

#[test]
fn pre_commit_runs_the_hook_and_refuses_a_bad_unit() {
    let Some(tools) = tools() else { return };
    let (ours, theirs, home) = (temp_dir(), temp_dir(), temp_dir());
    let hooks = std::fs::read(repository().join(".pre-commit-hooks.yaml")).unwrap();
    write(&ours, ".pre-commit-hooks.yaml".as_ref(), &hooks);
    git(ours.path(), &["init", "-q"]);
    git(ours.path(), &["add", "."]);
    git(ours.path(), &["commit", "-qm", "hooks"]);
    let rev = git(ours.path(), &["rev-parse", "HEAD"]);
    let config = format!(
        "repos:\n  - repo: {}\n    rev: {rev}\n    hooks:\n      - id: eightbells-lint-system\n",
        ours.path().display()
    );
    write(&theirs, ".pre-commit-config.yaml".as_ref(), config.as_bytes());
    write(&theirs, "units/a.service".as_ref(), b"[Service]\nExecStart=/usr/bin/job\n");
    git(theirs.path(), &["init", "-q"]);
    git(theirs.path(), &["add", "."]);
    let run = || {
        let bin = eightbells_path();
        let path = format!("{}:{}", bin.parent().unwrap().display(), std::env::var("PATH").unwrap());
        let mut command = python(&tools, "pre_commit");
        command.args(["run", "--all-files", "--verbose"]).current_dir(theirs.path());
        command.env("PATH", path).env("HOME", home.path()).env("GIT_CONFIG_COUNT", "1");
        command.env("GIT_CONFIG_KEY_0", "safe.directory").env("GIT_CONFIG_VALUE_0", "*");
        command.output().unwrap()
    };
    let good = run();
    assert!(good.status.success(), "{}", said(&good));
    write(&theirs, "units/b.timer".as_ref(), b"[Timer]\nOnUnitActiveSec=4h\nUnit=a.service\n");
    git(theirs.path(), &["add", "."]);
    let bad = run();
    assert_eq!(bad.status.code(), Some(1), "{}", said(&bad));
    assert!(said(&bad).contains("timer-never-fires"), "{}", said(&bad));
}

/// The inputs that a text asks for.
fn inputs_of(text: &str) -> Vec<String> {
    let name = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    text.split("inputs.").skip(1).map(name).collect()
}

#[test]
fn the_action_asks_for_inputs_that_it_has_and_for_all_of_them() {
    let action = yaml("action.yml");
    let text = std::fs::read_to_string(repository().join("action.yml")).unwrap();
    let mut asked = inputs_of(&text);
    asked.sort();
    asked.dedup();
    let mut there: Vec<String> = action["inputs"].as_object().unwrap().keys().cloned().collect();
    there.sort();
    assert_eq!(asked, there);
    let with = yaml("examples/ci/github-workflow.yml")["jobs"]["lint"]["steps"][1]["with"].clone();
    assert!(with.as_object().unwrap().keys().all(|key| there.contains(key)), "{with}");
}

/// A step's environment with its inputs put in, as the runner does.
fn environment(step: &Value, inputs: &[(&str, &str)], action: &Value) -> Vec<(String, String)> {
    let value = |name: &str| {
        let given = inputs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        given.unwrap_or_else(|| action["inputs"][name]["default"].as_str().unwrap().to_owned())
    };
    let variables = step["env"].as_object().into_iter().flatten();
    variables.map(|(key, text)| (key.clone(), value(&inputs_of(text.as_str().unwrap())[0]))).collect()
}

#[test]
fn the_action_lints_and_writes_sarif() {
    let Some(bash) = crate::support::need_program("bash", "Debian's package bash") else { return };
    let action = yaml("action.yml");
    let step = action["runs"]["steps"].as_array().unwrap().iter().find(|step| step["id"] == "lint").unwrap();
    let room = temp_dir();
    write(&room, "units/a.service".as_ref(), b"[Service]\nExecStrat=/usr/bin/job\n");
    write(&room, "more/b.service".as_ref(), b"[Service]\nExecStart=/usr/bin/job\n");
    let binary = eightbells_path();
    let run = |inputs: &[(&str, &str)]| {
        let inputs = [inputs, &[("binary", binary.to_str().unwrap())]].concat();
        let mut command = clean(&bash);
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"].as_str().unwrap()]);
        command.current_dir(room.path()).env("GITHUB_OUTPUT", room.path().join("output"));
        command.envs(environment(step, &inputs, &action)).output().unwrap()
    };
    let bad = run(&[("paths", "units more"), ("sarif-file", "out.sarif"), ("target", "systemd:229")]);
    assert_eq!(bad.status.code(), Some(1), "{}", said(&bad));
    assert!(said(&bad).contains("::error file=units/a.service,line=2"), "{}", said(&bad));
    let log: Value = serde_json::from_slice(&std::fs::read(room.path().join("out.sarif")).unwrap()).unwrap();
    assert!(!log["runs"][0]["results"].as_array().unwrap().is_empty());
    assert_eq!(std::fs::read_to_string(room.path().join("output")).unwrap(), "sarif-file=out.sarif\n");
    let lenient = run(&[("paths", "units"), ("fail-on", "never")]);
    assert!(lenient.status.success(), "{}", said(&lenient));
    let good = run(&[("paths", "more")]);
    assert!(good.status.success(), "{}", said(&good));
}
