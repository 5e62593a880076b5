//! Every block of the README and of `docs/` is run: `yaml NAME`, `toml NAME` and `ini NAME` are written to that file, `sh` is run.

use crate::support::{repository, said, temp_dir};
use std::path::{Path, PathBuf};
use std::process::Command;

struct Block {
    page: String,
    line: usize,
    info: String,
    text: String,
}

fn pages() -> Vec<PathBuf> {
    let docs = std::fs::read_dir(repository().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    pages.sort();
    pages.insert(0, repository().join("README.md"));
    pages
}

fn blocks(page: &Path) -> Vec<Block> {
    let name = page.file_name().unwrap().to_str().unwrap().to_owned();
    let text = std::fs::read_to_string(page).unwrap();
    let mut blocks: Vec<Block> = vec![];
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(info) => {
                open = true;
                blocks.push(Block { page: name.clone(), line: index + 1, info: info.to_owned(), text: String::new() });
            }
            None if open => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!open, "{name}: a block that never ends");
    blocks
}

fn run(block: &Block, folder: &Path) {
    let bin = Path::new(env!("CARGO_BIN_EXE_eightbells")).parent().unwrap();
    let output = Command::new("sh")
        .args(["-euc", &block.text])
        .current_dir(folder)
        .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()))
        .env("EIGHTBELLS_STATE_DIR", folder.join("state"))
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}:{}: {}\n{}", block.page, block.line, block.text, said(&output));
}

#[test]
fn every_block_of_the_documentation_runs() {
    for page in pages() {
        let room = temp_dir();
        let mut ran = 0;
        for block in blocks(&page) {
            match block.info.split_once(' ').unwrap_or((&block.info, "")) {
                ("yaml" | "toml" | "ini", name) => {
                    assert!(!name.is_empty(), "{}:{}: a file needs a name", block.page, block.line);
                    let path = room.path().join(name);
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, &block.text).unwrap();
                }
                ("sh", "") => {
                    run(&block, room.path());
                    ran += 1;
                }
                ("sh", note) => assert!(note.starts_with("no-run ("), "{}:{}: `{note}`", block.page, block.line),
                ("text", _) => {}
                (other, _) => panic!("{}:{}: what is a block of `{other}`?", block.page, block.line),
            }
        }
        assert!(ran > 0, "{} shows nothing that runs", page.display());
        for folder in ["/var/tmp/eightbells-guide", "/var/tmp/eightbells-readme", "/var/tmp/eightbells-sources"] {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
