//! Scenario scripts: commands in, transcript out, in virtual time.
//!
//! A script is a text file. A line that begins with `$ ` is a command; the lines behind it that are indented by four blanks are what
//! it printed. `# ` begins a comment. The same file is tutorial, bug report and regression test: running it writes the output anew,
//! and a test compares. At the end of every script the world must be at rest: the controller's second plan is empty, no invariant was
//! broken, and a simulated day passes without a write.
//!
//! Commands are those a user would type (`kubectl apply -f FILE`, `kubectl argo rollouts promote NAME`, ...), the simulator's own
//! (`wait 5s`, `wait until Healthy`, `crash`, `start`) are listed in [`command`]. In reading order: `script` (the file format),
//! `command` and `parse` over `words` (lines, understood), `perform` and `look` (carried out), `wait`, `rest` (what must hold at the end).

pub mod command;
mod look;
mod parse;
mod perform;
mod rest;
mod script;
mod wait;
mod words;

pub use command::{Action, Change, Command, CommandError, Fate, MachineEvent, Manifest, Wanted};
pub use perform::{Context, Shown, perform};
pub(crate) use rest::check_rest;
pub use script::{Commands, Script, ScriptError, Setting, Step, Written};

use std::path::Path;

use crate::pace::Pace;
use crate::world::{World, run};

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
    let commands = match understood(script) {
        Ok(commands) => commands,
        Err(error) => return (script.clone(), Err(error)),
    };
    run(Pace::Virtual, script.setting.options(), |mut world| async move {
        let mut played = script.clone();
        let mut outcome = follow(&mut world, &mut played, &commands, base).await;
        if outcome.is_ok() {
            outcome = check_rest(&mut world, rest::DAY).await;
        }
        (played, outcome)
    })
}

/// Carries out the commands of a script one after the other, and notes what they print.
pub(crate) async fn follow(
    world: &mut World,
    script: &mut Script,
    commands: &[Command],
    base: &Path,
) -> Result<(), ScriptError> {
    let context = Context { namespace: script.setting.namespace.clone(), folder: base.to_owned() };
    world.prepare().await;
    world.ensure_namespace(&context.namespace).await;
    let steps = script.steps.iter_mut().filter_map(|step| match step {
        Step::Command { line, text, output } => Some((*line, text, output)),
        Step::Text(_) => None,
    });
    for (command, (line, text, output)) in commands.iter().zip(steps) {
        match printed(world, command, &context).await {
            Ok(shown) => *output = shown,
            Err(source) => return Err(ScriptError::Command { line, text: text.clone(), source }),
        }
    }
    let is_gone =
        |name: &&String| world.server.get("rollouts.argoproj.io", &context.namespace, name).is_none();
    match script.setting.rollouts.iter().find(is_gone) {
        Some(name) => Err(ScriptError::End(format!("Rollout {name} is not there"))),
        None => Ok(()),
    }
}

/// All commands of a script, in order.
pub(crate) fn understood(script: &Script) -> Result<Vec<Command>, ScriptError> {
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
        Action::Attend(time) => Ok(wait::attend(world, &context.namespace, *time).await),
        Action::WaitUntil(wanted) => wait::wait_until(world, &context.namespace, wanted).await,
        _ => {
            let shown = perform(world, command, context).await?.unwrap_or_else(|| Ok(String::new()));
            Ok(shown.unwrap_or_else(|error| format!("Error: {error}")))
        }
    }
}
