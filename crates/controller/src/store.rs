//! One kind of object as the watches have delivered it.
//!
//! Objects are kept as compact JSON and read again whenever somebody asks: a Rollout as a typed value takes ten times the
//! memory, most of it for what it does not use, and reading takes about as long as copying.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug};

use kube::runtime::watcher::Event;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_api::meta::ObjectMeta;
use tidegate_api::rollout::Rollout;
use tidegate_core::{KnownTemplate, ReplicaSet, Service};

use crate::metrics::Summary;
use crate::watch::Watched;

/// Deletions that are remembered so that a late copy of the object does not bring it back.
const TOMBSTONES: usize = 1024;

/// Namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Key {
    /// The key of an object.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A resourceVersion as a number, which it is (Kubernetes 1.35 promises it); 0 when it is not.
pub(crate) fn version(resource_version: &str) -> u64 {
    resource_version.parse().unwrap_or(0)
}

/// The part of an object that a store keeps.
pub(crate) trait Slim: Serialize + DeserializeOwned {
    /// What is asked so often that it is not read each time.
    type Summary: Debug;

    fn summary(&self) -> Self::Summary;
    fn parse(object: &Value) -> Result<Self, serde_json::Error>;
    /// The same, of a later version of the object that `known` is about.
    fn parse_after(object: &Value, _known: Option<&Self::Summary>) -> Result<Self, serde_json::Error> {
        Self::parse(object)
    }
    fn metadata(&self) -> &ObjectMeta;
    /// This value with whatever can be read of a later version of the same object that as a whole cannot; `None` when
    /// that is another object, of which nothing is known.
    fn updated(self, object: &Value) -> Option<Self>;
}

/// The metadata of `object`, or `known` when they cannot be read; `None` when they are another object's.
pub(crate) fn later_metadata(known: &ObjectMeta, object: &Value) -> Option<ObjectMeta> {
    let later = ObjectMeta::deserialize(&object["metadata"]).unwrap_or_else(|_| known.clone());
    (later.uid == known.uid).then_some(later)
}

impl Slim for Rollout {
    type Summary = Summary;

    fn summary(&self) -> Summary {
        Summary::of(self)
    }

    fn parse(object: &Value) -> Result<Self, serde_json::Error> {
        let mut rollout = Self::deserialize(object)?;
        // Client-side apply leaves a second copy of the whole spec here, and no decision reads it.
        rollout.metadata.annotations.remove(tidegate_api::labels::LAST_APPLIED_CONFIGURATION);
        Ok(rollout)
    }

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    /// The spec stays; a status that is older than its resourceVersion would make every write a mistake.
    fn updated(mut self, object: &Value) -> Option<Self> {
        self.metadata = later_metadata(&self.metadata, object)?;
        self.metadata.annotations.remove(tidegate_api::labels::LAST_APPLIED_CONFIGURATION);
        match Option::deserialize(&object["status"]) {
            Ok(status) => self.status = status.unwrap_or_default(),
            Err(error) => {
                let (namespace, rollout) = (self.metadata.namespace.as_str(), self.metadata.name.as_str());
                tracing::warn!(namespace, rollout, %error, "the status of a Rollout could not be read either");
            }
        }
        Some(self)
    }
}

impl Slim for ReplicaSet {
    type Summary = KnownTemplate;

    fn summary(&self) -> KnownTemplate {
        self.known_template()
    }

    fn parse(object: &Value) -> Result<Self, serde_json::Error> {
        Self::parse(object)
    }

    fn parse_after(object: &Value, known: Option<&KnownTemplate>) -> Result<Self, serde_json::Error> {
        Self::parse_after(object, known)
    }

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn updated(mut self, object: &Value) -> Option<Self> {
        self.metadata = later_metadata(&self.metadata, object)?;
        Some(self)
    }
}

impl Slim for Service {
    /// The Rollout that it is marked by.
    type Summary = Option<Box<str>>;

    fn summary(&self) -> Option<Box<str>> {
        tidegate_core::service::manager(self).map(Into::into)
    }

    fn parse(object: &Value) -> Result<Self, serde_json::Error> {
        let mut service = Self::parse(object)?;
        service.metadata.annotations.remove(tidegate_api::labels::LAST_APPLIED_CONFIGURATION);
        Ok(service)
    }

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn updated(mut self, object: &Value) -> Option<Self> {
        self.metadata = later_metadata(&self.metadata, object)?;
        self.metadata.annotations.remove(tidegate_api::labels::LAST_APPLIED_CONFIGURATION);
        Some(self)
    }
}

/// Which object of its name it is, and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: Box<str>,
    /// The uid of its controller.
    pub(crate) controller: Option<Box<str>>,
}

impl Identity {
    fn of(metadata: &ObjectMeta) -> Self {
        Self { uid: metadata.uid.as_str().into(), controller: metadata.controller_uid().map(Into::into) }
    }
}

/// An object in a store.
#[derive(Debug)]
struct Kept<T: Slim> {
    text: Box<str>,
    identity: Identity,
    summary: T::Summary,
}

impl<T: Slim> Kept<T> {
    fn new(value: &T) -> Self {
        let text = serde_json::to_string(value).expect("keys are texts, and nothing refuses to be written");
        Self { text: text.into(), identity: Identity::of(value.metadata()), summary: value.summary() }
    }

    fn read(&self) -> T {
        serde_json::from_str(&self.text).expect("it was written from a value of this type")
    }
}

/// What one delivery has changed in a store.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) key: Key,
    /// The resourceVersion that was delivered; 0 for a deletion found by a relist.
    pub(crate) version: u64,
    pub(crate) before: Option<Identity>,
    /// Why the delivered object could not be read; the store then still holds what was readable of it before.
    pub(crate) unreadable: Option<Unreadable>,
}

/// An object that its kind's type does not fit.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) error: String,
}

/// What a write of ours leaves to be seen in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The object at this version or a later one.
    Version(u64),
    /// No object with this uid any more.
    Gone(String),
}

/// All objects of one kind in scope. Written by one watch only.
#[derive(Debug)]
pub(crate) struct Store<T: Slim> {
    objects: BTreeMap<Key, Entry<T>>,
    /// Deleted objects with the version of their deletion.
    tombstones: BTreeMap<Key, u64>,
    /// What the relist under way has brought so far.
    listed: Option<BTreeSet<Key>>,
    highest: u64,
    is_complete: bool,
}

#[derive(Debug)]
struct Entry<T: Slim> {
    version: u64,
    /// As last read without error, with what could be read of later versions. `None`: it was never readable.
    value: Option<Kept<T>>,
}

impl<T: Slim> Default for Store<T> {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            tombstones: BTreeMap::new(),
            listed: None,
            highest: 0,
            is_complete: false,
        }
    }
}

impl<T: Slim> Store<T> {
    /// Takes in one event of the watch.
    pub(crate) fn deliver(&mut self, event: Event<Watched>) -> Vec<Change> {
        match event {
            Event::Init => {
                self.listed = Some(BTreeSet::new());
                Vec::new()
            }
            Event::InitApply(object) => {
                if let Some(listed) = &mut self.listed {
                    listed.insert(object.key());
                }
                self.apply(&object).into_iter().collect()
            }
            Event::InitDone => self.finish_relist(),
            Event::Apply(object) => self.apply(&object).into_iter().collect(),
            Event::Delete(object) => self.delete(&object).into_iter().collect(),
        }
    }

    /// The object, as far as it could be read.
    pub(crate) fn get(&self, key: &Key) -> Option<T> {
        Some(self.kept(key)?.read())
    }

    /// Which object it is, if any of it could be read.
    pub(crate) fn identity(&self, key: &Key) -> Option<&Identity> {
        Some(&self.kept(key)?.identity)
    }

    /// Whether there is such an object and any of it could be read.
    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.kept(key).is_some()
    }

    fn kept(&self, key: &Key) -> Option<&Kept<T>> {
        self.objects.get(key)?.value.as_ref()
    }

    /// The summary of an object, if any of it could be read.
    pub(crate) fn summary(&self, key: &Key) -> Option<&T::Summary> {
        Some(&self.kept(key)?.summary)
    }

    /// The summaries of all readable objects.
    pub(crate) fn summaries(&self) -> impl Iterator<Item = (&Key, &T::Summary)> {
        self.objects.iter().filter_map(|(key, entry)| Some((key, &entry.value.as_ref()?.summary)))
    }

    /// The keys of all readable objects.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.summaries().map(|(key, _)| key)
    }

    /// The keys of all readable objects of a namespace by name.
    pub(crate) fn in_namespace<'a>(&'a self, namespace: &str) -> impl Iterator<Item = &'a Key> {
        let first = Key::new(namespace, "");
        let namespace = namespace.to_owned();
        self.objects
            .range(first..)
            .take_while(move |(key, _)| key.namespace == namespace)
            .filter(|(_, entry)| entry.value.is_some())
            .map(|(key, _)| key)
    }

    /// Whether a full list has been taken in.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether what a write has left can be seen here.
    pub(crate) fn has_delivered(&self, key: &Key, mark: &Mark) -> bool {
        match (mark, self.objects.get(key)) {
            (Mark::Version(version), Some(entry)) => entry.version >= *version,
            // It was deleted after the write, which a later version of anything proves.
            (Mark::Version(version), None) => self.highest >= *version,
            (Mark::Gone(uid), Some(entry)) => {
                entry.value.as_ref().is_none_or(|kept| *kept.identity.uid != **uid)
            }
            (Mark::Gone(_), None) => true,
        }
    }

    /// Drops an object that nobody asks for any more.
    pub(crate) fn forget(&mut self, key: &Key) {
        self.objects.remove(key);
        self.tombstones.remove(key);
    }

    fn apply(&mut self, object: &Watched) -> Option<Change> {
        let (key, version) = (object.key(), object.version());
        let known = self.objects.get(&key).map_or(0, |entry| entry.version);
        let latest = self.tombstones.get(&key).copied().unwrap_or(0).max(known);
        self.highest = self.highest.max(version);
        if latest >= version {
            return None;
        }
        self.tombstones.remove(&key);
        let entry = self.objects.entry(key.clone()).or_insert(Entry { version, value: None });
        entry.version = version;
        let summary = entry.value.as_ref().map(|kept| &kept.summary);
        let (before, unreadable) = match T::parse_after(&object.value, summary) {
            Ok(value) => (entry.value.replace(Kept::new(&value)), None),
            Err(error) => {
                tracing::warn!(resource = %key, %error, "an object could not be read");
                let before = entry.value.take();
                let updated = before.as_ref().and_then(|known| known.read().updated(&object.value));
                entry.value = updated.as_ref().map(Kept::new);
                (before, Some(object.unreadable(error.to_string())))
            }
        };
        Some(Change { key, version, before: before.map(|kept| kept.identity), unreadable })
    }

    fn delete(&mut self, object: &Watched) -> Option<Change> {
        let (key, version) = (object.key(), object.version());
        self.highest = self.highest.max(version);
        if self.objects.get(&key).is_some_and(|entry| entry.version > version) {
            return None;
        }
        self.bury(key.clone(), version);
        let before = self.objects.remove(&key)?.value.map(|kept| kept.identity);
        Some(Change { key, version, before, unreadable: None })
    }

    fn bury(&mut self, key: Key, version: u64) {
        self.tombstones.insert(key, version);
        if self.tombstones.len() > TOMBSTONES {
            let oldest =
                self.tombstones.iter().min_by_key(|(_, version)| **version).map(|(key, _)| key.clone());
            oldest.map(|key| self.tombstones.remove(&key));
        }
    }

    fn finish_relist(&mut self) -> Vec<Change> {
        let listed = self.listed.take().unwrap_or_default();
        self.is_complete = true;
        self.tombstones.clear();
        let gone: Vec<Key> = self.objects.keys().filter(|key| !listed.contains(key)).cloned().collect();
        let removed = gone.into_iter().filter_map(|key| {
            let before = self.objects.remove(&key)?.value.map(|kept| kept.identity);
            Some(Change { key, version: 0, before, unreadable: None })
        });
        removed.collect()
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
