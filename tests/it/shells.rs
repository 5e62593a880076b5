//! Completion in real shells, and manual pages that their own checkers find clean.

use crate::support::program::{eightbells, eightbells_path, runner, runner_path};
use crate::support::{TempDir, find_program, output_of, repository, said, skip, temp_dir};
use std::process::Command;

/// What a shell makes of a line that ends in a tab, candidates one a line.
fn completed(shell: &str, program: &str, words: &[&str]) -> Option<String> {
    let Some(path) = find_program(shell) else {
        skip(&format!("{shell} is not installed"));
        return None;
    };
    let bin = if program == "eightbells" { eightbells_path() } else { runner_path() };
    let mut asked = if program == "eightbells" { eightbells() } else { runner() };
    let script = output_of(asked.args(["completions", shell]));
    let folder = temp_dir();
    std::fs::write(folder.path().join("script"), script).unwrap();
    let mut command = Command::new(path);
    let search = format!("{}:{}", bin.parent().unwrap().display(), std::env::var("PATH").unwrap());
    command.current_dir(repository()).env("PATH", search).env("HOME", folder.path());
    command.args(["-c", &question(shell, program, words, &folder)]);
    Some(output_of(&mut command))
}

fn question(shell: &str, program: &str, words: &[&str], folder: &TempDir) -> String {
    let script = folder.path().join("script").display().to_string();
    let line: Vec<String> = std::iter::once(&program).chain(words).map(|word| format!("'{word}'")).collect();
    let (line, last, name) = (line.join(" "), words.len(), program.replace('-', "_"));
    match shell {
        "bash" => format!(
            "source {script}; COMP_WORDS=({line}); COMP_CWORD={last}; COMP_TYPE=9; \
             _clap_complete_{name} {program} \"${{COMP_WORDS[{last}]}}\" ''; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        ),
        // What zsh's own functions would show is printed instead.
        "zsh" => format!(
            "compdef() {{ asked=$1 }}; _describe() {{ print -l -- ${{(P)3}} }}; source {script}; words=({line}); \
             CURRENT={}; $asked",
            last + 1
        ),
        "fish" => format!("source {script}; complete -C \"{program} {}\"", words.join(" ")),
        other => panic!("no way to ask {other}"),
    }
}

fn each_shell(check: impl Fn(&str)) {
    for shell in ["bash", "zsh", "fish"] {
        check(shell);
    }
}

#[test]
fn shells_complete_commands() {
    each_shell(|shell| {
        let Some(told) = completed(shell, "eightbells", &["ge"]) else { return };
        assert!(told.trim().starts_with("generate"), "{shell}: {told}");
        let Some(told) = completed(shell, "eightbells-run", &["res"]) else { return };
        assert!(told.trim().starts_with("restore"), "{shell}: {told}");
    });
}

#[test]
fn shells_complete_jobs_of_the_spec_on_the_line() {
    each_shell(|shell| {
        let Some(told) = completed(shell, "eightbells", &["show", "examples/moinmoin.yaml", ""]) else { return };
        assert!(told.lines().any(|line| line.trim().starts_with("moinmoin-backup")), "{shell}: {told}");
        let words = ["list", "--spec", "examples/moinmoin.yaml", "--job", "moin"];
        let Some(told) = completed(shell, "eightbells-run", &words) else { return };
        assert!(told.trim().starts_with("moinmoin-backup"), "{shell}: {told}");
    });
}

#[test]
fn a_shell_without_a_script_is_refused() {
    let output = eightbells().args(["completions", "tcsh"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("fish"), "{}", said(&output));
}

#[test]
fn manual_pages_of_all_commands_are_clean() {
    let folder = temp_dir();
    for mut program in [eightbells(), runner()] {
        output_of(program.args(["man", "--output"]).arg(folder.path()));
    }
    let mut pages: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    let names: Vec<_> = pages.iter().map(|page| page.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for expected in ["eightbells.1", "eightbells-generate.1", "eightbells-run.1", "eightbells-run-restore.1"] {
        assert!(names.iter().any(|name| name == expected), "{names:?}");
    }
    if find_program("man").is_none() || find_program("mandoc").is_none() {
        return skip("man or mandoc is not installed");
    }
    for page in &pages {
        let output = Command::new("man").args(["--warnings=w", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]).arg(page).output();
        let output = output.unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}: {}", page.display(), said(&output));
        let output = Command::new("mandoc").args(["-T", "lint", "-W", "error"]).arg(page).output().unwrap();
        assert!(output.status.success(), "{}: {}", page.display(), said(&output));
    }
    let page = std::fs::read_to_string(folder.path().join("eightbells-run-restore.1")).unwrap();
    assert!(page.contains("EXIT STATUS"), "{page}");
}
