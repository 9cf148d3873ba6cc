//! The file format of scenarios.

use std::fmt;
use std::time::Duration;

use tidegate_kubesim::{PodState, Reaction, Stage};

use super::command::{Command, CommandError};
use crate::router::Routing;
use crate::world::Options;

/// The world of a scenario, as comments set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `# seed: N`; 1 otherwise.
    pub seed: u64,
    /// `# router: confirms after TIME`, `# router: refuses every N`, `# router: none`.
    pub routing: Option<Routing>,
    /// `# workers: N`: Rollouts that the controller works on at the same time; 10 otherwise.
    pub workers: usize,
    /// `# reaction: TIME`: how long the workload controllers take to notice a change; no time otherwise.
    pub reaction: Duration,
    /// `# ready after: TIME`: how long pods take to become ready; 0.8 s otherwise.
    pub ready_after: Option<Duration>,
    /// `# namespace: NAME`: where the script plays; `default` otherwise.
    pub namespace: String,
    /// `# rollouts: NAME NAME ...`: these must be there at the end.
    pub rollouts: Vec<String>,
    /// `# resources: rollouts`: the cluster knows none of the other kinds of ours, and begins in less time.
    pub only_rollouts: bool,
}

impl Default for Setting {
    fn default() -> Self {
        let Options { seed, routing, workers, only_rollouts, .. } = Options::default();
        let namespace = "default".to_owned();
        let (reaction, ready_after, rollouts) = (Duration::ZERO, None, Vec::new());
        Self { seed, routing, workers, reaction, ready_after, namespace, rollouts, only_rollouts }
    }
}

impl Setting {
    /// Takes what a comment sets.
    fn read(&mut self, comment: &str) {
        let Some((name, text)) = set_by(comment) else { return };
        match name {
            "seed" => self.seed = text.parse().unwrap_or(self.seed),
            "workers" => self.workers = text.parse().unwrap_or(self.workers),
            "reaction" => self.reaction = time(text).unwrap_or(self.reaction),
            "ready after" => self.ready_after = time(text).or(self.ready_after),
            "namespace" if !text.is_empty() => text.clone_into(&mut self.namespace),
            "rollouts" => self.rollouts = text.split_whitespace().map(str::to_owned).collect(),
            "resources" => self.only_rollouts |= text == "rollouts",
            "router" if text == "none" => self.routing = None,
            "router" => {
                let routing = self.routing.get_or_insert_default();
                if let Some(after) = text.strip_prefix("confirms after ").and_then(time) {
                    routing.confirmation = Some(after);
                }
                if let Some(every) = text.strip_prefix("refuses every ").and_then(|text| text.parse().ok()) {
                    routing.refusal = Some(every);
                }
            }
            _ => {}
        }
    }

    /// How such a world begins.
    #[must_use]
    pub fn options(&self) -> Options {
        let reaction = Reaction { replica_set: self.reaction, garbage: 2 * self.reaction };
        let mut options = Options {
            seed: self.seed,
            routing: self.routing,
            workers: self.workers,
            reaction,
            only_rollouts: self.only_rollouts,
            ..Options::default()
        };
        if let Some(after) = self.ready_after {
            options.kubelet.stages = vec![Stage { after, state: PodState::Ready }];
        }
        options
    }
}

fn time(text: &str) -> Option<Duration> {
    let time = tidegate_api::duration::parse_go_duration(text).ok()?;
    Duration::try_from(time).ok()
}

/// A scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its world.
    pub setting: Setting,
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
        let mut setting = Setting::default();
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
                setting.read(line);
                steps.push(Step::Text(line.trim_end().to_owned()));
            } else {
                return Err(ScriptError::Line { line: number + 1, text: line.to_owned() });
            }
        }
        Ok(Self { setting, steps })
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

/// Name and value of a comment `# NAME: VALUE`.
fn set_by(comment: &str) -> Option<(&str, &str)> {
    let (name, text) = comment.strip_prefix("# ")?.split_once(':')?;
    Some((name, text.trim()))
}

/// The commands of a text that somebody wrote by hand: `$ ` may be left out, what scenarios print is passed over.
#[derive(Debug, Default)]
pub struct Commands {
    /// `# seed: N`.
    pub seed: Option<u64>,
    /// `# ready after: TIME`.
    pub ready_after: Option<Duration>,
    /// `# namespace: NAME`.
    pub namespace: Option<String>,
    /// Comments that set something else of a scenario's world.
    pub others: Vec<(usize, String)>,
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
                read.set(line, content);
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

    fn set(&mut self, line: usize, comment: &str) {
        let Some((name, text)) = set_by(comment) else { return };
        match name {
            "seed" => self.seed = text.parse().ok().or(self.seed),
            "ready after" => self.ready_after = time(text).or(self.ready_after),
            "namespace" if !text.is_empty() => self.namespace = Some(text.to_owned()),
            "router" | "workers" | "reaction" | "resources" | "rollouts" => {
                self.others.push((line, comment.trim_end().to_owned()));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_written_commands_need_no_prompt() {
        let text = "# seed: 7\n# workers: 3\n# ready after: 2s\n# namespace: shop\n# note: x\n$ traffic\n    100 % blue\n\nwait 5s\n  crash\nfly to the moon\n";
        let read = Commands::read(text);
        assert_eq!(read.seed, Some(7));
        let commands: Vec<_> = read.commands.iter().map(|it| (it.line, it.text.as_str())).collect();
        assert_eq!(commands, [(6, "traffic"), (9, "wait 5s"), (10, "crash")]);
        assert_eq!(read.faults.len(), 1);
        assert_eq!(read.faults[0].0, 11);
        assert_eq!(read.others, [(2, "# workers: 3".to_owned())]);
        let set = (read.ready_after, read.namespace.as_deref());
        assert_eq!(set, (Some(Duration::from_secs(2)), Some("shop")));
    }
}
