//! What was asked and how it ended, and what must have been.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::compare::verb_of;
use super::drill::{self, PRECONDITIONS};
use super::kinds::{KINDS, Kind};
use super::play::Answer;
use super::request::{Request, Sub, Uid, Verb, Version};

/// (resource, verb and subresource, precondition, outcome).
type Cell = (&'static str, String, &'static str, String);

/// Counts by precondition and outcome.
type Line<'a> = BTreeMap<(&'a str, &'a str), usize>;

/// How often each kind of request ended how.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    cells: BTreeMap<Cell, usize>,
    /// Cells of the sequences that are always played.
    fixed: BTreeSet<Cell>,
}

impl Coverage {
    pub(super) fn count(&mut self, is_fixed: bool, request: &Request, answer: &Answer) {
        let precondition = precondition(request.version, request.uid);
        let cell = (request.kind().plural, verb_of(request), precondition, outcome(answer));
        if is_fixed {
            self.fixed.insert(cell.clone());
        }
        *self.cells.entry(cell).or_default() += 1;
    }

    pub(super) fn requests(&self) -> usize {
        self.cells.values().sum()
    }

    /// Cells that the fixed sequences must have and do not have: all, but for those that cannot be.
    pub(super) fn missing(&self) -> Vec<String> {
        let expected = expected();
        let missing = expected.iter().filter(|cell| !self.fixed.contains(*cell));
        missing.map(|cell| format!("{cell:?}")).collect()
    }
}

fn precondition(version: Version, uid: Uid) -> &'static str {
    match (version, uid) {
        (Version::None, Uid::None) => "none",
        (Version::Fresh, Uid::None) => "fresh",
        (Version::Stale, Uid::None) => "stale",
        (Version::None, Uid::Right) => "uid",
        (Version::None, Uid::Wrong) => "wrong-uid",
        _ => "both",
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

/// How a request can end. What fails in the server itself is shown where it happens, and asked of nobody.
const OUTCOMES: [&str; 8] = ["2xx", "400", "404", "exists", "conflict", "415", "422", "429"];

/// One kind of request.
struct Asked {
    kind: &'static Kind,
    verb: Verb,
    subresource: Sub,
    precondition: &'static str,
}

impl Asked {
    fn is_patch(&self) -> bool {
        matches!(self.verb, Verb::JsonPatch | Verb::MergePatch | Verb::StrategicPatch | Verb::FailedTest)
    }

    /// Whether a PUT makes what is not there.
    fn is_made_by_put(&self) -> bool {
        matches!(self.kind.plural, "events" | "leases" | "services")
    }

    /// Whether a PUT must name a version.
    fn must_name_a_version(&self) -> bool {
        (self.kind.custom || matches!(self.kind.plural, "leases" | "poddisruptionbudgets"))
            && self.subresource != Sub::Scale
    }

    fn why_not(&self, outcome: &str) -> Option<&'static str> {
        IMPOSSIBLE.iter().find(|(outcomes, not, _)| outcomes.contains(&outcome) && not(self)).map(|it| it.2)
    }
}

fn expected() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (kind, verb, subresource) in drill::shapes() {
        for (version, uid) in PRECONDITIONS {
            let precondition = precondition(version, uid);
            let kind = &KINDS[kind];
            let asked = Asked { kind, verb, subresource, precondition };
            let name = match subresource {
                Sub::None => format!("{verb:?}"),
                below => format!("{verb:?}/{below:?}"),
            };
            let possible = OUTCOMES.into_iter().filter(|outcome| asked.why_not(outcome).is_none());
            cells.extend(possible.map(|it| (kind.plural, name.clone(), precondition, it.to_owned())));
        }
    }
    cells
}

/// Outcomes, of which requests they cannot be (or are asked of nobody), and why.
type Impossible = (&'static [&'static str], fn(&Asked) -> bool, &'static str);

const IMPOSSIBLE: &[Impossible] = &[
    (&OUTCOMES, |it| !has(it), "there is nowhere to name this precondition"),
    (&["429"], |it| it.subresource != Sub::Eviction, "nothing but a budget asks for patience"),
    (
        &["exists"],
        |it| it.verb != Verb::Create || it.subresource != Sub::None,
        "a name is taken by creating it",
    ),
    (
        &["415"],
        |it| it.verb != Verb::StrategicPatch || !it.kind.custom,
        "only strategic patches of custom resources have a type that is not known",
    ),
    (
        &["2xx", "400", "404", "conflict", "422"],
        |it| it.verb == Verb::StrategicPatch && it.kind.custom,
        "the type of the body is looked at first",
    ),
    (&["400", "conflict", "422"], |it| it.verb == Verb::Get, "a name alone has no fault"),
    (&["404", "conflict"], |it| of_many(it.verb), "a list may be empty, and has no version to be held to"),
    (&["400", "422"], |it| it.verb == Verb::NextPage, "its token comes from a list"),
    (&["404", "conflict"], |it| creates(it), "there is nothing yet"),
    (
        &["2xx", "exists"],
        |it| creates(it) && it.precondition == "fresh",
        "a new object has no version: that fails",
    ),
    (&["2xx", "400", "conflict"], |it| it.verb == Verb::FailedTest, "the test fails before anything else"),
    (
        &["conflict"],
        |it| {
            it.verb != Verb::Apply
                && it.subresource != Sub::Eviction
                && matches!(it.precondition, "none" | "fresh" | "uid")
        },
        "what holds is no conflict (a uid that is right can be of an object that is gone, by chance)",
    ),
    (
        &["2xx"],
        |it| {
            it.verb != Verb::Apply
                && !(it.verb == Verb::Update && it.is_made_by_put())
                && it.precondition == "stale"
        },
        "the version has passed",
    ),
    (
        &["2xx"],
        |it| {
            it.precondition == "wrong-uid"
                && it.verb != Verb::Create
                && !(it.is_patch() && it.subresource == Sub::Scale && it.kind.custom)
        },
        "the object is another (patches of scales of custom resources do not look)",
    ),
    (
        &["conflict"],
        |it| {
            it.precondition == "wrong-uid"
                && it.is_patch()
                && (it.subresource != Sub::Scale || it.kind.custom)
        },
        "in a patch a uid is no precondition, but a change of what cannot change",
    ),
    (
        &["2xx"],
        |it| {
            it.verb == Verb::Update
                && it.must_name_a_version()
                && !matches!(it.precondition, "fresh" | "stale")
                && !(it.is_made_by_put() && it.precondition == "none")
        },
        "without a version it is not valid",
    ),
    (
        &["404"],
        |it| it.verb == Verb::Update && it.is_made_by_put() && it.subresource != Sub::Scale,
        "a PUT makes it",
    ),
    (
        &["404"],
        |it| {
            it.verb == Verb::Apply
                && (it.subresource == Sub::None || (it.subresource == Sub::Status && it.is_made_by_put()))
        },
        "an apply makes it",
    ),
    (
        &["conflict"],
        |it| it.verb == Verb::Apply && it.subresource == Sub::Scale && it.kind.custom,
        "kube-apiserver fails to tell the type of what it has made, before it looks at versions",
    ),
    (
        &["conflict"],
        |it| it.verb == Verb::Apply && it.subresource != Sub::None && it.precondition != "stale",
        "who else owns a status or a scale is left to chance",
    ),
    (
        &["2xx"],
        |it| it.verb == Verb::Apply && it.subresource != Sub::None && it.precondition == "stale",
        "the version has passed",
    ),
];

fn has(it: &Asked) -> bool {
    match it.verb {
        Verb::Create if it.subresource == Sub::None => {
            matches!(it.precondition, "none" | "fresh" | "wrong-uid")
        }
        verb => it.precondition == "none" || drill::has_preconditions(verb),
    }
}

fn creates(it: &Asked) -> bool {
    matches!(it.verb, Verb::Create | Verb::Generate) && it.subresource == Sub::None
}

fn of_many(verb: Verb) -> bool {
    matches!(verb, Verb::List | Verb::NextPage | Verb::DeleteCollection)
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: BTreeMap<(&str, &str), Line<'_>> = BTreeMap::new();
        for ((resource, verb, precondition, outcome), count) in &self.cells {
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
        write!(f, "{} requests, {} cells, {} expected", self.requests(), self.cells.len(), expected().len())
    }
}
