//! The kubectl plugin `kubectl argo rollouts`.

use std::process::ExitCode;

use tidegate_cli::Surroundings;

fn main() -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    ExitCode::from(tidegate_cli::run(std::env::args_os(), &Surroundings::of_process(), &mut out, &mut err))
}
