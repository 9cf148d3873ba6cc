//! The file format of scenarios, and what must hold at their end.

use std::fmt;
use std::time::Duration;

use tidegate_core::invariants;

use super::command::{Command, CommandError};
use crate::router::Routing;
use crate::world::World;

/// A scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Seed of its world; `# seed: N` sets it, 1 otherwise.
    pub seed: u64,
    /// The router of its world; `# router: confirms after TIME` and `# router: none` set it.
    pub routing: Option<Routing>,
    /// Its lines.
    pub steps: Vec<Step>,
}

/// A piece of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A comment or an empty line, as written.
    Text(String),
    /// A command with what it printed.
    Command {
        /// Its line in the file, from 1.
        line: usize,
        /// Without `$ `.
        text: String,
        /// Without indentation; no line end.
        output: String,
    },
}

/// Why a script is no good, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// A line that is neither command, comment nor output.
    #[error(
        "line {line}: `{text}` is neither a command (`$ ...`), a comment (`# ...`) nor output (four blanks)"
    )]
    Line {
        /// 1-based.
        line: usize,
        /// The line.
        text: String,
    },
    /// A command that could not be carried out.
    #[error("line {line}, `$ {text}`: {source}")]
    Command {
        /// 1-based.
        line: usize,
        /// The command.
        text: String,
        /// What was wrong.
        source: CommandError,
    },
    /// The world is not as it must be at the end.
    #[error("at the end: {0}")]
    End(String),
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// [`ScriptError::Line`].
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut steps: Vec<Step> = Vec::new();
        let mut seed = 1;
        let mut routing = Some(Routing::default());
        let mut blanks = 0;
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                blanks += 1;
                continue;
            }
            let is_output = line.starts_with("    ");
            if let (true, Some(Step::Command { output, .. })) = (is_output, steps.last_mut()) {
                if !output.is_empty() {
                    output.push_str(&"\n".repeat(blanks + 1));
                }
                output.push_str(line[4..].trim_end());
                blanks = 0;
                continue;
            }
            steps.extend(std::iter::repeat_n(Step::Text(String::new()), std::mem::take(&mut blanks)));
            if let Some(command) = line.strip_prefix("$ ") {
                let text = command.trim().to_owned();
                steps.push(Step::Command { line: number + 1, text, output: String::new() });
            } else if line.starts_with('#') {
                seed = seed_of(line).unwrap_or(seed);
                routing = routing_of(line).unwrap_or(routing);
                steps.push(Step::Text(line.trim_end().to_owned()));
            } else {
                return Err(ScriptError::Line { line: number + 1, text: line.to_owned() });
            }
        }
        Ok(Self { seed, routing, steps })
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            match step {
                Step::Text(text) => writeln!(f, "{text}")?,
                Step::Command { text, output, .. } => {
                    writeln!(f, "$ {text}")?;
                    for line in output.lines() {
                        writeln!(f, "{}", format!("    {}", line.trim_end()).trim_end())?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The value of a comment `# seed: N`.
fn seed_of(line: &str) -> Option<u64> {
    line.strip_prefix("# seed:")?.trim().parse().ok()
}

/// What a comment `# router: ...` says: `confirms after TIME`, or `none`.
fn routing_of(line: &str) -> Option<Option<Routing>> {
    match line.strip_prefix("# router:")?.trim() {
        "none" => Some(None),
        other => {
            let time = other.strip_prefix("confirms after ")?;
            let time = tidegate_api::duration::parse_go_duration(time).ok()?;
            Some(Some(Routing { confirmation: Some(Duration::try_from(time).ok()?), ..Routing::default() }))
        }
    }
}

/// The commands of a text that somebody wrote by hand: `$ ` may be left out, what scenarios print is passed over.
#[derive(Debug, Default)]
pub struct Commands {
    /// `# seed: N`.
    pub seed: Option<u64>,
    /// In order.
    pub commands: Vec<Written>,
    /// Lines that are no commands.
    pub faults: Vec<(usize, CommandError)>,
}

/// A command as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Its line, from 1.
    pub line: usize,
    /// Without `$ `.
    pub text: String,
    /// What it means.
    pub command: Command,
}

impl Commands {
    /// Reads all lines, and goes on after those that are no commands.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut read = Self::default();
        for (line, content) in (1..).zip(text.lines()) {
            if content.starts_with('#') {
                read.seed = seed_of(content).or(read.seed);
                continue;
            }
            if content.trim().is_empty() || content.starts_with("    ") {
                continue;
            }
            let text = content.strip_prefix("$ ").unwrap_or(content).trim().to_owned();
            match Command::parse(&text) {
                Ok(command) => read.commands.push(Written { line, text, command }),
                Err(fault) => read.faults.push((line, fault)),
            }
        }
        read
    }
}

/// Nothing was broken, nothing is left to do, and nothing is done for a day.
pub(super) async fn check_rest(world: &mut World) -> Result<(), ScriptError> {
    let end = |text: String| Err(ScriptError::End(text));
    if world.gate().is_none() {
        world.start_controller();
    }
    if !world.come_to_rest(Duration::from_secs(3600)).await {
        return end("the world does not come to rest within an hour".into());
    }
    if world.controller_has_ended() {
        return end("the controller has ended".into());
    }
    for object in world.server.list("rollouts.argoproj.io", None) {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
        let Some(plan) = world.second_plan(&namespace, &name).await else {
            return end(format!("the controller does not know {namespace}/{name}"));
        };
        let Some(rest) = world.inspector.observation(&namespace, &name) else { continue };
        let broken = invariants::is_at_rest(&plan, &rest).or_else(|| invariants::abort_has_ended(&rest));
        if let Some(violation) = broken {
            return end(format!("{namespace}/{name}: {violation}"));
        }
    }
    let before = world.controller_writes();
    world.pass(Duration::from_secs(86_400)).await;
    let writes = world.controller_writes() - before;
    if writes > 0 {
        return end(format!("{writes} writes in a day at rest"));
    }
    match world.inspector.violations().first() {
        Some((at, violation)) => end(format!("broken at {at}: {violation}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_written_commands_need_no_prompt() {
        let text = "# seed: 7\n$ traffic\n    100 % blue\n\nwait 5s\n  crash\nfly to the moon\n";
        let read = Commands::read(text);
        assert_eq!(read.seed, Some(7));
        let commands: Vec<_> = read.commands.iter().map(|it| (it.line, it.text.as_str())).collect();
        assert_eq!(commands, [(2, "traffic"), (5, "wait 5s"), (6, "crash")]);
        assert_eq!(read.faults.len(), 1);
        assert_eq!(read.faults[0].0, 7);
    }
}
