//! What was asked and how it ended, and what must have been.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::compare::verb_of;
use super::kinds::{KINDS, Kind};
use super::play::Answer;
use super::request::{Request, Uid, Version};

/// (resource, verb and subresource, precondition, outcome).
type Cell = (&'static str, String, &'static str, String);

/// Counts by precondition and outcome.
type Line<'a> = BTreeMap<(&'a str, &'a str), usize>;

/// How often each kind of request ended how.
#[derive(Debug, Default)]
pub(super) struct Coverage(BTreeMap<Cell, usize>);

impl Coverage {
    pub(super) fn count(&mut self, request: &Request, answer: &Answer) {
        let cell = (request.kind().plural, verb_of(request), precondition(request), outcome(answer));
        *self.0.entry(cell).or_default() += 1;
    }

    pub(super) fn requests(&self) -> usize {
        self.0.values().sum()
    }

    /// Expected cells that were never seen.
    pub(super) fn missing(&self) -> Vec<String> {
        let mut seen: BTreeSet<(&str, &str, &str, &str)> = BTreeSet::new();
        for (resource, verb, precondition, outcome) in self.0.keys() {
            seen.insert((resource, verb, precondition, outcome));
            seen.insert((resource, verb, "", outcome));
        }
        let mut missing = Vec::new();
        for kind in KINDS {
            for expected in EXPECTED.iter().filter(|expected| (expected.of)(kind)) {
                for outcome in expected.outcomes.split(' ') {
                    let cell = (kind.plural, expected.verb, expected.precondition, outcome);
                    let impossible = IMPOSSIBLE.iter().any(|(resource, verb, not, _)| {
                        (*resource, *verb, *not) == (kind.plural, expected.verb, outcome)
                    });
                    if !impossible && !seen.contains(&cell) {
                        missing.push(format!("{cell:?}"));
                    }
                }
            }
        }
        missing
    }
}

fn precondition(request: &Request) -> &'static str {
    match (request.version, request.uid) {
        (Version::None, Uid::None) => "none",
        (Version::Fresh, Uid::None) => "fresh",
        (Version::Stale, Uid::None) => "stale",
        (_, Uid::Right) => "uid",
        (_, Uid::Wrong) => "wrong-uid",
    }
}

fn outcome(answer: &Answer) -> String {
    match (answer.code, answer.body["reason"].as_str()) {
        (200..300, _) => "2xx".to_owned(),
        (409, Some("AlreadyExists")) => "exists".to_owned(),
        (409, _) => "conflict".to_owned(),
        (code, _) => code.to_string(),
    }
}

/// Outcomes that requests of this verb must have had, with this precondition (empty: any).
struct Expected {
    verb: &'static str,
    precondition: &'static str,
    outcomes: &'static str,
    of: fn(&Kind) -> bool,
}

const fn expected(verb: &'static str, precondition: &'static str, outcomes: &'static str) -> Expected {
    Expected { verb, precondition, outcomes, of: |_| true }
}

const EXPECTED: &[Expected] = &[
    expected("Create", "", "2xx 400 exists 422"),
    expected("Generate", "", "2xx"),
    expected("Get", "", "2xx 404"),
    expected("List", "", "2xx 400"),
    expected("NextPage", "", "2xx"),
    expected("Update", "none", "2xx 400 404 422"),
    expected("Update", "fresh", "2xx"),
    expected("Update", "stale", "conflict"),
    expected("Update", "wrong-uid", "conflict"),
    expected("JsonPatch", "", "2xx 404 422"),
    expected("FailedTest", "", "404 422"),
    expected("MergePatch", "none", "2xx 404 422"),
    expected("MergePatch", "fresh", "2xx"),
    expected("MergePatch", "stale", "conflict"),
    expected("Delete", "none", "2xx 404"),
    expected("Delete", "fresh", "2xx"),
    expected("Delete", "stale", "conflict"),
    expected("Delete", "uid", "2xx"),
    expected("Delete", "wrong-uid", "conflict"),
    expected("DeleteCollection", "", "2xx 400"),
    Expected { of: |kind| kind.custom, ..expected("StrategicPatch", "", "415") },
    Expected { of: |kind| !kind.custom, ..expected("StrategicPatch", "", "2xx 404 422") },
    Expected { of: |kind| kind.status, ..expected("Update/Status", "", "2xx 404 conflict") },
    Expected { of: |kind| kind.status, ..expected("MergePatch/Status", "", "2xx 404 conflict") },
    Expected { of: |kind| kind.scale, ..expected("Get/Scale", "", "2xx 404") },
    Expected { of: |kind| kind.scale, ..expected("Update/Scale", "", "2xx 400 404 422 conflict") },
    Expected { of: |kind| kind.scale, ..expected("MergePatch/Scale", "", "2xx 404 422") },
    Expected { of: |kind| kind.plural == "pods", ..expected("Create/Eviction", "", "2xx 400 404 429") },
];

/// (resource, verb, outcome, why it cannot be).
const IMPOSSIBLE: &[(&str, &str, &str, &str)] = &[];

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: BTreeMap<(&str, &str), Line<'_>> = BTreeMap::new();
        for ((resource, verb, precondition, outcome), count) in &self.0 {
            *lines.entry((resource, verb)).or_default().entry((precondition, outcome)).or_default() += count;
        }
        for ((resource, verb), cells) in lines {
            write!(f, "{resource:24} {verb:24}")?;
            let mut last = "";
            for ((precondition, outcome), count) in cells {
                if precondition != last {
                    write!(f, " | {precondition}:")?;
                    last = precondition;
                }
                write!(f, " {outcome}={count}")?;
            }
            writeln!(f)?;
        }
        write!(f, "{} requests", self.requests())
    }
}
