//! `eightbells-run`: see [`eightbells::cli::runner`].

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(eightbells::cli::runner::main(std::env::args_os()))
}
