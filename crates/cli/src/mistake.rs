//! A command line that is not understood, in the words of the libraries that upstream reads it with.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use crate::build::NAME;
use crate::failure::Problem;

/// Upstream's commands that this version does not have: a group, and what is in it.
const LATER: [(&str, &[&str]); 8] = [
    ("create", &[]),
    ("dashboard", &[]),
    ("lint", &[]),
    ("notifications", &[]),
    ("terminate", &["analysisrun", "ar", "analysisruns", "experiment", "exp", "experiments"]),
    ("get", &["experiment", "exp", "experiments"]),
    ("list", &["experiment", "exp", "experiments"]),
    ("retry", &["experiment", "exp", "experiments"]),
];

/// What to say of a command that is not known; `None`: the usage of the group that it is asked of. `path` ends with it.
pub(crate) fn unknown_command(path: &[String], words: &[OsString]) -> Option<Problem> {
    let word = words.first()?.to_string_lossy().into_owned();
    let group = path.len().checked_sub(2).map(|last| path[last].as_str());
    let later =
        |asked: &str| Some(Problem::new(format!("{asked:?} is not part of this version of the plugin yet")));
    match group {
        Some(group) => {
            let (_, commands) = LATER.iter().find(|(name, _)| *name == group)?;
            if commands.contains(&word.as_str()) { later(&format!("{group} {word}")) } else { None }
        }
        None => match LATER.iter().find(|(name, _)| *name == word) {
            Some((_, commands)) => {
                let next = words.get(1).and_then(|next| next.to_str());
                match next.filter(|next| commands.contains(next)) {
                    Some(next) => later(&format!("{word} {next}")),
                    None => later(&word),
                }
            }
            None => Some(unknown_in_root(&word)),
        },
    }
}

fn unknown_in_root(word: &str) -> Problem {
    Problem {
        after: Some(format!("Run '{NAME} --help' for usage.")),
        ..Problem::new(format!("unknown command {word:?} for {NAME:?}"))
    }
}

/// Whether the words behind a command that is not known ask for help.
pub(crate) fn asks_for_help(words: Option<&[OsString]>) -> bool {
    let words = words.unwrap_or_default();
    words.iter().skip(1).take_while(|word| *word != "--").any(|word| word == "-h" || word == "--help")
}

/// What a flag was given wrongly.
pub(crate) fn explain(error: &clap::Error, root: &Command, words: &[OsString]) -> Problem {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let arg = context(ContextKind::InvalidArg).unwrap_or_default();
    let value = context(ContextKind::InvalidValue).unwrap_or_default();
    let text = match error.kind() {
        ErrorKind::UnknownArgument => unknown_flag(arg, words),
        ErrorKind::InvalidValue if value.is_empty() => match words.last().and_then(|word| word.to_str()) {
            Some(last) if last.starts_with("--") => format!("flag needs an argument: {last}"),
            Some(last) if last.starts_with('-') => {
                let letter = last.chars().last().unwrap_or_default();
                format!("flag needs an argument: '{letter}' in -{letter}")
            }
            _ => format!("flag needs an argument: {}", long_name(arg)),
        },
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            format!("invalid argument {value:?} for {:?} flag: {why}", both_names(arg, root))
        }
        ErrorKind::InvalidUtf8 => "the command line is not valid UTF-8".to_owned(),
        _ => error.to_string().trim_start_matches("error: ").to_owned(),
    };
    Problem::new(text)
}

/// `--bogus` or `-z` as the flag library would tell it.
fn unknown_flag(arg: &str, words: &[OsString]) -> String {
    let long = arg.split('=').next().unwrap_or(arg);
    if long.starts_with("--") {
        return format!("unknown flag: {long}");
    }
    let letter = arg.trim_start_matches('-').chars().next().unwrap_or_default();
    let clusters = words.iter().filter_map(|word| word.to_str()?.strip_prefix('-'));
    let mut clusters = clusters.filter(|word| !word.starts_with('-'));
    let rest = clusters.find_map(|word| word.find(letter).map(|at| &word[at..]));
    format!("unknown shorthand flag: '{letter}' in -{}", rest.unwrap_or(&letter.to_string()))
}

/// `--watch` of `--watch[=<bool>]`.
fn long_name(arg: &str) -> &str {
    arg.split(['[', '=', ' ']).next().unwrap_or(arg)
}

/// `-w, --watch` of `--watch[=<bool>]`.
fn both_names(arg: &str, root: &Command) -> String {
    let name = long_name(arg);
    match find(root, name.trim_start_matches('-')).and_then(Arg::get_short) {
        Some(short) if name.starts_with("--") => format!("-{short}, {name}"),
        _ => name.to_owned(),
    }
}

fn find<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    let own = command.get_arguments().find(|arg| arg.get_long() == Some(long));
    own.or_else(|| command.get_subcommands().find_map(|command| find(command, long)))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Args;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let words: Vec<OsString> = line.split(' ').map(|word| word.replace('_', " ").into()).collect();
        let mut root = Args::command();
        let error = root.try_get_matches_from_mut(&words).unwrap_err();
        assert_eq!(explain(&error, &root, &words).text, expected, "{line}");
    }

    #[test]
    fn flags_are_refused_in_gos_words() {
        check("k get rollout x --bogus", "unknown flag: --bogus");
        check("k --bogus=1 get rollout x", "unknown flag: --bogus");
        check("k get rollout x -z", "unknown shorthand flag: 'z' in -z");
        check("k get rollout x -wzq", "unknown shorthand flag: 'z' in -zq");
        check("k get rollout x --namespace", "flag needs an argument: --namespace");
        check("k get rollout x -n", "flag needs an argument: 'n' in -n");
        check("k get rollout x -wn", "flag needs an argument: 'n' in -n");
        let what = r#"invalid argument "maybe" for "-w, --watch" flag: strconv.ParseBool: parsing "maybe": invalid syntax"#;
        check("k get rollout x --watch=maybe", what);
        check("k get rollout x -w=maybe", what);
        check(
            "k get rollout x --timeout-seconds soon",
            r#"invalid argument "soon" for "--timeout-seconds" flag: strconv.ParseInt: parsing "soon": invalid syntax"#,
        );
        check(
            "k status x --timeout zz",
            r#"invalid argument "zz" for "-t, --timeout" flag: time: invalid duration "zz""#,
        );
    }

    #[test]
    fn flags_are_understood_as_in_go() {
        for line in [
            "k -n a get rollout x --watch=false",
            "k get rollout x -na -w=F",
            "k get rollout x -n=a -w --watch --no-color",
            "k undo x --to-revision -1",
            "k restart x --in -1m",
            "k get rollout x --namespace= --as-group a --as-group=b",
            "k list rollouts -wA",
            "k list rollouts -Awna",
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            Args::command().try_get_matches_from(words).unwrap();
        }
    }
}
