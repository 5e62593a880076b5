//! The tree itself: what must not be in it, which module may use which, and papers that agree with the code.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{output_of, repository, skip};

/// Modules by layer: a module uses its own layer and those below.
const LAYERS: [(&str, u8); 18] = [
    ("cli", 4),
    ("render", 3),
    ("lint", 3),
    ("run", 3),
    ("timeline", 3),
    ("plan", 2),
    ("unit", 2),
    ("spec", 1),
    ("schedule", 1),
    ("value", 1),
    ("source", 1),
    ("archive", 1),
    ("destination", 1),
    ("retention", 1),
    ("target", 1),
    ("contract", 1),
    ("conduct", 1),
    ("diag", 0),
];

/// Beyond the layers: who never uses whom. The runner has nothing to do with units.
const NEVER: [(&str, &[&str]); 4] = [
    ("run", &["plan", "render", "lint", "unit"]),
    ("render", &["lint", "run"]),
    ("lint", &["render", "run"]),
    ("unit", &["plan"]),
];

/// What asks the operating system for something that changes from one moment to the next.
const EFFECTS: [&str; 7] = [
    "std::env::var",
    "std::env::current",
    "std::process::",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
];

/// Modules that may.
const EFFECTIVE: [&str; 3] = ["run", "cli", "bin"];

const SOURCE_FILE_MAX_LINES: usize = 600;

/// Every file that git tracks, or is about to; none where this is no clone.
fn tracked() -> Option<Vec<PathBuf>> {
    if !repository().join(".git").exists() {
        skip("not a clone: only git knows which files are ours");
        return None;
    }
    let mut git = Command::new("git");
    // A clone may belong to another user than root, who runs the tests.
    git.args(["-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let list = output_of(git.current_dir(repository()));
    Some(list.split_terminator('\0').map(PathBuf::from).filter(|file| repository().join(file).is_file()).collect())
}

fn read(file: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(repository().join(file)).unwrap()).into_owned()
}

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(Path::new("src"), &mut files);
    files.retain(|file| file.extension().is_some_and(|it| it == "rs"));
    assert!(files.len() > 10, "where are the sources?");
    files
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(repository().join(dir)).unwrap() {
        let path = dir.join(entry.unwrap().file_name());
        if repository().join(&path).is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The top-level module that a source file belongs to: `src/spec/read.rs` to `spec`, `src/lib.rs` to `lib`.
fn module_of(file: &Path) -> String {
    let first = file.components().nth(1).unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

/// The text of a file without its comments and without what only its tests have.
fn product_code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).fold(String::new(), |mut kept, line| {
        writeln!(kept, "{line}").unwrap();
        kept
    })
}

/// The top-level modules that code names after `crate::`, groups in braces taken apart.
fn used_modules(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(group) => used.extend(top_level_names(group)),
            None => used.extend(name_at(after)),
        }
    }
    used
}

fn name_at(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// `a::{b, c}, d}` has `a` and `d`.
fn top_level_names(group: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut depth = 0;
    for sign in group.chars() {
        match sign {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            other => names.last_mut().unwrap().push(other),
        }
    }
    names.iter().filter_map(|name| name_at(name.trim())).collect()
}

#[test]
fn imports_are_understood_in_groups_too() {
    let code = "use crate::{a::{b, c}, d, e::f};\nuse crate::g::h;\nlet x = crate::i();";
    assert_eq!(used_modules(code).into_iter().collect::<Vec<_>>(), ["a", "d", "e", "g", "i"]);
}

#[test]
fn every_module_has_its_layer() {
    let lib = read(Path::new("src/lib.rs"));
    let modules: Vec<_> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(modules.len() > 5, "how does src/lib.rs name its modules?");
    let without: Vec<_> = modules.into_iter().filter(|module| layer(module).is_none()).collect();
    assert!(without.is_empty(), "say in LAYERS where these stand: {without:?}");
}

#[test]
fn arrows_go_down_only() {
    let mut wrong = Vec::new();
    for file in sources() {
        let module = module_of(&file);
        let Some(own) = layer(&module) else { continue };
        let never = NEVER.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, never)| never);
        for used in used_modules(&product_code(&read(&file))) {
            let above = layer(&used).is_some_and(|layer| layer > own);
            if above || never.contains(&used.as_str()) {
                wrong.push(format!("{} uses crate::{used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_upper_layers_ask_the_operating_system() {
    let mut wrong = Vec::new();
    for file in sources() {
        if EFFECTIVE.contains(&module_of(&file).as_str()) || file.file_stem().is_some_and(|name| name == "tests") {
            continue;
        }
        let code = product_code(&read(&file));
        wrong.extend(EFFECTS.iter().filter(|it| code.contains(**it)).map(|it| format!("{}: {it}", file.display())));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn source_files_can_be_read_in_one_sitting() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|file| (read(&file).lines().count(), file))
        .filter(|(lines, _)| *lines >= SOURCE_FILE_MAX_LINES)
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn there_is_no_unsafe_code() {
    assert!(read(Path::new("Cargo.toml")).contains("\nunsafe_code = \"forbid\"\n"));
}

/// Words that no file of ours holds. They are put together here, so that this file does not hold them either.
fn forbidden_words() -> Vec<String> {
    let machine_paths = ["/work", "/root"].map(|path| format!("{path}/"));
    let stubs = [["TO", "DO"], ["FIX", "ME"], ["todo", "!("], ["unimplemented", "!("]].map(|parts| parts.concat());
    let hosts = [
        ["crates", "io"],
        ["pypi", "org"],
        ["pythonhosted", "org"],
        ["npmjs", "org"],
        ["deb.debian", "org"],
        ["docker", "io/"],
        ["quay", "io"],
        ["ghcr", "io"],
    ]
    .map(|parts| parts.join("."));
    [&machine_paths[..], &stubs, &hosts].concat()
}

#[test]
fn no_file_holds_a_path_of_this_machine_a_stub_or_a_registry() {
    let Some(files) = tracked() else { return };
    // Cargo itself names its registry in the lock file.
    let ours = |file: &&PathBuf| !file.starts_with("tests/conformance") && **file != Path::new("Cargo.lock");
    let words = forbidden_words();
    let mut wrong = Vec::new();
    for file in files.iter().filter(ours) {
        for (number, line) in read(file).lines().enumerate() {
            let found = words.iter().filter(|word| holds(line, word));
            wrong.extend(found.map(|word| format!("{}:{}: {word}", file.display(), number + 1)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether a line holds a word that is not the tail of a longer one: `docker.io=1` does not name a host.
fn holds(line: &str, word: &str) -> bool {
    let mut before = line.match_indices(word).filter_map(|(at, _)| line.get(..at));
    before.any(|before| !before.ends_with(|it: char| it.is_alphanumeric() || it == '.'))
}

#[test]
fn lints_are_expected_with_a_reason_never_allowed() {
    let allow = ["#[", "allow("].concat();
    let wrong: Vec<_> = sources().into_iter().filter(|file| read(file).contains(&allow)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_test_file_is_part_of_the_test_program() {
    let main = read(Path::new("tests/it/main.rs"));
    let mut files = Vec::new();
    collect(Path::new("tests/it"), &mut files);
    let rust = files.iter().filter(|file| file.extension().is_some_and(|it| it == "rs"));
    let top = rust.filter(|file| file.components().count() == 3 && !file.ends_with("main.rs"));
    let forgotten: Vec<_> =
        top.filter(|file| !main.contains(&format!("mod {};", file.file_stem().unwrap().to_str().unwrap()))).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

#[test]
fn every_template_has_an_escaper() {
    let settings = read(Path::new("askama.toml"));
    let escaped: Vec<&str> = settings.lines().filter(|line| line.starts_with("extensions")).collect();
    let mut templates = Vec::new();
    collect(Path::new("templates"), &mut templates);
    assert!(!templates.is_empty());
    for template in templates {
        let extension = template.extension().unwrap().to_str().unwrap().to_owned();
        let quoted = format!("\"{extension}\"");
        assert!(escaped.iter().any(|line| line.contains(&quoted)), "{}: no escaper", template.display());
    }
}

#[test]
fn the_readme_tells_every_exit_code() {
    let readme = read(Path::new("README.md"));
    let rows = readme.lines().filter_map(|line| {
        let (code, meaning) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        Some((code.trim().parse::<u8>().ok()?, meaning.trim()))
    });
    assert_eq!(rows.collect::<Vec<_>>(), eightbells::contract::exit::ALL);
}
