//! `metadata.managedFields`: who owns which fields, read and written.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::set::Set;
use crate::clock::{api_time, parse_time};
use crate::json::{at, text};

/// How an entry came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Apply,
    Update,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// By what entries are told apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manager {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    /// The apiVersion of updates; empty for appliers, who keep their entry when they move to another version.
    pub(crate) version: String,
    /// `status`, `scale`, or empty.
    pub(crate) subresource: String,
}

impl Manager {
    pub(crate) fn new(name: &str, operation: Operation, version: &str, subresource: &str) -> Self {
        let version = if operation == Operation::Apply { "" } else { version };
        let name = if name.is_empty() { "unknown" } else { name };
        Self {
            name: name.to_owned(),
            operation,
            version: version.to_owned(),
            subresource: subresource.to_owned(),
        }
    }

    /// As conflicts name it: `"kubectl" with subresource "status" using apps/v1`.
    pub(crate) fn shown(&self) -> String {
        let mut shown = Value::from(self.name.as_str()).to_string();
        if !self.subresource.is_empty() {
            shown += &format!(" with subresource {}", Value::from(self.subresource.as_str()));
        }
        if self.operation == Operation::Update {
            shown += &format!(" using {}", self.version);
        }
        shown
    }
}

/// The fields of one manager.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Owned {
    pub(crate) set: Set,
    /// The apiVersion whose fields these are.
    pub(crate) version: String,
    /// When the manager last wrote, in whole seconds of UTC. An applier that changed nothing by its first apply has none.
    pub(crate) time: Option<String>,
}

/// The owners of an object's fields.
pub(crate) type Managed = BTreeMap<Manager, Owned>;

fn seconds(time: Option<&str>) -> i64 {
    time.and_then(parse_time).map_or(0, jiff::Timestamp::as_second)
}

impl Owned {
    pub(crate) fn seconds(&self) -> i64 {
        seconds(self.time.as_deref())
    }
}

/// Reads `metadata.managedFields`; nothing when an entry is not of the form that it must have.
pub(crate) fn decode(entries: &Value) -> Option<Managed> {
    let entries = entries.as_array().map_or(&[][..], Vec::as_slice);
    entries.iter().map(decode_entry).collect()
}

fn decode_entry(entry: &Value) -> Option<(Manager, Owned)> {
    let operation = match text(entry, &["operation"]) {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return None,
    };
    let version = text(entry, &["apiVersion"]);
    if version.is_empty() || text(entry, &["fieldsType"]) != "FieldsV1" {
        return None;
    }
    let set = match at(entry, &["fieldsV1"]) {
        Value::Null => Set::default(),
        fields => Set::decode(fields).ok()?,
    };
    let time = at(entry, &["time"]).as_str().and_then(parse_time).map(api_time);
    let manager = Manager {
        name: text(entry, &["manager"]).to_owned(),
        operation,
        version: if operation == Operation::Apply { String::new() } else { version.to_owned() },
        subresource: text(entry, &["subresource"]).to_owned(),
    };
    Some((manager, Owned { set, version: version.to_owned(), time }))
}

/// Writes `metadata.managedFields`: appliers first, then by time; null when nobody owns anything.
pub(crate) fn encode(managed: &Managed) -> Value {
    encode_all(managed.iter())
}

/// As [`encode`], of entries among which some may be told apart by nothing that is written.
pub(crate) fn encode_all<'a>(managed: impl Iterator<Item = (&'a Manager, &'a Owned)>) -> Value {
    let mut entries: Vec<Value> = managed.map(|(manager, owned)| encode_entry(manager, owned)).collect();
    if entries.is_empty() {
        return Value::Null;
    }
    entries.sort_by_cached_key(|entry| {
        let word = |key: &str| text(entry, &[key]).to_owned();
        let time = seconds(at(entry, &["time"]).as_str());
        (word("operation"), time, word("manager"), word("apiVersion"), word("subresource"))
    });
    Value::Array(entries)
}

fn encode_entry(manager: &Manager, owned: &Owned) -> Value {
    let mut entry = json!({
        "operation": manager.operation.name(), "apiVersion": owned.version, "fieldsType": "FieldsV1",
        "fieldsV1": owned.set.encode(),
    });
    let words = [
        ("manager", Some(&manager.name)),
        ("subresource", Some(&manager.subresource)),
        ("time", owned.time.as_ref()),
    ];
    for (key, word) in words {
        if let Some(word) = word.filter(|word| !word.is_empty()) {
            entry[key] = word.as_str().into();
        }
    }
    entry
}

/// Whether a request asks to forget all owners, by an empty list or one empty entry.
pub(crate) fn is_reset(entries: &Value) -> bool {
    let is_void = |value: &Value| value.is_null() || value.as_str() == Some("");
    match entries.as_array().map(Vec::as_slice) {
        Some([]) => true,
        Some([only]) => only.as_object().is_some_and(|entry| entry.values().all(is_void)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_and_written_in_order() {
        let fields = json!({"f:data": {"f:a": {}}});
        let entry = |manager: &str, operation: &str, time: &str| {
            json!({"manager": manager, "operation": operation, "apiVersion": "v1", "time": time, "fieldsType": "FieldsV1",
                "fieldsV1": fields})
        };
        let late = entry("a", "Update", "2026-01-01T00:00:05Z");
        let early = entry("b", "Update", "2026-01-01T00:00:01Z");
        let applied = entry("c", "Apply", "2026-01-01T00:00:09Z");
        let managed = decode(&json!([late, early, applied])).unwrap();
        assert_eq!(encode(&managed), json!([applied, early, late]));
        assert_eq!(encode(&Managed::new()), Value::Null);
        let moved = json!([entry("a", "Update", "2026-01-01T01:00:05.5+01:00")]);
        assert_eq!(encode(&decode(&moved).unwrap()), json!([late]));
    }

    #[test]
    fn entries_of_another_form_are_none() {
        let good =
            json!({"manager": "a", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1"});
        assert!(decode(&json!([good])).is_some());
        for (key, value) in [
            ("operation", ""),
            ("apiVersion", ""),
            ("fieldsType", ""),
            ("fieldsType", "V2"),
            ("fieldsV1", "x"),
        ] {
            let mut entry = good.clone();
            entry[key] = value.into();
            assert_eq!(decode(&json!([entry])), None, "{key}");
        }
    }

    #[test]
    fn empty_lists_and_entries_reset() {
        for (entries, expected) in [
            (json!([]), true),
            (json!([{}]), true),
            (json!([{"manager": "", "time": null}]), true),
            (json!([{"manager": "a"}]), false),
            (json!([{}, {}]), false),
            (json!(null), false),
        ] {
            assert_eq!(is_reset(&entries), expected, "{entries}");
        }
    }
}
