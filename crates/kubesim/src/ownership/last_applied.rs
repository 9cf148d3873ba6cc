//! The annotation of client-side apply: an applier of the name `kubectl` takes over what it says, and keeps it up to date.

use serde_json::Value;

use super::compare::{compare, fields_of};
use super::set::Set;
use super::subject::Subject;
use super::transfer::Conflict;
use crate::json::{at, set, text};

/// The applier that is meant.
pub(super) const APPLIER: &str = "kubectl";

const ANNOTATION: [&str; 3] = ["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"];

/// All annotations together may have this many bytes.
const MOST_BYTES: usize = 256 * 1024;

/// The conflicts that are left when client-side apply's own fields, which still are as it applied them, may be taken.
pub(super) fn left(conflicts: Vec<Conflict>, subject: &Subject, live: &Value) -> Vec<Conflict> {
    let Some(allowed) = allowed(subject, live) else { return conflicts };
    conflicts.into_iter().filter(|conflict| !allowed.has(&conflict.path)).collect()
}

fn allowed(subject: &Subject, live: &Value) -> Option<Set> {
    let last: Value = serde_json::from_str(text(live, &ANNOTATION)).ok()?;
    if text(&last, &["apiVersion"]) != subject.version
        || super::validate::fault(&last, subject.ty()).is_some()
    {
        return None;
    }
    let comparison = compare(&last, live, subject.ty());
    let set = fields_of(&last, subject.ty());
    Some(set.difference(&comparison.written()).difference(&comparison.removed))
}

/// Writes the annotation anew, if the object has it.
pub(super) fn renew(object: &mut Value, configuration: &Value) {
    if text(object, &ANNOTATION).is_empty() {
        return;
    }
    let mut applied = configuration.clone();
    if at(&applied, &ANNOTATION).is_string() {
        set(&mut applied, &ANNOTATION, Value::Null);
        if at(&applied, &ANNOTATION[..2]).as_object().is_some_and(serde_json::Map::is_empty) {
            set(&mut applied, &ANNOTATION[..2], Value::Null);
        }
    }
    set(object, &ANNOTATION, format!("{applied}\n").into());
    let annotations = at(object, &ANNOTATION[..2]).as_object().into_iter().flatten();
    let bytes: usize = annotations.map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if bytes > MOST_BYTES {
        set(object, &ANNOTATION, Value::Null);
    }
}
