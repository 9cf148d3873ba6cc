//! The `tidegate` command.

use std::process::ExitCode;

use tidegate::Surroundings;

fn main() -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    ExitCode::from(tidegate::run(std::env::args_os(), &Surroundings::of_process(), &mut out, &mut err))
}
