//! `__complete` and `__completeNoDesc`, which completion scripts call: candidates for the last word, one in a line, perhaps with
//! a tab and a description, then a directive. It is the protocol of Go's cobra, so that its scripts and kubectl can ask, too.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Arg, Command, CommandFactory, FromArgMatches};
use serde_json::Value;

use super::completion::SHELLS;
use crate::args::Args;
use crate::cluster::{self, Cluster, Listed, Selection};
use crate::failure::Failure;
use crate::flags::Flags;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// A shell must not hang for longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the shell is to do besides offering the candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    /// Offer files if there is no candidate.
    Default = 0,
    /// Nothing can be offered.
    Error = 1,
    /// Offer no files.
    NoFileComp = 4,
}

/// What to complete.
pub(crate) struct Request {
    /// The words behind the program's name; the last one is being typed, and may be empty.
    words: Vec<String>,
    with_descriptions: bool,
}

impl Request {
    /// If that is what the command line asks for.
    pub(crate) fn of(words: &[OsString]) -> Option<Self> {
        let with_descriptions = match words.get(1)?.to_str()? {
            "__complete" => true,
            "__completeNoDesc" => false,
            _ => return None,
        };
        let words = words[2..].iter().map(|word| word.to_string_lossy().into_owned()).collect();
        Some(Self { words, with_descriptions })
    }
}

/// A candidate and what it is.
type Candidate = (String, String);

/// Writes the candidates.
pub(crate) async fn run(
    ui: &mut Ui<'_>,
    surroundings: &Surroundings,
    request: &Request,
) -> Result<(), Failure> {
    let mut root = Args::command();
    root.build();
    let (typed, before) = request.words.split_last().map_or(("", &[][..]), |(last, rest)| (last, rest));
    let (candidates, directive) = match Place::of(&root, before).candidates(typed) {
        Wanted::Known(candidates, directive) => (candidates, directive),
        Wanted::Rollouts => rollouts(&flags(before), surroundings).await,
        Wanted::Contexts => (contexts(&flags(before), surroundings), Directive::NoFileComp),
    };
    let mut text = String::new();
    for (name, description) in candidates.iter().filter(|(name, _)| name.starts_with(typed)) {
        text.push_str(name);
        if request.with_descriptions && !description.is_empty() {
            text.push_str(&format!("\t{description}"));
        }
        text.push('\n');
    }
    text.push_str(&format!(":{}\n", directive as u8));
    ui.write(&text)?;
    ui.note(&format!("Completion ended with directive: ShellCompDirective{directive:?}"));
    Ok(())
}

/// Where in a command line the word is that is being typed.
struct Place<'a> {
    command: &'a Command,
    /// Words that are neither flags nor commands.
    names: usize,
    /// The flag whose value comes next.
    flag: Option<&'a Arg>,
    /// `--` has ended the flags.
    is_behind_flags: bool,
}

/// What may stand there.
enum Wanted {
    Known(Vec<Candidate>, Directive),
    Rollouts,
    Contexts,
}

impl<'a> Place<'a> {
    fn of(root: &'a Command, words: &[String]) -> Self {
        let mut place = Self { command: root, names: 0, flag: None, is_behind_flags: false };
        for word in words {
            place.pass(word);
        }
        place
    }

    fn pass(&mut self, word: &str) {
        if self.flag.take().is_some() {
            return;
        }
        match word.strip_prefix('-').filter(|_| !self.is_behind_flags) {
            Some("-") => self.is_behind_flags = true,
            Some(flag) if !flag.is_empty() => self.flag = self.awaits_value(flag),
            _ if self.names == 0 => match self.command.find_subcommand(word) {
                Some(command) => self.command = command,
                None => self.names += 1,
            },
            _ => self.names += 1,
        }
    }

    /// The flag, if its value is the next word. `word` lacks its first hyphen.
    fn awaits_value(&self, word: &str) -> Option<&'a Arg> {
        let takes_next = |arg: &&'a Arg| !arg.is_require_equals_set();
        let mut flags = self.command.get_opts();
        match word.strip_prefix('-') {
            Some(long) if long.contains('=') => None,
            Some(long) => flags.find(|arg| arg.get_long() == Some(long)).filter(takes_next),
            None => {
                // -wn: the first letter that takes a value takes the rest of the word.
                let letters: Vec<char> = word.chars().collect();
                let takes = |letter: &char| {
                    let flag = self.command.get_opts().find(|arg| arg.get_short() == Some(*letter));
                    flag.filter(takes_next)
                };
                let first = letters.iter().position(|letter| takes(letter).is_some())?;
                (first + 1 == letters.len()).then(|| takes(&letters[first])).flatten()
            }
        }
    }

    fn candidates(&self, typed: &str) -> Wanted {
        let none = || Wanted::Known(Vec::new(), Directive::NoFileComp);
        if let Some(flag) = self.flag {
            return match flag.get_long() {
                Some("context") => Wanted::Contexts,
                Some(
                    "kubeconfig"
                    | "certificate-authority"
                    | "client-certificate"
                    | "client-key"
                    | "cache-dir",
                ) => Wanted::Known(Vec::new(), Directive::Default),
                _ => none(),
            };
        }
        if typed.starts_with('-') && !self.is_behind_flags {
            return Wanted::Known(flag_names(self.command), Directive::NoFileComp);
        }
        if self.names > 0 {
            return none();
        }
        let usage = self.command.get_overridden_usage().map(ToString::to_string).unwrap_or_default();
        if self.command.get_name() == "completion" {
            let shells = SHELLS.map(|(name, _)| (name.to_owned(), String::new()));
            return Wanted::Known(shells.into(), Directive::NoFileComp);
        }
        if usage.starts_with("ROLLOUT") {
            return Wanted::Rollouts;
        }
        let about = |command: &Command| command.get_about().map(ToString::to_string).unwrap_or_default();
        let shown = self.command.get_subcommands().filter(|command| !command.is_hide_set());
        let names = shown.map(|command| (command.get_name().to_owned(), about(command))).collect();
        Wanted::Known(names, Directive::NoFileComp)
    }
}

fn flag_names(command: &Command) -> Vec<Candidate> {
    let mut names = Vec::new();
    for flag in command.get_opts().filter(|flag| !flag.is_hide_set()) {
        let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
        names.extend(flag.get_long().map(|long| (format!("--{long}"), help.clone())));
        names.extend(flag.get_short().map(|short| (format!("-{short}"), help)));
    }
    names.sort();
    names
}

/// The flags of all commands, as far as the words can be understood.
fn flags(words: &[String]) -> Option<Flags> {
    let program = std::iter::once("kubectl-argo-rollouts".to_owned());
    let matches =
        Args::command().ignore_errors(true).try_get_matches_from(program.chain(words.iter().cloned()));
    Flags::from_arg_matches(&matches.ok()?).ok()
}

fn contexts(flags: &Option<Flags>, surroundings: &Surroundings) -> Vec<Candidate> {
    let names = flags.as_ref().map(|flags| cluster::contexts(flags, surroundings)).unwrap_or_default();
    names.into_iter().map(|name| (name, String::new())).collect()
}

async fn rollouts(flags: &Option<Flags>, surroundings: &Surroundings) -> (Vec<Candidate>, Directive) {
    let Some(flags) = flags else { return (Vec::new(), Directive::Error) };
    let names = async {
        let cluster = Cluster::open(flags, surroundings)?;
        let mut objects: Vec<Value> = Vec::new();
        let selection = Selection::default();
        cluster.list(Listed::Rollouts, Some(cluster.namespace()), &selection, &mut objects).await?;
        Ok::<_, Failure>(objects)
    };
    match tokio::time::timeout(PATIENCE, names).await {
        Ok(Ok(objects)) => {
            let names = objects.iter().filter_map(|object| object["metadata"]["name"].as_str());
            let names = names.map(|name| (name.to_owned(), String::new())).collect();
            (names, Directive::NoFileComp)
        }
        Ok(Err(_)) | Err(_) => (Vec::new(), Directive::Error),
    }
}
