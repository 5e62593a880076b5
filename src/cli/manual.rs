//! Manual pages, from the same words as `--help`.

use super::output::{Failure, print, say};
use crate::contract::exit;
use clap::Args;
use clap_mangen::Man;
use std::path::{Path, PathBuf};

/// What `man` is told.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The folder for one page a command; without it the program's own page is printed: `man -l <(… man)`
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Prints the page of a program, or writes those of all its commands.
pub(super) fn man(args: &ManArgs, program: clap::Command) -> Result<(), Failure> {
    let program = program.disable_help_subcommand(true);
    match &args.output {
        None => print(&page(program)?),
        Some(folder) => pages(program, folder),
    }
}

fn page(command: clap::Command) -> Result<String, Failure> {
    let mut text = vec![];
    let man = Man::new(command).manual("Eight Bells");
    man.render(&mut text).map_err(|error| Failure::new(exit::FAILED, format!("cannot write the page: {error}")))?;
    Ok(format!("{}{EXIT_STATUS}", String::from_utf8_lossy(&text)))
}

/// The same for all commands of both programs.
const EXIT_STATUS: &str = r#".SH "EXIT STATUS"
.TP
0
done
.TP
1
failed; of a check: findings
.TP
2
wrong arguments
.TP
3
partly done
.TP
75
another run of the job holds the lock
.TP
78
the spec is wrong
"#;

fn pages(mut program: clap::Command, folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::io("make", folder, &error))?;
    program.build();
    let mut left = vec![program];
    while let Some(command) = left.pop() {
        left.extend(command.get_subcommands().filter(|inner| !inner.is_hide_set()).cloned());
        let path = folder.join(Man::new(command.clone()).get_filename());
        std::fs::write(&path, page(command)?).map_err(|error| Failure::io("write", &path, &error))?;
        say(&format!("wrote {}", path.display()));
    }
    Ok(())
}
