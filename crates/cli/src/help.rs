//! Help and usage in kubectl's layout, from what the command line's types and their doc comments say.

use clap::{Arg, Command, CommandFactory};
use tidegate_ops::text::wrap;

use crate::args::Args;
use crate::build::NAME;

/// Columns of a text: what the narrowest usual terminal has.
const WIDTH: usize = 80;

/// The manual of all commands, as Markdown: what `docs/cli.md` holds below its introduction.
#[must_use]
pub fn reference() -> String {
    let mut root = Args::command();
    root.build();
    let mut text = String::new();
    chapter(&root, &[], &mut text);
    text
}

fn chapter(root: &Command, path: &[String], text: &mut String) {
    let command = at(root, path);
    if path.is_empty() {
        text.push_str("## Flags of all commands\n\n```text\n");
        text.push_str(&flags(command, |_| true));
        text.push_str("```\n");
    } else {
        let title = path.join(" ");
        let body = description(command) + &synopsis(root, path, false);
        text.push_str(&format!("\n## {title}\n\n```text\n{body}```\n"));
    }
    for name in shown(command).map(Command::get_name) {
        chapter(root, &[path, &[name.to_owned()]].concat(), text);
    }
}

/// What `--help` shows.
pub(crate) fn full(root: &Command, path: &[String]) -> String {
    description(at(root, path)) + &synopsis(root, path, true)
}

/// What a command line that lacks something is answered with.
pub(crate) fn usage(root: &Command, path: &[String]) -> String {
    synopsis(root, path, true)
}

/// The command's names, written out, that the words lead to; all of them must be known.
pub(crate) fn find(root: &Command, words: &[String]) -> Option<Vec<String>> {
    let mut command = root;
    let mut path = Vec::new();
    for word in words {
        command = command.find_subcommand(word)?;
        path.push(command.get_name().to_owned());
    }
    Some(path)
}

/// The command at a path, or the last one on the way that is known.
fn at<'a>(root: &'a Command, path: &[String]) -> &'a Command {
    let next = |command: &'a Command, name: &String| command.find_subcommand(name).ok_or(command);
    path.iter().try_fold(root, next).unwrap_or_else(|last| last)
}

/// The part of a path whose commands are known.
fn known<'a>(root: &Command, path: &'a [String]) -> &'a [String] {
    let length = (0..=path.len()).rev().find(|length| find(root, &path[..*length]).is_some());
    &path[..length.unwrap_or(0)]
}

fn description(command: &Command) -> String {
    let text = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let paragraphs = text.split("\n\n").map(|paragraph| wrap(paragraph, WIDTH, "", "").join("\n"));
    let mut text = paragraphs.collect::<Vec<_>>().join("\n\n");
    text.push_str("\n\n");
    text
}

fn synopsis(root: &Command, path: &[String], with_global: bool) -> String {
    let command = at(root, path);
    let name = [&[NAME.to_owned()], known(root, path)].concat().join(" ");
    let tail = command.get_overridden_usage().map(ToString::to_string).unwrap_or_default();
    let commands: Vec<&Command> = shown(command).collect();
    let mut text = format!("Usage:\n  {} [flags]\n", format!("{name} {tail}").trim_end());
    if !commands.is_empty() {
        text.push_str(&format!("  {name} [command]\n"));
    }
    let aliases: Vec<&str> = command.get_visible_aliases().collect();
    if !aliases.is_empty() {
        text.push_str(&format!("\nAliases:\n  {}, {}\n", command.get_name(), aliases.join(", ")));
    }
    if let Some(examples) = command.get_after_help() {
        text.push_str(&format!("\nExamples:\n{}", indented(&examples.to_string())));
    }
    if !commands.is_empty() {
        text.push_str("\nAvailable Commands:\n");
        let about = |command: &Command| command.get_about().map(ToString::to_string).unwrap_or_default();
        let rows = commands.iter().map(|command| (format!("  {}", command.get_name()), about(command)));
        text.push_str(&columns(&rows.collect::<Vec<_>>()));
    }
    let is_root = path.is_empty();
    text.push_str("\nFlags:\n");
    text.push_str(&flags(command, |flag| is_root || !is_global(flag)));
    if with_global && !is_root {
        text.push_str("\nGlobal Flags:\n");
        text.push_str(&flags(command, is_global));
    }
    if with_global && !commands.is_empty() {
        text.push_str(&format!("\nUse \"{name} [command] --help\" for more about a command.\n"));
    }
    text
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set())
}

/// Every command has its own `--help`.
fn is_global(flag: &Arg) -> bool {
    flag.is_global_set() && flag.get_id() != "help"
}

/// Flags by name, in columns.
fn flags(command: &Command, is_wanted: impl Fn(&Arg) -> bool) -> String {
    let mut flags: Vec<&Arg> =
        command.get_opts().filter(|flag| !flag.is_hide_set() && is_wanted(flag)).collect();
    flags.sort_by_key(|flag| flag.get_long());
    let rows: Vec<(String, String)> =
        flags.into_iter().map(|flag| (names(flag), explanation(flag))).collect();
    columns(&rows)
}

/// `  -n, --namespace string`.
fn names(flag: &Arg) -> String {
    let short = flag.get_short().map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    let long = flag.get_long().unwrap_or_default();
    format!("  {short}--{long} {}", value_type(flag)).trim_end().to_owned()
}

/// The type of a flag's value; empty for a boolean, which needs none.
fn value_type(flag: &Arg) -> &str {
    let name = flag.get_value_names().and_then(|names| names.first()).map(clap::builder::Str::as_str);
    name.filter(|name| *name != "bool").unwrap_or_default()
}

/// What a flag does, and its default unless that is nothing.
fn explanation(flag: &Arg) -> String {
    let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
    let default = flag.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
    let default = default.unwrap_or_default();
    match (value_type(flag), default.as_str()) {
        (_, "" | "false" | "0s") | ("int", "0") => help,
        ("string", text) => format!("{help} (default {text:?})"),
        (_, text) => format!("{help} (default {text})"),
    }
}

/// Each line two blanks from the left, whatever was before it.
fn indented(text: &str) -> String {
    let indent = |line: &str| match line.strip_prefix("  ").unwrap_or(line) {
        "" => "\n".to_owned(),
        line => format!("  {line}\n"),
    };
    text.lines().map(indent).collect()
}

/// Two columns; the second is broken between words.
fn columns(rows: &[(String, String)]) -> String {
    let left = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 3;
    let mut text = String::new();
    for (name, explanation) in rows {
        let lines = wrap(explanation, WIDTH.saturating_sub(left), "", "");
        let mut lines = lines.iter();
        text.push_str(&format!("{name:<left$}{}\n", lines.next().map_or("", String::as_str)));
        for line in lines {
            text.push_str(&format!("{:left$}{line}\n", ""));
        }
    }
    text
}
