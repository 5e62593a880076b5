//! `eightbells`: see [`eightbells::cli::generator`].

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(eightbells::cli::generator::main(std::env::args_os()))
}
