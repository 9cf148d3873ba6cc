//! Who owns which fields of an object: `metadata.managedFields`, and server-side apply.
//!
//! Reading order: [`path`] and [`set`] are the data, [`shape`] is what OpenAPI says of types, [`compare`], [`merge`] and
//! [`validate`] look at objects by their shapes, [`managed`] reads and writes entries, [`transfer`] moves fields between owners,
//! [`apply`] serves a request.

mod apply;
mod compare;
mod conflict;
mod last_applied;
mod managed;
mod merge;
mod options;
mod path;
#[cfg(test)]
mod recorded;
pub(crate) mod scale;
mod set;
mod shape;
mod subject;
mod transfer;
mod validate;

use serde_json::Value;

use crate::admission;
use crate::json::{at, set};
use crate::resources::Resource;
use crate::state::{Call, State};

pub(crate) use apply::{Configuration, Served, serve, unconvertible};
pub(crate) use options::check as check_options;
pub(crate) use shape::Shape;

use options::{LONGEST_NAME, is_printable};
use subject::Subject;

const ENTRIES: [&str; 2] = ["metadata", "managedFields"];

/// What a request's body says of owners before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// They are to be forgotten.
    Reset,
    /// They are those of its entries, or as before when it has none.
    Entries,
}

impl Given {
    pub(crate) fn of(body: &Value) -> Self {
        if managed::is_reset(at(body, &ENTRIES)) { Self::Reset } else { Self::Entries }
    }
}

/// The entries of an object as it is written, null for none; nothing when owners are not kept.
///
/// `desired` has been decoded; what an update cannot change has not been taken over yet, as on the real server.
pub(crate) fn track(
    state: &State,
    call: &Call,
    resource: &Resource,
    live: Option<&Value>,
    desired: &Value,
    given: Given,
) -> Option<Value> {
    if !state.field_ownership {
        return None;
    }
    let entries = at(desired, &ENTRIES);
    if call.applies || call.subresource == "scale" {
        // They are settled already.
        return Some(entries.clone());
    }
    let of_live = || live.and_then(|live| managed::decode(at(live, &ENTRIES))).unwrap_or_default();
    let managed = match (call.subresource, given) {
        ("", Given::Reset) => managed::Managed::new(),
        ("", Given::Entries) => {
            managed::decode(entries).filter(|managed| !managed.is_empty()).unwrap_or_else(of_live)
        }
        _ => of_live(),
    };
    if managed.is_empty() && live.is_some() {
        // Owners that were forgotten are kept again from the next apply on.
        return Some(Value::Null);
    }
    let subject = Subject::of(state, resource, call.subresource);
    let mut new = without_entries(desired);
    new["apiVersion"] = subject.version.as_str().into();
    new["kind"] = subject.kind.as_str().into();
    admission::default(&mut new, resource);
    if resource.is("services") {
        // What the real server allocates after it has settled the owners.
        for key in ["ipFamilies", "ipFamilyPolicy"] {
            set(&mut new, &["spec", key], at(desired, &["spec", key]).clone());
        }
    }
    let old = live.map_or_else(|| subject.empty.clone(), without_entries);
    let managed = transfer::update(&subject, [&old, &new], managed, &manager_name(call), &state.api_now());
    Some(managed::encode(&managed))
}

/// Leaves times as they were where nothing but times would change.
pub(crate) fn keep_times(desired: &mut Value, current: &Value) {
    let timeless = |object: &Value| {
        let mut entries = at(object, &ENTRIES).clone();
        for entry in entries.as_array_mut().into_iter().flatten() {
            set(entry, &["time"], Value::Null);
        }
        entries
    };
    let is_same = at(desired, &ENTRIES).is_array()
        && timeless(desired) == timeless(current)
        && without_entries(desired) == without_entries(current);
    if is_same {
        set(desired, &ENTRIES, at(current, &ENTRIES).clone());
    }
}

fn without_entries(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

/// The manager's name: that of the request, or what the User-Agent begins with.
fn manager_name(call: &Call) -> String {
    if !call.field_manager.is_empty() {
        return call.field_manager.clone();
    }
    let mut name = String::new();
    for character in call.actor.split('/').next().unwrap_or("").chars().filter(|c| is_printable(*c)) {
        if name.len() + character.len_utf8() > LONGEST_NAME {
            break;
        }
        name.push(character);
    }
    name
}
