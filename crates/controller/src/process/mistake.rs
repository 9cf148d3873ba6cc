//! A command line that is not understood: what is wrong with it, and what was probably meant.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

/// What the user is told, perhaps with a second line that helps.
pub(crate) fn explain(error: &Error, command: &Command, words: &[OsString]) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let flag = context(ContextKind::InvalidArg);
    // `--watch` of `--watch[=<bool>]`.
    let flag = flag.split(['[', '=', ' ']).next().unwrap_or(flag);
    let value = context(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument => unknown(flag, command),
        ErrorKind::InvalidValue if value.is_empty() => {
            // The value of the last flag is what is missing; the library names it by its long form only.
            let last = words.last().map(|word| word.to_string_lossy().into_owned());
            format!("flag needs an argument: {}", last.as_deref().unwrap_or(flag))
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            format!("invalid argument {value:?} for {flag}: {why}")
        }
        ErrorKind::InvalidUtf8 => "the command line is not valid UTF-8".to_owned(),
        _ => error.to_string().trim_start_matches("error: ").trim_end().to_owned(),
    }
}

fn unknown(flag: &str, command: &Command) -> String {
    let known = command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(|arg| arg.get_long());
    match meant(flag.trim_start_matches('-'), known) {
        Some(meant) => format!("unknown flag: {flag}\nhint: did you mean --{meant}?"),
        None => format!("unknown flag: {flag}\nhint: --help lists all flags"),
    }
}

/// The name that `word` is most likely a slip of.
fn meant<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.len() / 3).clamp(1, 3);
    let slips = known.map(|name| (slips(&word.to_lowercase(), &name.to_lowercase()), name));
    slips.filter(|(count, _)| *count <= allowed).min_by_key(|(count, _)| *count).map(|(_, name)| name)
}

/// Letters left out, added, replaced or swapped with their neighbour between two words.
fn slips(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1];
        for j in 0..b.len() {
            let replaced = row[j] + usize::from(a[i] != b[j]);
            let is_swap = i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j];
            let swapped = if is_swap { above[j - 1] + 1 } else { replaced };
            next.push(replaced.min(swapped).min(row[j + 1] + 1).min(next[j] + 1));
        }
        above = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}
