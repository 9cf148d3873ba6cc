//! A file as a snapshot with its instant.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_core::{Failure, Plan, Recording, Snapshot};

/// What is decided on.
pub(super) struct Input {
    pub(super) now: Timestamp,
    pub(super) snapshot: Snapshot,
    /// What was recorded of a failure: what was decided then, and what went wrong.
    pub(super) recorded: Option<(Option<Plan>, Failure)>,
}

/// Why a file is no snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// As the user named it.
    file: String,
    /// Line and column, where something is wrong there.
    place: Option<(usize, usize)>,
    text: String,
    hint: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}:", self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}\nhint: {}", self.text, self.hint)
    }
}

const RECORD: &str = "`rollouts-controller --record-dir DIR` saves such files; docs/replay.md describes them";
const WHEN: &str = "say with --at 2026-01-01T00:00:00Z at which moment to decide";

/// Reads a recording, or a bare snapshot; `at` overrules the recorded instant.
pub(super) fn read(path: &Path, at: Option<Timestamp>) -> Result<Input, Problem> {
    let is_stdin = path == Path::new("-");
    let file = if is_stdin { "stdin".to_owned() } else { path.display().to_string() };
    let text = if is_stdin {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    match text {
        Ok(text) => parse(&text, &file, at),
        Err(error) => {
            let text = match error.kind() {
                io::ErrorKind::NotFound => "no such file".to_owned(),
                io::ErrorKind::InvalidData => "not a text in UTF-8".to_owned(),
                _ => error.to_string(),
            };
            Err(Problem { file, place: None, text, hint: RECORD })
        }
    }
}

fn parse(text: &str, file: &str, at: Option<Timestamp>) -> Result<Input, Problem> {
    let value: Value = typed(text, file, "no JSON")?;
    let problem =
        |text: &str, hint| Problem { file: file.to_owned(), place: None, text: text.to_owned(), hint };
    if value.get("snapshot").is_some() {
        let Recording { now, failure, plan, snapshot } = typed(text, file, "no recording")?;
        return Ok(Input { now: at.unwrap_or(now), snapshot, recorded: Some((plan, failure)) });
    }
    if value.get("rollout").is_none() {
        let text = match value["kind"].as_str() {
            Some(kind) => format!("is a {kind}, no snapshot: a snapshot has the member `rollout`"),
            None => "is no snapshot: a snapshot has the member `rollout`".to_owned(),
        };
        return Err(problem(&text, RECORD));
    }
    let snapshot = typed(text, file, "no snapshot")?;
    let now = at.ok_or_else(|| problem("a bare snapshot does not say when it was taken", WHEN))?;
    Ok(Input { now, snapshot, recorded: None })
}

/// What the text says, or where it does not.
fn typed<T: DeserializeOwned>(text: &str, file: &str, what: &str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| {
        let place = (error.line() > 0).then(|| (error.line(), error.column()));
        let said = error.to_string();
        let said = said.split_once(" at line ").map_or(said.as_str(), |(said, _)| said);
        Problem { file: file.to_owned(), place, text: format!("{what}: {said}"), hint: RECORD }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, expected) in [
            ("{\n  \"a\": [1,\n}", "error: f:3:1: no JSON: expected value"),
            (
                "{\"kind\": \"Service\"}",
                "error: f: is a Service, no snapshot: a snapshot has the member `rollout`",
            ),
            ("[]", "error: f: is no snapshot: a snapshot has the member `rollout`"),
            (
                "{\"rollout\": {\n\"spec\": 5}}",
                "error: f:2:9: no snapshot: invalid type: integer `5`, expected",
            ),
            ("{\"rollout\": {\"spec\": {}}}", "error: f: a bare snapshot does not say when it was taken"),
            (
                "{\"snapshot\": {\"rollout\": {\"spec\": {}}}}",
                "error: f:1:39: no recording: missing field `now`",
            ),
        ] {
            let Err(problem) = parse(text, "f", None) else { panic!("{text}") };
            assert!(problem.to_string().starts_with(expected), "{problem}");
            assert!(problem.to_string().contains("\nhint: "), "{problem}");
        }
        let at = Timestamp::UNIX_EPOCH;
        assert_eq!(parse("{\"rollout\": {\"spec\": {}}}", "f", Some(at)).map(|input| input.now), Ok(at));
    }
}
