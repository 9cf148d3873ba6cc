//! Sequences from seeds.

use super::dice::Dice;
use super::drill;
use super::edits::{DELETE, EVICTION, METADATA, PARTS, SCALE};
use super::kinds::{KINDS, Kind};
use super::request::{Edit, NAMES, Request, Sub, Uid, Verb, Version};

/// What a seed stands for: the first ones for a drill each, the others for chance.
pub(super) fn sequence(seed: u64) -> Vec<Request> {
    let shapes = drill::shapes();
    match usize::try_from(seed).ok().and_then(|seed| shapes.get(seed)) {
        Some(shape) => drill::sequence(*shape),
        None => by_chance(seed),
    }
}

/// 10 to 40 requests on one to three kinds.
fn by_chance(seed: u64) -> Vec<Request> {
    let mut dice = Dice(seed);
    let mut kinds: Vec<usize> = (0..1 + dice.roll(2)).map(|_| dice.roll(KINDS.len())).collect();
    // Evictions meet budgets.
    let plural = |kind: &usize| KINDS[*kind].plural;
    if kinds.iter().any(|kind| plural(kind) == "pods") && dice.one_in(2) {
        kinds.extend(KINDS.iter().position(|kind| kind.plural == "poddisruptionbudgets"));
    }
    let mut generated = [false; KINDS.len()];
    // What is probably there: by kind and name.
    let mut alive = [[false; NAMES.len()]; KINDS.len()];
    (0..10 + dice.roll(31))
        .map(|_| {
            let kind = dice.pick(&kinds);
            let name = if dice.one_in(15) { NAMES.len() - 1 } else { dice.roll(NAMES.len() - 1) };
            let mut made = if !alive[kind][name] && dice.roll(10) < 7 {
                creation(&mut dice, kind, name)
            } else {
                request(&mut dice, kind, name)
            };
            // Two suffixes would sort differently on two servers.
            if made.verb == Verb::Generate && !made.is_dry() && std::mem::replace(&mut generated[kind], true)
            {
                made.verb = Verb::Create;
            }
            match made.verb {
                Verb::Create if made.subresource == Sub::None => alive[kind][name] |= made.edits.is_empty(),
                Verb::Create | Verb::Delete => alive[kind][name] = false,
                Verb::DeleteCollection => alive[kind] = [false; NAMES.len()],
                _ => {}
            }
            made
        })
        .collect()
}

/// A create that mostly succeeds.
fn creation(dice: &mut Dice, kind: usize, name: usize) -> Request {
    let is_plain = dice.roll(3) > 0;
    let mut edits = if is_plain { Vec::new() } else { edits(dice, &[KINDS[kind].edits, METADATA], 2) };
    keep_apart(&mut edits);
    let query = if is_plain { Vec::new() } else { query(dice, &KINDS[kind], Verb::Create) };
    let version = if dice.one_in(30) { Version::Fresh } else { Version::None };
    let uid = if dice.one_in(30) { Uid::Wrong } else { Uid::None };
    Request { kind, name, verb: Verb::Create, subresource: Sub::None, version, uid, part: None, edits, query }
}

fn request(dice: &mut Dice, kind: usize, name: usize) -> Request {
    let of = &KINDS[kind];
    let verb = verb(dice);
    let subresource = subresource(dice, kind, verb);
    let verb = match verb {
        _ if subresource == Sub::Eviction => Verb::Create,
        // Sequences share what is in no namespace, and a page may be one of others.
        Verb::NextPage if !of.namespaced => Verb::List,
        verb => verb,
    };
    let version = match dice.roll(8) {
        0 | 1 => Version::Fresh,
        2 => Version::Stale,
        _ => Version::None,
    };
    let uid = match dice.roll(12) {
        0 => Uid::Right,
        1 => Uid::Wrong,
        _ => Uid::None,
    };
    let is_write = !matches!(verb, Verb::Get | Verb::List | Verb::NextPage);
    let mut edits = match (verb, subresource) {
        (Verb::Delete | Verb::DeleteCollection, _) => edits(dice, &[DELETE], 2),
        _ if !is_write => Vec::new(),
        (_, Sub::Scale) => edits(dice, &[SCALE, SCALE, METADATA], 2),
        (_, Sub::Eviction) => edits(dice, &[EVICTION], 2),
        (_, Sub::Status) => edits(dice, &[of.status_edits, of.status_edits, METADATA], 3),
        (Verb::StrategicPatch, _) if !of.strategic.is_empty() => {
            edits(dice, &[of.edits, METADATA, of.strategic, of.strategic], 2)
        }
        _ => edits(dice, &[of.edits, METADATA], 3),
    };
    let (version, uid) = if is_write && subresource != Sub::Eviction && verb != Verb::DeleteCollection {
        (version, uid)
    } else if verb == Verb::List {
        (version, Uid::None)
    } else {
        (Version::None, Uid::None)
    };
    keep_apart(&mut edits);
    if edits.iter().any(names_its_kind) {
        let (version, uid, part) = (Version::None, Uid::None, None);
        let query = if verb == Verb::Apply { vec!["fieldManager=alice"] } else { Vec::new() };
        return Request { kind, name, verb, subresource, version, uid, part, edits, query };
    }
    let part =
        (verb == Verb::Apply && subresource != Sub::Scale).then(|| part(dice, of, subresource)).flatten();
    let edits = if part.is_some() { Vec::new() } else { edits };
    Request { kind, name, verb, subresource, version, uid, part, edits, query: query(dice, of, verb) }
}

fn names_its_kind((at, _): &Edit) -> bool {
    matches!(*at, "/kind" | "/apiVersion" | "/metadata")
}

/// A body that is no object of its kind has no other fault: which of two is told first is nobody's business.
fn keep_apart(edits: &mut Vec<Edit>) {
    if let Some(alone) = edits.iter().copied().find(names_its_kind) {
        *edits = vec![alone];
    }
}

/// What is applied; nothing is all of the base.
fn part(dice: &mut Dice, of: &Kind, subresource: Sub) -> Option<&'static str> {
    let own = if subresource == Sub::Status { of.status_parts } else { of.parts };
    match dice.roll(8) {
        0 | 1 if subresource == Sub::None => None,
        0..3 => Some(dice.pick(PARTS)),
        _ if own.is_empty() => Some(dice.pick(PARTS)),
        _ => Some(dice.pick(own)),
    }
}

fn verb(dice: &mut Dice) -> Verb {
    match dice.roll(52) {
        0..3 => Verb::Create,
        3 | 4 => Verb::Generate,
        5 | 6 => Verb::Get,
        7..11 => Verb::List,
        11 => Verb::NextPage,
        12..21 => Verb::Update,
        21..25 => Verb::JsonPatch,
        25 | 26 => Verb::FailedTest,
        27..33 => Verb::MergePatch,
        33..37 => Verb::StrategicPatch,
        37..45 => Verb::Apply,
        45..51 => Verb::Delete,
        _ => Verb::DeleteCollection,
    }
}

fn subresource(dice: &mut Dice, kind: usize, verb: Verb) -> Sub {
    let of = &KINDS[kind];
    let fits =
        !matches!(verb, Verb::Generate | Verb::List | Verb::NextPage | Verb::Delete | Verb::DeleteCollection);
    if fits && of.plural == "pods" && dice.one_in(6) {
        return Sub::Eviction;
    }
    if !fits || verb == Verb::Create {
        return Sub::None;
    }
    // Where there is none, it is not found.
    if dice.one_in(if of.status { 3 } else { 30 }) {
        return Sub::Status;
    }
    if dice.one_in(if of.scale { 4 } else { 30 }) { Sub::Scale } else { Sub::None }
}

fn edits(dice: &mut Dice, tables: &[&[Edit]], most: usize) -> Vec<Edit> {
    let count = match dice.roll(6) {
        0..2 => 0,
        2..5 => 1,
        _ => 1 + dice.roll(most),
    };
    let mut made = Vec::new();
    for _ in 0..count {
        let table = dice.pick(tables);
        if !table.is_empty() {
            made.push(dice.pick(table));
        }
    }
    made
}

fn query(dice: &mut Dice, of: &Kind, verb: Verb) -> Vec<&'static str> {
    let namespaced = of.namespaced;
    const LABELS: [&str; 8] = [
        "labelSelector=app%3Done",
        "labelSelector=app%21%3Done",
        "labelSelector=app%20in%20(one,other)",
        "labelSelector=app%20notin%20(one)",
        "labelSelector=%21app",
        "labelSelector=tier",
        "labelSelector=a%20b",
        "labelSelector=app%3Done,tier%3Dfront",
    ];
    const FIELDS: [&str; 5] = [
        "fieldSelector=metadata.name%3Done",
        "fieldSelector=metadata.name%21%3Done",
        "fieldSelector=spec.replicas%3D1",
        "fieldSelector=metadata.namespace%3Delsewhere",
        "fieldSelector=nonsense",
    ];
    let mut made = Vec::new();
    if matches!(verb, Verb::List | Verb::DeleteCollection) {
        if dice.one_in(3) {
            made.push(dice.pick(&LABELS));
        }
        if dice.one_in(5) {
            made.push(dice.pick(&FIELDS));
        }
        if verb == Verb::List && namespaced && dice.one_in(2) {
            made.push(dice.pick(&["limit=1", "limit=1", "limit=500"]));
        }
    }
    if !matches!(verb, Verb::Get | Verb::List | Verb::NextPage) {
        if dice.one_in(8) {
            made.push(dice.pick(&["dryRun=All", "dryRun=All", "dryRun=All", "dryRun=Some"]));
        }
        if verb == Verb::Apply {
            if !dice.one_in(20) {
                made.push(dice.pick(&["fieldManager=alice", "fieldManager=alice", "fieldManager=bob"]));
            }
            if dice.one_in(2) {
                made.push(dice.pick(&["force=true", "force=true", "force=false"]));
            }
        } else if dice.one_in(4) {
            made.push(dice.pick(&["fieldManager=tester", "fieldManager=alice"]));
        } else if dice.one_in(60) {
            made.push("force=true");
        }
        if dice.one_in(2) && !matches!(verb, Verb::Delete | Verb::DeleteCollection) {
            made.push(dice.pick(&[
                "fieldValidation=Strict",
                "fieldValidation=Strict",
                "fieldValidation=Warn",
                "fieldValidation=Ignore",
                "fieldValidation=Other",
            ]));
        }
    }
    made
}
