//! Scenario scripts: commands in, transcript out, in virtual time.
//!
//! A script is a text file. A line that begins with `$ ` is a command; the lines behind it that are indented by four blanks are what
//! it printed. `# ` begins a comment. The same file is tutorial, bug report and regression test: running it writes the output anew,
//! and a test compares. At the end of every script the world must be at rest: the controller's second plan is empty, no invariant was
//! broken, and a simulated day passes without a write.
//!
//! Commands are those a user would type (`kubectl apply -f FILE`, `kubectl argo rollouts promote NAME`, ...), the simulator's own
//! (`wait 5s`, `wait until Healthy`, `crash`, `start`) are listed in [`command`]. In reading order: `script` (the file format),
//! `command` and `parse` over `words` (lines, understood), `perform` and `look` (carried out), `wait`.

pub mod command;
mod look;
mod parse;
mod perform;
mod script;
mod wait;
mod words;

pub use command::{Action, Change, Command, CommandError, MachineEvent};
pub use perform::{Context, Shown, perform};
pub use script::{Commands, Script, ScriptError, Step, Written};

use std::path::Path;

use crate::pace::Pace;
use crate::world::{Options, World, run};

/// Namespace that scenarios play in.
const NAMESPACE: &str = "default";

/// Runs a script in a world of its own and returns it with the output it had. Files that it names are relative to `base`.
///
/// # Errors
/// When a line cannot be understood, or the world is not at rest at the end; the text says where.
pub fn play(script: &Script, base: &Path) -> Result<Script, ScriptError> {
    let (played, outcome) = play_through(script, base);
    outcome.map(|()| played)
}

/// The same, and what was played before it went wrong.
pub fn play_through(script: &Script, base: &Path) -> (Script, Result<(), ScriptError>) {
    let options = Options { seed: script.seed, routing: script.routing, ..Options::default() };
    let context = Context { namespace: NAMESPACE.to_owned(), folder: base.to_owned() };
    let commands = match understood(script) {
        Ok(commands) => commands,
        Err(error) => return (script.clone(), Err(error)),
    };
    run(Pace::Virtual, options, |mut world| async move {
        world.prepare().await;
        let mut played = script.clone();
        let steps = played.steps.iter_mut().filter_map(|step| match step {
            Step::Command { line, text, output } => Some((*line, text, output)),
            Step::Text(_) => None,
        });
        for (command, (line, text, output)) in commands.iter().zip(steps) {
            match printed(&mut world, command, &context).await {
                Ok(shown) => *output = shown,
                Err(source) => {
                    let text = text.clone();
                    return (played, Err(ScriptError::Command { line, text, source }));
                }
            }
        }
        let rest = script::check_rest(&mut world).await;
        (played, rest)
    })
}

/// All commands of a script, in order.
fn understood(script: &Script) -> Result<Vec<Command>, ScriptError> {
    let commands = script.steps.iter().filter_map(|step| match step {
        Step::Command { line, text, .. } => {
            Some(Command::parse(text).map_err(|source| ScriptError::Command {
                line: *line,
                text: text.clone(),
                source,
            }))
        }
        Step::Text(_) => None,
    });
    commands.collect()
}

/// Carries out a command; returns what it printed.
async fn printed(world: &mut World, command: &Command, context: &Context) -> Result<String, CommandError> {
    match &command.action {
        Action::Wait(time) => Ok(wait::wait(world, &context.namespace, *time).await),
        Action::WaitUntil(words) => wait::wait_until(world, &context.namespace, words).await,
        _ => {
            let shown = perform(world, command, context).await?.unwrap_or_else(|| Ok(String::new()));
            Ok(shown.unwrap_or_else(|error| format!("Error: {error}")))
        }
    }
}
