use std::collections::BTreeMap;

use serde_json::Value;

use super::{Change, Listed};

/// The objects of a list, or what is kept of them, as a watch tells them.
#[derive(Debug)]
pub(crate) struct Mirror<T> {
    listed: Listed,
    keep: fn(Value) -> T,
    shown: BTreeMap<Key, T>,
    /// What is being told anew; it replaces `shown` at once, so that nobody sees half a list.
    coming: Option<BTreeMap<Key, T>>,
    is_complete: bool,
}

/// Namespace and name: the order of the API server.
pub(crate) type Key = (String, String);

impl<T> Mirror<T> {
    /// Of a list, with what `keep` makes of each object.
    pub(crate) fn new(listed: Listed, keep: fn(Value) -> T) -> Self {
        Self { listed, keep, shown: BTreeMap::new(), coming: None, is_complete: false }
    }

    /// Notes a change; `false` if it is none of this list, or changes nothing that is shown.
    pub(crate) fn note(&mut self, change: &mut Change) -> bool {
        match change {
            Change::Begin(listed) if *listed == self.listed => {
                self.coming = Some(BTreeMap::new());
                false
            }
            Change::Put(listed, object) if *listed == self.listed => {
                let object = object.take();
                let key = key(&object);
                let kept = (self.keep)(object);
                self.coming.as_mut().unwrap_or(&mut self.shown).insert(key, kept);
                self.coming.is_none()
            }
            Change::Gone(listed, object) if *listed == self.listed => {
                self.shown.remove(&key(object));
                true
            }
            Change::Complete(listed) if *listed == self.listed => {
                self.shown = self.coming.take().unwrap_or_default();
                self.is_complete = true;
                true
            }
            _ => false,
        }
    }

    /// Whether all objects were told once.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The objects, by namespace and name.
    pub(crate) fn entries(&self) -> &BTreeMap<Key, T> {
        &self.shown
    }
}

fn key(object: &Value) -> Key {
    let text = |member: &str| object["metadata"][member].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str) -> Value {
        json!({"metadata": {"name": name, "namespace": "n"}})
    }

    #[test]
    fn a_list_that_is_told_anew_is_replaced_at_once() {
        let mut mirror = Mirror::new(Listed::Pods, |object| object["metadata"]["name"].to_string());
        let mut note = |change: Change| {
            let mut change = change;
            let is_new = mirror.note(&mut change);
            let shown: Vec<String> = mirror.entries().values().cloned().collect();
            (is_new, shown.join(","))
        };
        assert_eq!(note(Change::Begin(Listed::Pods)), (false, String::new()));
        assert_eq!(note(Change::Put(Listed::Pods, pod("a"))), (false, String::new()));
        assert_eq!(note(Change::Put(Listed::Rollouts, pod("x"))), (false, String::new()));
        assert_eq!(note(Change::Complete(Listed::Pods)), (true, r#""a""#.to_owned()));
        assert_eq!(note(Change::Put(Listed::Pods, pod("b"))), (true, r#""a","b""#.to_owned()));
        assert_eq!(note(Change::Begin(Listed::Pods)), (false, r#""a","b""#.to_owned()));
        assert_eq!(note(Change::Put(Listed::Pods, pod("c"))), (false, r#""a","b""#.to_owned()));
        assert_eq!(note(Change::Complete(Listed::Pods)), (true, r#""c""#.to_owned()));
        assert_eq!(note(Change::Gone(Listed::Pods, pod("c"))), (true, String::new()));
        assert!(mirror.is_complete());
    }
}
