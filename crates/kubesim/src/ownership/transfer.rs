//! How fields change hands: by updates, which take what they write, and by applies, which conflict.

use std::sync::LazyLock;

use serde_json::Value;

use super::compare::{Comparison, compare, fields_of, reshaped, with_named_fields};
use super::managed::{Managed, Manager, Operation, Owned};
use super::merge::{merge, without};
use super::path::{Step, is_same};
use super::set::Set;
use super::shape::Type;
use super::subject::Subject;

/// Entries of updates beyond this many are merged into [`OLD_UPDATES`].
const MOST_UPDATES: usize = 10;
const OLD_UPDATES: &str = "ancient-changes";

/// Fields that nobody owns.
static NOT_OWNED: LazyLock<Set> = LazyLock::new(|| {
    Set::of_fields(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
});

/// A field that an applier wants otherwise than its owner has it.
#[derive(Clone, Debug)]
pub(crate) struct Conflict {
    pub(crate) manager: Manager,
    pub(crate) path: Vec<Step>,
}

/// The owners after an update that made `new` of `old`.
pub(crate) fn update(
    subject: &Subject,
    [old, new]: [&Value; 2],
    mut managed: Managed,
    name: &str,
    now: &str,
) -> Managed {
    reshape(subject, &mut managed);
    let comparison = compare(old, new, subject.ty());
    take(subject, [old, new], &comparison, &mut managed, None);
    let set = comparison.written().difference_with_all_below(&subject.ignored);
    let set = set.difference(&NOT_OWNED);
    if !set.is_empty() {
        let manager = Manager::new(name, Operation::Update, &subject.version, subject.subresource);
        let before = managed.remove(&manager).map_or_else(Set::default, |owned| owned.set);
        let owned =
            Owned { set: before.union(&set), version: subject.version.clone(), time: Some(now.to_owned()) };
        managed.insert(manager, owned);
    }
    limit_updates(&mut managed);
    managed
}

/// Brings owners' sets into the form that the types have now.
fn reshape(subject: &Subject, managed: &mut Managed) {
    for owned in managed.values_mut() {
        owned.set = reshaped(&owned.set, subject.ty_in(&owned.version));
    }
}

/// Takes what changed from all but `except`.
fn take(
    subject: &Subject,
    [old, new]: [&Value; 2],
    comparison: &Comparison,
    managed: &mut Managed,
    except: Option<&Manager>,
) {
    drop_unserved(subject, managed, except);
    for (_, owned) in managed.iter_mut().filter(|(manager, _)| Some(*manager) != except) {
        let changed = changes(subject, [old, new], comparison, &owned.version);
        owned.set = owned.set.difference(&changed.written()).difference(&changed.removed);
    }
    managed.retain(|_, owned| !owned.set.is_empty());
}

/// Forgets owners of fields of versions that are not served any more.
fn drop_unserved(subject: &Subject, managed: &mut Managed, except: Option<&Manager>) {
    managed.retain(|manager, owned| Some(manager) == except || subject.ty_in(&owned.version).is_some());
}

/// What changed as the owner of fields of `version` sees it. Only in the request's version fields are ignored, as on the real server.
fn changes(subject: &Subject, [old, new]: [&Value; 2], comparison: &Comparison, version: &str) -> Comparison {
    match subject.ty_in(version).filter(|_| version != subject.version) {
        Some(ty) => compare(old, new, ty),
        None => comparison.excluding(&subject.ignored),
    }
}

/// Merges the oldest entries of updates, so that no more than [`MOST_UPDATES`] are left where their versions are the same.
fn limit_updates(managed: &mut Managed) {
    let mut updates: Vec<(i64, Manager)> = managed
        .iter()
        .filter(|(manager, _)| manager.operation == Operation::Update)
        .map(|(manager, owned)| (owned.seconds(), manager.clone()))
        .collect();
    updates.sort();
    let mut count = updates.len();
    let mut first_of: Vec<(String, Manager)> = Vec::new();
    for (_, manager) in updates {
        if count <= MOST_UPDATES {
            return;
        }
        let Some(version) = managed.get(&manager).map(|owned| owned.version.clone()) else { continue };
        let Some((_, first)) = first_of.iter().find(|(known, _)| *known == version) else {
            first_of.push((version, manager));
            continue;
        };
        let bucket = Manager::new(OLD_UPDATES, Operation::Update, &version, "");
        if !managed.contains_key(&bucket)
            && let Some(owned) = managed.remove(first)
        {
            managed.insert(bucket.clone(), owned);
        }
        count -= 1;
        let Some(merged) = managed.remove(&manager) else { continue };
        // Nothing when the bucket itself was next, between entries of the same second: upstream loses it then.
        let Some(owned) = managed.get_mut(&bucket) else { continue };
        owned.set = std::mem::take(&mut owned.set).union(&merged.set);
        owned.time = merged.time;
    }
}

/// What an apply makes of an object and of its fields' owners.
pub(crate) struct Outcome {
    /// Nothing when the object stays as it is.
    pub(crate) object: Option<Value>,
    pub(crate) managed: Managed,
}

/// Applies a configuration, which is of its type.
pub(crate) fn apply(
    subject: &Subject,
    [live, configuration]: [&Value; 2],
    mut managed: Managed,
    manager: &Manager,
    force: bool,
) -> Result<Outcome, Vec<Conflict>> {
    reshape(subject, &mut managed);
    let merged = merge(live, configuration, subject.ty());
    let set = fields_of(configuration, subject.ty()).difference_with_all_below(&subject.ignored);
    let last = managed.remove(manager);
    let time = last.as_ref().and_then(|owned| owned.time.clone());
    managed.insert(manager.clone(), Owned { set, version: subject.version.clone(), time });
    let object = match &last {
        Some(last) if !last.set.is_empty() => prune(subject, merged, &managed, last),
        _ => merged,
    };
    let comparison = compare(live, &object, subject.ty());
    if !force {
        let conflicts = conflicts(subject, [live, &object], &comparison, &managed, manager);
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
    }
    take(subject, [live, &object], &comparison, &mut managed, Some(manager));
    if let Some(owned) = managed.get_mut(manager) {
        owned.set = owned.set.difference(&NOT_OWNED);
    }
    managed.retain(|_, owned| !owned.set.is_empty());
    let object = (!is_same(live, &object)).then_some(object);
    Ok(Outcome { object, managed })
}

fn conflicts(
    subject: &Subject,
    objects: [&Value; 2],
    comparison: &Comparison,
    managed: &Managed,
    by: &Manager,
) -> Vec<Conflict> {
    let others =
        managed.iter().filter(|(manager, owned)| *manager != by && subject.ty_in(&owned.version).is_some());
    others
        .flat_map(|(manager, owned)| {
            let changed = changes(subject, objects, comparison, &owned.version);
            let paths = owned.set.intersection(&changed.written()).paths();
            paths.into_iter().map(|path| Conflict { manager: manager.clone(), path })
        })
        .collect()
}

/// Takes out what the applier applied the last time and not any more, unless somebody else owns it.
fn prune(subject: &Subject, merged: Value, managed: &Managed, last: &Owned) -> Value {
    let Some(ty) = subject.ty_in(&last.version) else { return merged };
    let named = |set: &Set, ty: &Type| with_named_fields(set, Some(ty));
    let mut pruned = without(&merged, &named(&last.set, ty), ty);
    let mut versions: Vec<&str> = managed.values().map(|owned| owned.version.as_str()).collect();
    versions.sort_by_key(|version| (*version != last.version, version.to_owned()));
    versions.dedup();
    for version in versions {
        let Some(ty) = subject.ty_in(version) else { continue };
        let owned = managed.values().filter(|owned| owned.version == version);
        let kept = owned.fold(Set::default(), |kept, owned| kept.union(&owned.set));
        let kept = named(&fields_of(&pruned, ty), ty).union(&named(&kept, ty));
        let gone = named(&fields_of(&merged, ty), ty).difference(&kept);
        pruned = without(&merged, &gone, ty);
    }
    let left = named(&fields_of(&pruned, ty), ty);
    let gone = named(&fields_of(&merged, ty), ty).difference(&left).intersection(&named(&last.set, ty));
    without(&merged, &gone, ty)
}
