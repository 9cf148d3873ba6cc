//! What the cells of several resources have in common.

use jiff::Timestamp;
use serde_json::Value;

use super::age;
use crate::clock::parse_time;
use crate::json::{at, list, name, text};
use crate::selector::LabelSelector;

/// An object that is shown at a certain time.
pub(super) struct Cells<'a> {
    pub(super) object: &'a Value,
    pub(super) now: Timestamp,
}

impl Cells<'_> {
    pub(super) fn name(&self) -> Value {
        name(self.object).into()
    }

    /// How long the object has been there.
    pub(super) fn age(&self) -> Value {
        self.since(&["metadata", "creationTimestamp"]).into()
    }

    /// How long ago the time at `path` was.
    pub(super) fn since(&self, path: &[&str]) -> String {
        self.since_time(text(self.object, path))
    }

    pub(super) fn since_time(&self, time: &str) -> String {
        match parse_time(time) {
            Some(time) => age::human(self.now.duration_since(time)),
            None => "<unknown>".to_owned(),
        }
    }

    pub(super) fn text(&self, path: &[&str]) -> &str {
        text(self.object, path)
    }

    /// The text at `path`, or `<none>`.
    pub(super) fn text_or_none(&self, path: &[&str]) -> Value {
        or(self.text(path), "<none>").into()
    }

    pub(super) fn number(&self, path: &[&str]) -> i64 {
        at(self.object, path).as_i64().unwrap_or(0)
    }

    /// Names and images of the containers in the pod spec at `path`.
    pub(super) fn containers(&self, path: &[&str]) -> [Value; 2] {
        let containers = list(at(self.object, path), &["containers"]);
        ["name", "image"].map(|key| {
            let texts: Vec<&str> = containers.iter().map(|container| text(container, &[key])).collect();
            texts.join(",").into()
        })
    }

    /// The label selector at `path`.
    pub(super) fn selector(&self, path: &[&str]) -> Value {
        let selector = at(self.object, path);
        let shown = LabelSelector::from_spec(selector).to_string();
        or(if selector.is_null() { "" } else { &shown }, "<none>").into()
    }
}

/// `text`, or `other` when it is empty.
pub(super) fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

/// A map of labels: `a=b,c=d`.
pub(super) fn labels(labels: &Value) -> Value {
    let pairs = labels.as_object().into_iter().flatten();
    let pairs: Vec<String> =
        pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or(""))).collect();
    or(&pairs.join(","), "<none>").into()
}

/// A number or text as it is written.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The first few of a list, and how many more there are.
pub(super) fn first_of(mut items: Vec<String>, most: usize, empty: &str) -> String {
    let more = items.len().saturating_sub(most);
    items.truncate(most);
    let shown = items.join(",");
    match more {
        0 => or(&shown, empty).to_owned(),
        more => format!("{shown} + {more} more..."),
    }
}

/// The status of a condition: `True`, `False`, `Unknown`; empty when there is none.
pub(super) fn condition<'a>(object: &'a Value, ty: &str) -> &'a str {
    let mut conditions = list(object, &["status", "conditions"]).iter();
    conditions.find(|known| text(known, &["type"]) == ty).map_or("", |known| text(known, &["status"]))
}
