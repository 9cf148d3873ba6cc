//! The objects whose pod templates Rollouts use. Each kind is watched once a Rollout refers to one of it, and only those that a
//! Rollout refers to are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kube::runtime::watcher::Event;
use serde_json::Value;
use tidegate_api::labels::LAST_APPLIED_CONFIGURATION;
use tidegate_api::meta::ObjectMeta;
use tidegate_api::rollout::WorkloadRef;
use tidegate_core::{Observed, Workload};
use tokio::time::Instant;

use crate::kind::Kind;
use crate::store::{Change, Key, Slim, Store, later_metadata};
use crate::watch::Watched;

/// A watch that has failed is not trusted for this long, unless it brings something; see `watch_state`.
const MISTRUST: Duration = Duration::from_secs(60);

/// Where a lender is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    pub(crate) key: Key,
}

impl Place {
    /// Nothing for kinds that cannot lend a template.
    pub(crate) fn of(namespace: &str, reference: &WorkloadRef) -> Option<Self> {
        let kind = Kind::workload(&reference.api_version, &reference.kind)?;
        Some(Self { kind, key: Key::new(namespace, &reference.name) })
    }
}

/// Who lends to whom, and what is known of the lenders.
#[derive(Debug, Default)]
pub(crate) struct Workloads {
    by_kind: BTreeMap<&'static str, Lenders>,
    /// What each Rollout refers to.
    lender_of: BTreeMap<Key, Place>,
}

/// The lenders of one kind.
#[derive(Debug, Default)]
struct Lenders {
    store: Store<Workload>,
    lends_to: BTreeMap<Key, BTreeSet<Key>>,
    /// Those that a live read did not find, and no watch since.
    absent: BTreeSet<Key>,
    failed: Option<Instant>,
}

/// A lender has changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lent {
    pub(crate) lender: Key,
    pub(crate) version: u64,
    pub(crate) rollouts: BTreeSet<Key>,
}

impl Workloads {
    /// Notes what a Rollout refers to: changes of it concern the Rollout from now on.
    pub(crate) fn refer(&mut self, rollout: &Key, lender: Option<Place>) {
        if self.lender_of.get(rollout) == lender.as_ref() {
            return;
        }
        if let Some(Place { kind, key }) = self.lender_of.remove(rollout)
            && let Some(lenders) = self.by_kind.get_mut(kind.kind)
            && let Some(rollouts) = lenders.lends_to.get_mut(&key)
        {
            rollouts.remove(rollout);
            if rollouts.is_empty() {
                lenders.lends_to.remove(&key);
                lenders.store.forget(&key);
                lenders.absent.remove(&key);
            }
        }
        if let Some(place) = lender {
            let lenders = self.by_kind.entry(place.kind.kind).or_default();
            lenders.lends_to.entry(place.key.clone()).or_default().insert(rollout.clone());
            self.lender_of.insert(rollout.clone(), place);
        }
    }

    /// The object that a reference names, or that there is none, as far as a watch that works tells.
    pub(crate) fn find(&self, namespace: &str, reference: &WorkloadRef) -> Option<Observed<Workload>> {
        let place = Place::of(namespace, reference)?;
        let lenders = self.by_kind.get(place.kind.kind)?;
        let is_trusted = lenders.failed.is_none_or(|at| at.elapsed() >= MISTRUST);
        if !is_trusted || !lenders.store.is_complete() {
            return None;
        }
        match lenders.store.get(&place.key) {
            // Items of a list do not say of which kind they are.
            Some(found) => Some(Observed::Found(Workload { kind: place.kind.kind.to_owned(), ..found })),
            None => lenders.absent.contains(&place.key).then_some(Observed::Missing),
        }
    }

    /// Takes in one event of a kind's watch.
    pub(crate) fn deliver(&mut self, kind: Kind, event: Event<Watched>) -> Vec<Lent> {
        let lenders = self.by_kind.entry(kind.kind).or_default();
        // A list begins with `Init` before anything was answered.
        if !matches!(event, Event::Init) {
            lenders.failed = None;
        }
        lenders.take_in(event)
    }

    /// Takes in an object that was read or written live.
    pub(crate) fn learn(&mut self, kind: Kind, object: Value) -> Vec<Lent> {
        let lenders = self.by_kind.get_mut(kind.kind);
        lenders.map_or_else(Vec::new, |it| it.take_in(Event::Apply(Watched::new(object))))
    }

    /// Notes that a live read has found nothing: a watch tells when there is something.
    pub(crate) fn miss(&mut self, place: Place) {
        if let Some(lenders) = self.by_kind.get_mut(place.kind.kind)
            && lenders.lends_to.contains_key(&place.key)
            && !lenders.store.contains(&place.key)
        {
            lenders.absent.insert(place.key);
        }
    }

    /// Notes that a kind's watch has failed.
    pub(crate) fn failed(&mut self, kind: Kind) {
        self.by_kind.entry(kind.kind).or_default().failed = Some(Instant::now());
    }
}

impl Lenders {
    fn take_in(&mut self, event: Event<Watched>) -> Vec<Lent> {
        let object = match &event {
            Event::Apply(object) | Event::InitApply(object) | Event::Delete(object) => Some(object.key()),
            Event::Init | Event::InitDone => None,
        };
        if object.as_ref().is_some_and(|key| !self.lends_to.contains_key(key)) {
            return Vec::new();
        }
        if let Some(key) = &object {
            self.absent.remove(key);
        }
        let before = object.and_then(|key| self.store.summary(&key).copied());
        let changes = self.store.deliver(event);
        changes.into_iter().filter_map(|change| self.lent(change, before)).collect()
    }

    /// Whom a change concerns. That of a status concerns nobody.
    fn lent(&self, change: Change, generation: Option<i64>) -> Option<Lent> {
        let now = self.store.summary(&change.key).copied();
        let identity = self.store.identity(&change.key);
        let is_same = identity.zip(change.before.as_ref()).is_some_and(|(a, b)| a.uid == b.uid);
        if is_same && now == generation && now.is_some_and(|generation| generation > 0) {
            return None;
        }
        let rollouts = self.lends_to.get(&change.key)?.clone();
        Some(Lent { lender: change.key, version: change.version, rollouts })
    }
}

impl Slim for Workload {
    /// Its generation.
    type Summary = i64;

    fn summary(&self) -> i64 {
        self.metadata.generation
    }

    fn parse(object: &Value) -> Result<Self, serde_json::Error> {
        let mut workload = Self::parse(object)?;
        workload.metadata.annotations.remove(LAST_APPLIED_CONFIGURATION);
        Ok(workload)
    }

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn updated(mut self, object: &Value) -> Option<Self> {
        self.metadata = later_metadata(&self.metadata, object)?;
        self.metadata.annotations.remove(LAST_APPLIED_CONFIGURATION);
        Some(self)
    }
}

#[cfg(test)]
#[path = "workloads_tests.rs"]
mod tests;
