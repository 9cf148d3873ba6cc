//! The command line.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::{CommandFactory, Parser, Subcommand};

use tidegate_cli::Surroundings;

use crate::{demo, playground, replay, simulate};

/// A reader that went away is no error of ours: the code of a process that SIGPIPE ends.
const CLOSED_PIPE: u8 = 141;
const FAILED: u8 = 1;
/// The plugin's name on PATH.
pub(crate) const PLUGIN: &str = "kubectl-argo-rollouts";
/// The program by which kubectl completes the plugin's arguments.
pub(crate) const COMPLETER: &str = "kubectl_complete-argo-rollouts";

/// Progressive delivery for Kubernetes, without a cluster.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Write no colours. NO_COLOR does the same
    #[arg(long, global = true)]
    no_color: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Playground(playground::Args),
    Simulate(simulate::Args),
    Replay(replay::Args),
}

/// Carries out a command line, the program's name first, and returns the exit code: 0 done, 1 failed, 2 not understood,
/// 141 the reader of `out` went away.
pub fn run(
    words: impl IntoIterator<Item = OsString>,
    surroundings: &Surroundings,
    out: &mut impl Write,
    err: &mut impl Write,
) -> u8 {
    let words: Vec<OsString> = words.into_iter().collect();
    if let Some(words) = as_plugin(&words) {
        return tidegate_cli::run(words, surroundings, out, err);
    }
    match carry_out(words, surroundings, out, err) {
        Ok(code) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => CLOSED_PIPE,
        Err(error) => {
            // Nothing is left to be told to if this fails too.
            let _ = writeln!(err, "error: cannot write the output: {error}");
            FAILED
        }
    }
}

/// The plugin's command line, when the program was called by its name, or by the name of the helper that kubectl asks for
/// completions.
fn as_plugin(words: &[OsString]) -> Option<Vec<OsString>> {
    let name = Path::new(words.first()?).file_name()?.to_str()?;
    match name {
        PLUGIN => Some(words.to_vec()),
        COMPLETER => {
            let arguments = words.iter().skip(1).cloned();
            Some([OsString::from(PLUGIN), "__complete".into()].into_iter().chain(arguments).collect())
        }
        _ => None,
    }
}

fn carry_out(
    words: Vec<OsString>,
    surroundings: &Surroundings,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<u8> {
    let args = match Args::try_parse_from(words) {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            write!(err, "{}", error.render())?;
            return Ok(u8::try_from(error.exit_code()).unwrap_or(FAILED));
        }
        Err(help) => {
            write!(out, "{}", help.render())?;
            return Ok(0);
        }
    };
    let mut surroundings = surroundings.clone();
    surroundings.no_color |= args.no_color;
    let surroundings = &surroundings;
    match args.command {
        None => {
            write!(out, "{}", Args::command().render_help())?;
            Ok(0)
        }
        Some(Command::Demo(args)) => Ok(if demo::run(&args, surroundings, out)? { 0 } else { FAILED }),
        Some(Command::Playground(args)) => playground::run(&args, surroundings, out, err),
        Some(Command::Simulate(args)) => simulate::run(&args, surroundings, out, err),
        Some(Command::Replay(args)) => replay::run(&args, surroundings, out, err),
    }
}
