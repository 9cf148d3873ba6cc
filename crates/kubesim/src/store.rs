//! What is stored: objects by resource, one global resourceVersion, and the history that watches read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use crate::json::{list, text, uid};

/// Namespace and name; the namespace is empty for cluster-scoped objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub(crate) fn of(object: &Value) -> Self {
        Self::new(crate::json::namespace(object), crate::json::name(object))
    }
}

/// One change of one object, as the history keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) version: u64,
    pub(crate) before: Option<Arc<Value>>,
    /// The object after the change; of a deletion its last state, with the deletion's resourceVersion.
    pub(crate) object: Arc<Value>,
    pub(crate) is_deletion: bool,
}

#[derive(Debug, Default)]
struct Collection {
    objects: BTreeMap<Key, Arc<Value>>,
    history: VecDeque<Record>,
    /// Changes up to this version are forgotten.
    floor: u64,
}

/// Where an object is.
pub(crate) type Place = (String, Key);

/// Objects, history and the indexes by owner.
#[derive(Debug)]
pub(crate) struct Store {
    collections: BTreeMap<String, Collection>,
    version: u64,
    history_limit: usize,
    by_uid: BTreeMap<String, Place>,
    dependents: BTreeMap<String, BTreeSet<Place>>,
}

impl Store {
    pub(crate) fn new(history_limit: usize) -> Self {
        Self {
            collections: BTreeMap::new(),
            version: 0,
            history_limit,
            by_uid: BTreeMap::new(),
            dependents: BTreeMap::new(),
        }
    }

    /// The resourceVersion of the latest change.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn get(&self, resource: &str, key: &Key) -> Option<&Arc<Value>> {
        self.collections.get(resource)?.objects.get(key)
    }

    /// The objects of a resource in order of namespace and name, in one namespace or in all.
    pub(crate) fn list<'a>(
        &'a self,
        resource: &str,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Value>)> {
        let start = Key::new(namespace.unwrap_or(""), "");
        let objects = self.collections.get(resource).map(|collection| collection.objects.range(start..));
        objects
            .into_iter()
            .flatten()
            .take_while(move |(key, _)| namespace.is_none_or(|namespace| key.namespace == namespace))
    }

    /// The objects of a resource that have changed since `version`, as they were then; nothing for those that were not there.
    pub(crate) fn changed_since(
        &self,
        resource: &str,
        namespace: Option<&str>,
        version: u64,
    ) -> BTreeMap<Key, Option<Arc<Value>>> {
        let mut before = BTreeMap::new();
        let history = self.collections.get(resource).map(|collection| &collection.history);
        let newer = history.into_iter().flatten().rev().take_while(|record| record.version > version);
        for record in newer {
            let key = Key::of(&record.object);
            if namespace.is_none_or(|namespace| key.namespace == namespace) {
                before.insert(key, record.before.clone());
            }
        }
        before
    }

    pub(crate) fn resources(&self) -> impl Iterator<Item = &String> {
        self.collections.keys()
    }

    /// The oldest resourceVersion from which changes of `resource` are still known.
    pub(crate) fn floor(&self, resource: &str) -> u64 {
        self.collections.get(resource).map_or(0, |collection| collection.floor)
    }

    /// The first remembered change of `resource` after `version`.
    pub(crate) fn next_after(&self, resource: &str, version: u64) -> Option<&Record> {
        let history = &self.collections.get(resource)?.history;
        history.get(history.partition_point(|record| record.version <= version))
    }

    /// Stores `after` (nothing: deletes) under a new resourceVersion, which it writes into the object.
    pub(crate) fn put(&mut self, resource: &str, key: &Key, after: Option<Value>) -> Record {
        self.version += 1;
        let version = self.version;
        let collection = self.collections.entry(resource.to_owned()).or_default();
        let before = collection.objects.remove(key);
        let is_deletion = after.is_none();
        let mut object = after.or_else(|| before.as_deref().cloned()).unwrap_or(Value::Null);
        crate::json::set(&mut object, &["metadata", "resourceVersion"], version.to_string().into());
        let object = Arc::new(object);
        if !is_deletion {
            collection.objects.insert(key.clone(), Arc::clone(&object));
        }
        let record = Record { version, before, object, is_deletion };
        collection.history.push_back(record.clone());
        while collection.history.len() > self.history_limit {
            collection.floor = collection.history.pop_front().map_or(collection.floor, |old| old.version);
        }
        self.index(resource, key, &record);
        record
    }

    fn index(&mut self, resource: &str, key: &Key, record: &Record) {
        let place = (resource.to_owned(), key.clone());
        if let Some(before) = &record.before {
            for owner in owners(before) {
                if let Some(places) = self.dependents.get_mut(owner) {
                    places.remove(&place);
                    if places.is_empty() {
                        self.dependents.remove(owner);
                    }
                }
            }
            self.by_uid.remove(uid(before));
        }
        if !record.is_deletion {
            for owner in owners(&record.object) {
                self.dependents.entry(owner.to_owned()).or_default().insert(place.clone());
            }
            self.by_uid.insert(uid(&record.object).to_owned(), place);
        }
    }

    /// Where the object with this uid is.
    pub(crate) fn place_of(&self, uid: &str) -> Option<&Place> {
        self.by_uid.get(uid)
    }

    /// Where the objects are that name this uid as an owner.
    pub(crate) fn dependents_of(&self, uid: &str) -> impl Iterator<Item = &Place> {
        self.dependents.get(uid).into_iter().flatten()
    }

    /// Forgets all history: older resourceVersions answer 410.
    pub(crate) fn compact(&mut self) {
        for collection in self.collections.values_mut() {
            collection.history.clear();
            collection.floor = self.version;
        }
    }
}

fn owners(object: &Value) -> impl Iterator<Item = &str> {
    list(object, &["metadata", "ownerReferences"]).iter().map(|owner| text(owner, &["uid"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, owner: &str) -> Value {
        json!({"metadata": {"namespace": "n", "name": name, "uid": name, "ownerReferences": [{"uid": owner}]}})
    }

    #[test]
    fn versions_history_and_indexes_follow_each_change() {
        let mut store = Store::new(10);
        let key = Key::new("n", "a");
        store.put("pods", &key, Some(object("a", "o1")));
        let record = store.put("pods", &key, Some(object("a", "o2")));
        assert_eq!(text(&record.object, &["metadata", "resourceVersion"]), "2");
        assert_eq!(store.dependents_of("o1").count(), 0);
        assert_eq!(store.dependents_of("o2").count(), 1);
        assert_eq!(store.place_of("a").unwrap().1, key);
        let deletion = store.put("pods", &key, None);
        assert!(deletion.is_deletion);
        assert_eq!(text(&deletion.object, &["metadata", "resourceVersion"]), "3");
        assert_eq!(store.next_after("pods", 1).unwrap().version, 2);
        assert_eq!((store.dependents_of("o2").count(), store.place_of("a")), (0, None));
    }

    #[test]
    fn trimmed_and_compacted_history_raises_the_floor() {
        let mut store = Store::new(2);
        for name in ["a", "b", "c"] {
            store.put("pods", &Key::new("n", name), Some(object(name, "o")));
        }
        assert_eq!(store.floor("pods"), 1);
        store.compact();
        assert_eq!(store.floor("pods"), 3);
        assert!(store.next_after("pods", 0).is_none());
    }

    #[test]
    fn lists_stay_within_their_namespace() {
        let mut store = Store::new(10);
        for (namespace, name) in [("a", "x"), ("b", "y"), ("b", "z"), ("c", "w")] {
            store.put("pods", &Key::new(namespace, name), Some(json!({})));
        }
        let names =
            |namespace| store.list("pods", namespace).map(|(key, _)| key.name.as_str()).collect::<Vec<_>>();
        assert_eq!(names(Some("b")), ["y", "z"]);
        assert_eq!(names(None), ["x", "y", "z", "w"]);
    }
}
