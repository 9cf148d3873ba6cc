//! The controller as a program.

use std::process::ExitCode;

use tidegate_controller::process::{self, Surroundings};

fn main() -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr());
    ExitCode::from(process::run(std::env::args_os(), &Surroundings::of_process(), &mut out, &mut err))
}
