//! The command line: from words to a command, and from its outcome to an exit code.

use std::ffi::OsString;
use std::future::Future;
use std::io::{self, Write};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::build::NAME;
use crate::commands::{
    Context, abort, complete, completion, get, list, pause, promote, restart, retry, set, status, undo,
    version,
};
use crate::failure::{FAILED, Failure, Problem};
use crate::flags::{Flags, LogLevel};
use crate::surroundings::Surroundings;
use crate::ui::Ui;
use crate::{help, mistake};

/// A reader that went away is no error of ours: the code of a process that SIGPIPE ends.
const CLOSED_PIPE: u8 = 141;

/// Manage Rollouts: look at them, update them, and decide how an update goes on
#[derive(Debug, Parser)]
#[command(name = NAME, after_help = EXAMPLES, override_usage = "COMMAND", args_override_self = true)]
#[command(disable_help_flag = true, disable_help_subcommand = true, disable_version_flag = true)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
  # Follow a Rollout
  kubectl argo rollouts get rollout guestbook --watch

  # Begin an update
  kubectl argo rollouts set image guestbook web=guestbook:v2

  # Let an update go on that is paused
  kubectl argo rollouts promote guestbook

  # Give an update up
  kubectl argo rollouts abort guestbook";

#[derive(Debug, Subcommand)]
enum Command {
    Abort(abort::Args),
    Completion(completion::Args),
    Get(get::Args),
    /// Show help about a command
    #[command(override_usage = "[COMMAND]")]
    Help {
        #[arg(hide = true)]
        words: Vec<String>,
    },
    List(list::Args),
    Pause(pause::Args),
    Promote(promote::Args),
    Restart(restart::Args),
    Retry(retry::Args),
    Set(set::Args),
    Status(status::Args),
    Undo(undo::Args),
    Version(version::Args),
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

/// Carries out a command line, the program's name first, and returns the exit code: 0 done, 1 failed, 130 interrupted, 141
/// the reader of `out` went away.
pub fn run(
    words: impl IntoIterator<Item = OsString>,
    surroundings: &Surroundings,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let words: Vec<OsString> = words.into_iter().collect();
    let mut ui = Ui::new(out, err, surroundings, LogLevel::Warning);
    let outcome = match complete::Request::of(&words) {
        Some(request) => block_on(complete::run(&mut ui, surroundings, &request)),
        None => carry_out(&words, &mut ui),
    };
    match outcome {
        Ok(()) => 0,
        Err(Failure::Problem(problem)) => {
            ui.tell(&problem);
            problem.code
        }
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => CLOSED_PIPE,
        Err(Failure::Output(error)) => {
            ui.note(&format!("Error: cannot write the output: {error}"));
            FAILED
        }
        Err(Failure::Usage) => FAILED,
    }
}

fn carry_out(words: &[OsString], ui: &mut Ui<'_>) -> Result<(), Failure> {
    let mut root = Args::command();
    let matches = match root.try_get_matches_from_mut(words) {
        Ok(matches) => matches,
        Err(error) => return Err(mistake::explain(&error, &root, words).into()),
    };
    let args = Args::from_arg_matches(&matches).map_err(|error| mistake::explain(&error, &root, words))?;
    root.build();
    let path = path(&matches);
    if args.flags.help || mistake::asks_for_help(args.unknown_words()) {
        return Ok(ui.write(&help::full(&root, &path))?);
    }
    let level = LogLevel::parse(&args.flags.loglevel).map_err(Problem::new)?;
    ui.set_level(level);
    if let Some(words) = args.unknown_words()
        && let Some(problem) = mistake::unknown_command(&path, words)
    {
        return Err(problem.into());
    }
    let context = Context::new(&args.flags, ui.surroundings(), args.flags.wants_requests(level));
    let (outcome, asked) = match &args.command {
        Some(Command::Help { words }) => (help_about(ui, &root, words), &[][..]),
        command => (block_on(perform(command.as_ref(), ui, &context)), path.as_slice()),
    };
    context.tell_requests(ui);
    if matches!(outcome, Err(Failure::Usage)) {
        ui.complain(&help::usage(&root, asked));
    }
    outcome
}

impl Args {
    /// A command that is not known, and what follows it.
    fn unknown_words(&self) -> Option<&[OsString]> {
        match self.command.as_ref()? {
            Command::Unknown(words)
            | Command::Get(get::Args { command: Some(get::Get::Unknown(words)) })
            | Command::List(list::Args { command: Some(list::List::Unknown(words)) })
            | Command::Retry(retry::Args { command: Some(retry::Retry::Unknown(words)) })
            | Command::Set(set::Args { command: Some(set::Set::Unknown(words)) }) => Some(words),
            _ => None,
        }
    }
}

/// Names of the commands that were given, without one that is not known.
fn path(matches: &clap::ArgMatches) -> Vec<String> {
    let mut path = Vec::new();
    let mut at = matches;
    while let Some((name, below)) = at.subcommand() {
        path.push(name.to_owned());
        at = below;
    }
    path
}

async fn perform(command: Option<&Command>, ui: &mut Ui<'_>, context: &Context<'_>) -> Result<(), Failure> {
    match command {
        Some(Command::Abort(args)) => abort::run(ui, context, args).await,
        Some(Command::Completion(args)) => completion::run(ui, context, args),
        Some(Command::Get(args)) => get::run(ui, context, args).await,
        Some(Command::List(args)) => list::run(ui, context, args).await,
        Some(Command::Pause(args)) => pause::run(ui, context, args).await,
        Some(Command::Promote(args)) => promote::run(ui, context, args).await,
        Some(Command::Restart(args)) => restart::run(ui, context, args).await,
        Some(Command::Retry(args)) => retry::run(ui, context, args).await,
        Some(Command::Set(args)) => set::run(ui, context, args).await,
        Some(Command::Status(args)) => status::run(ui, context, args).await,
        Some(Command::Undo(args)) => undo::run(ui, context, args).await,
        Some(Command::Version(args)) => version::run(ui, context, args),
        Some(Command::Help { .. } | Command::Unknown(_)) | None => Err(Failure::Usage),
    }
}

fn help_about(ui: &mut Ui<'_>, root: &clap::Command, words: &[String]) -> Result<(), Failure> {
    match help::find(root, words) {
        Some(path) => Ok(ui.write(&help::full(root, &path))?),
        None => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            ui.note(&format!("Unknown help topic [{}]", words.join(" ")));
            Err(Failure::Usage)
        }
    }
}

/// One thread is enough: the program waits for one server.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(future);
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    outcome
}
