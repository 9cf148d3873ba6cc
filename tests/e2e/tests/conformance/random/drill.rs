//! Sequences that ask for everything in turn: of each kind each verb, with each precondition, of an object that is there and of one that
//! is not, rightly and wrongly. Chance finds what nobody thought of; this finds the rest.

use super::edits::{NO_DRY_RUN, SCALE};
use super::kinds::KINDS;
use super::request::{Edit, NAMES, Request, Sub, Uid, Verb, Version};

/// What is asked for in one sequence: kind, verb, subresource.
type Shape = (usize, Verb, Sub);

/// A version and a uid that a request names, each alone.
pub(super) const PRECONDITIONS: [(Version, Uid); 5] = [
    (Version::None, Uid::None),
    (Version::Fresh, Uid::None),
    (Version::Stale, Uid::None),
    (Version::None, Uid::Right),
    (Version::None, Uid::Wrong),
];

const PATCHES: [Verb; 4] = [Verb::JsonPatch, Verb::MergePatch, Verb::StrategicPatch, Verb::FailedTest];

/// Verbs of a kind's own objects.
const VERBS: [Verb; 13] = [
    Verb::Create,
    Verb::Generate,
    Verb::Get,
    Verb::List,
    Verb::NextPage,
    Verb::Update,
    Verb::JsonPatch,
    Verb::MergePatch,
    Verb::StrategicPatch,
    Verb::FailedTest,
    Verb::Apply,
    Verb::Delete,
    Verb::DeleteCollection,
];

/// Verbs of a status or a scale.
const BELOW: [Verb; 7] = [
    Verb::Get,
    Verb::Update,
    Verb::JsonPatch,
    Verb::MergePatch,
    Verb::StrategicPatch,
    Verb::FailedTest,
    Verb::Apply,
];

/// Whether a verb names a version and a uid.
pub(super) fn has_preconditions(verb: Verb) -> bool {
    matches!(verb, Verb::Update | Verb::Apply | Verb::Delete) || PATCHES.contains(&verb)
}

/// Everything that is asked for.
pub(super) fn shapes() -> Vec<Shape> {
    let mut all = Vec::new();
    for (kind, of) in KINDS.iter().enumerate() {
        let own = VERBS.into_iter().filter(|verb| of.namespaced || *verb != Verb::NextPage);
        all.extend(own.map(|verb| (kind, verb, Sub::None)));
        for (is_there, subresource) in [(of.status, Sub::Status), (of.scale, Sub::Scale)] {
            all.extend(BELOW.into_iter().filter(|_| is_there).map(|verb| (kind, verb, subresource)));
        }
        if of.plural == "pods" {
            all.push((kind, Verb::Create, Sub::Eviction));
        }
    }
    all
}

/// The sequence of one shape.
pub(super) fn sequence((kind, verb, subresource): Shape) -> Vec<Request> {
    let drill = Drill { kind, verb, subresource };
    match (verb, subresource) {
        (_, Sub::Eviction) => drill.evictions(),
        (Verb::Create, _) => drill.creations(),
        (Verb::Generate, _) => {
            let start = [drill.with(&[LABELS_OF_NUMBERS], &[]), drill.with(&[], &["dryRun=Some"])];
            start.into_iter().chain([drill.plain()]).collect()
        }
        (Verb::Get, _) => vec![drill.object(), drill.plain(), drill.gone()],
        (Verb::List | Verb::NextPage | Verb::DeleteCollection, _) => drill.of_many(),
        _ => PRECONDITIONS
            .iter()
            .enumerate()
            .flat_map(|(number, precondition)| drill.of_one(number, *precondition))
            .collect(),
    }
}

const LABELS_OF_NUMBERS: Edit = ("/metadata/labels", Some("{\"app\": 1}"));
/// Options of lists that make sense together, and that do not.
const LIST_OPTIONS: [&[&str]; 16] = [
    &["resourceVersion=0", "resourceVersionMatch=NotOlderThan"],
    &["resourceVersion=0", "resourceVersionMatch=Exact"],
    &["resourceVersion=0", "resourceVersionMatch=Other"],
    &["resourceVersionMatch=Exact"],
    &["resourceVersionMatch=NotOlderThan"],
    &["sendInitialEvents=true"],
    &["watch=False", "timeoutSeconds=5"],
    &["timeoutSeconds=9223372036854775808"],
    &["limit=one"],
    &["fieldSelector=source%3Dc"],
    &["fieldSelector=type%3DOpaque"],
    &["fieldSelector=spec.type%3DClusterIP"],
    &["fieldSelector=spec.hostNetwork%3Dfalse"],
    &["fieldSelector=status.podIPs%3D"],
    &["fieldSelector=status.replicas%3D0"],
    &["fieldSelector=metadata.namespace%21%3Delsewhere"],
];
const ANOTHER: Edit = ("/metadata/name", Some("\"another\""));
const TIERS: [Edit; 2] =
    [("/metadata/labels/tier", Some("\"front\"")), ("/metadata/labels/tier", Some("\"back\""))];
const STATUS: Edit = ("/status", Some("{\"phase\": \"Healthy\"}"));
const ONE: usize = 0;
const GONE: usize = NAMES.len() - 1;

struct Drill {
    kind: usize,
    verb: Verb,
    subresource: Sub,
}

impl Drill {
    fn request(&self, name: usize, verb: Verb, edits: &[Edit]) -> Request {
        Request {
            kind: self.kind,
            name,
            verb,
            subresource: Sub::None,
            version: Version::None,
            uid: Uid::None,
            part: None,
            edits: edits.to_vec(),
            query: Vec::new(),
        }
    }

    /// Makes the object.
    fn object(&self) -> Request {
        self.request(ONE, Verb::Create, &[])
    }

    fn plain(&self) -> Request {
        self.with(&[], &[])
    }

    fn gone(&self) -> Request {
        Request { name: GONE, ..self.plain() }
    }

    fn with(&self, edits: &[Edit], query: &[&'static str]) -> Request {
        let own = Request { subresource: self.subresource, ..self.request(ONE, self.verb, edits) };
        Request { query: query.to_vec(), ..own }
    }

    fn creations(&self) -> Vec<Request> {
        let mut all = vec![self.request(ONE, Verb::Delete, &[])];
        for (version, uid) in [PRECONDITIONS[0], PRECONDITIONS[1], PRECONDITIONS[4]] {
            let tries = [
                self.with(&[LABELS_OF_NUMBERS], &[]),
                self.with(&[], &["dryRun=Some"]),
                self.plain(),
                self.plain(),
            ];
            all.extend(tries.map(|request| Request { version, uid, ..request }));
            all.push(self.request(ONE, Verb::Delete, &[]));
        }
        all
    }

    fn of_many(&self) -> Vec<Request> {
        let second = Request { name: 1, ..self.object() };
        let mut all = vec![self.object(), second];
        match self.verb {
            Verb::NextPage => {
                all.push(Request { query: vec!["limit=1"], ..self.request(ONE, Verb::List, &[]) });
                all.push(self.plain());
            }
            Verb::List => {
                all.extend([self.plain(), self.with(&[], &["labelSelector=a%20b"])]);
                all.extend(LIST_OPTIONS.map(|options| self.with(&[], options)));
                all.extend([&[][..], &["limit=1"]].map(|options| {
                    let list = self.with(&[], options);
                    Request { version: Version::Fresh, ..list }
                }));
            }
            _ => {
                all.push(self.with(&[], &["labelSelector=a%20b"]));
                all.extend([self.with(&[("/dryRun", Some("[\"Some\"]"))], &[]), self.plain()]);
            }
        }
        all
    }

    /// All that can become of a request with one precondition.
    fn of_one(&self, number: usize, (version, uid): (Version, Uid)) -> Vec<Request> {
        let mut all = vec![self.object(), self.request(ONE, Verb::MergePatch, &[TIERS[number % 2]])];
        let with = |request| Request { version, uid, ..request };
        all.extend(self.tries(number).into_iter().map(with));
        if number == 0 && (self.verb, self.subresource) == (Verb::StrategicPatch, Sub::None) {
            all.extend(self.strategic_patches());
        }
        // Where a write made it.
        all.push(self.request(GONE, Verb::Delete, &[]));
        all
    }

    fn tries(&self, number: usize) -> Vec<Request> {
        if self.verb == Verb::Delete {
            let options = ("/dryRun", Some("[\"Some\"]"));
            let wrong = self.with(&[NO_DRY_RUN], &[]);
            return vec![self.with(&[options], &[]), wrong, self.gone(), self.plain()];
        }
        if self.verb == Verb::Apply {
            return self.applies();
        }
        let of = &KINDS[self.kind];
        let change = match self.subresource {
            // A new custom resource has no status to add to.
            Sub::Status if self.verb == Verb::JsonPatch && of.custom => STATUS,
            Sub::Status => of.status_edits[0],
            Sub::Scale => SCALE[number % 2],
            _ => TIERS[(number + 1) % 2],
        };
        vec![
            self.with(&[], &["dryRun=Some"]),
            self.with(&[ANOTHER], &[]),
            Request { name: GONE, ..self.with(&[change], &[]) },
            self.with(&[change], &[]),
        ]
    }

    /// Each change of the same base.
    fn strategic_patches(&self) -> Vec<Request> {
        let Some((base, changes)) = KINDS[self.kind].strategic.split_first() else { return Vec::new() };
        let reset = self.request(ONE, Verb::MergePatch, &[*base]);
        changes.iter().flat_map(|change| [reset.clone(), self.with(&[*change], &[])]).collect()
    }

    fn applies(&self) -> Vec<Request> {
        let of = &KINDS[self.kind];
        let part = match self.subresource {
            Sub::Status => Some(of.status_parts[0]),
            Sub::Scale => None,
            _ => Some(r#"{"metadata": {"labels": {"tier": "applied"}}}"#),
        };
        let apply = |query: &[&'static str]| Request { part, ..self.with(&[], query) };
        let owners = ("/metadata/managedFields", Some("[]"));
        vec![
            apply(&["fieldManager=alice", "dryRun=Some"]),
            Request { edits: vec![owners], ..apply(&["fieldManager=alice"]) },
            apply(&["fieldManager=alice"]),
            apply(&["fieldManager=alice", "force=true"]),
            Request { part: None, name: GONE, ..apply(&["fieldManager=alice", "force=true"]) },
        ]
    }

    /// A budget stands before a pod that runs, and nothing before the other.
    fn evictions(&self) -> Vec<Request> {
        let budgets = KINDS.iter().position(|kind| kind.plural == "poddisruptionbudgets");
        let budget = Request { kind: budgets.expect("there are budgets"), ..self.object() };
        let ready = KINDS[self.kind].status_edits[1];
        let uid = ("/deleteOptions", Some("{\"preconditions\": {\"uid\": \"x\"}}"));
        vec![
            self.object(),
            budget,
            Request { subresource: Sub::Status, ..self.request(ONE, Verb::MergePatch, &[ready]) },
            self.plain(),
            Request { name: 1, ..self.object() },
            self.with(&[("/kind", Some("\"Other\""))], &[]),
            self.with(&[], &["dryRun=Some"]),
            Request { name: 1, ..self.with(&[uid], &[]) },
            self.gone(),
            Request { name: 1, ..self.plain() },
        ]
    }
}
