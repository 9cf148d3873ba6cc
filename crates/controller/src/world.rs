//! The observed world: the stores, and which Rollouts each object concerns.

use std::collections::{BTreeMap, BTreeSet};

use kube::runtime::watcher::Event;
use tidegate_api::meta::ObjectMeta;
use tidegate_api::rollout::Rollout;
use tidegate_core::{ObjectRef, ReplicaSet, Service};

use crate::kind::{self, Kind};
use crate::store::{Change, Key, Mark, Store, Unreadable};
use crate::watch::Watched;
use crate::workloads::{Place, Workloads};

/// Everything that the watches have delivered.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) rollouts: Store<Rollout>,
    pub(crate) replica_sets: Store<ReplicaSet>,
    pub(crate) services: Store<Service>,
    pub(crate) workloads: Workloads,
    /// Rollouts by uid.
    by_uid: BTreeMap<Box<str>, Key>,
    /// ReplicaSets by the uid of their controller.
    owned: BTreeMap<Box<str>, Vec<Key>>,
    /// ReplicaSets without a controller.
    orphans: BTreeSet<Key>,
    /// Which Rollouts have asked for a Service.
    asked_by: BTreeMap<Key, BTreeSet<Key>>,
    /// The reverse: Services that a Rollout has asked for.
    asked_for: BTreeMap<Key, BTreeSet<Key>>,
}

/// What one delivery means for Rollouts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Decisions about the Rollout may be different now.
    Touched { rollout: Key, by: ObjectRef, version: u64 },
    /// The Rollout was never seen before.
    Appeared { rollout: Key },
    /// The Rollout is gone.
    Vanished { rollout: Key },
    /// The Rollout was delivered in a form that cannot be read.
    Unreadable { rollout: Key, uid: String, resource_version: String, error: String },
    /// A Service has changed that is marked by a Rollout.
    Marked { service: Key },
    /// The last required store is complete: planning may begin.
    Completed,
}

impl World {
    /// Takes in one event of one watch.
    pub(crate) fn deliver(&mut self, kind: Kind, event: Event<Watched>) -> Vec<Effect> {
        let was_complete = self.is_complete();
        let mut effects = Vec::new();
        if kind == kind::ROLLOUT {
            for change in self.rollouts.deliver(event) {
                self.rollout_changed(change, &mut effects);
            }
        } else if kind == kind::REPLICA_SET {
            for change in self.replica_sets.deliver(event) {
                self.replica_set_changed(&change, &mut effects);
            }
        } else {
            for change in self.services.deliver(event) {
                let by = object_ref(kind::SERVICE, &change.key);
                for rollout in self.asked_by.get(&change.key).into_iter().flatten() {
                    effects.push(touched(rollout, &by, change.version));
                }
                if self.marked(&change.key).is_some() {
                    effects.push(Effect::Marked { service: change.key });
                }
            }
        }
        if !was_complete && self.is_complete() {
            effects.push(Effect::Completed);
        }
        effects
    }

    /// Whether every required kind has been listed once.
    pub(crate) fn is_complete(&self) -> bool {
        self.rollouts.is_complete() && self.replica_sets.is_complete() && self.services.is_complete()
    }

    /// Whether what a write has left can be seen. Kinds without a store are never waited for.
    pub(crate) fn has_delivered(&self, object: &ObjectRef, mark: &Mark) -> bool {
        let key = Key::new(&object.namespace, &object.name);
        match Kind::written(&object.kind) {
            Some(kind::ROLLOUT) => self.rollouts.has_delivered(&key, mark),
            Some(kind::REPLICA_SET) => self.replica_sets.has_delivered(&key, mark),
            Some(kind::SERVICE) => self.services.has_delivered(&key, mark),
            _ => true,
        }
    }

    /// The ReplicaSets that this Rollout controls and those of its namespace that nobody controls, by (creation, name).
    pub(crate) fn replica_sets_of(&self, rollout: &ObjectMeta) -> Vec<ReplicaSet> {
        let own = self.owned.get(rollout.uid.as_str()).into_iter().flatten();
        let orphans = self
            .orphans
            .range(Key::new(&rollout.namespace, "")..)
            .take_while(|key| key.namespace == rollout.namespace);
        let found = own.chain(orphans).filter_map(|key| self.replica_sets.get(key));
        in_order(found.collect())
    }

    /// The Rollout that a Service is marked by.
    fn marked(&self, service: &Key) -> Option<Key> {
        let name = self.services.summary(service)?.as_deref()?;
        Some(Key::new(&service.namespace, name))
    }

    /// All Services that are marked by a Rollout.
    pub(crate) fn all_marked(&self) -> impl Iterator<Item = &Key> {
        self.services.summaries().filter(|(_, manager)| manager.is_some()).map(|(key, _)| key)
    }

    /// The Services that are marked by this Rollout.
    pub(crate) fn marked_by(&self, rollout: &Key) -> Vec<Key> {
        let namespace = self.services.in_namespace(&rollout.namespace);
        namespace.filter(|service| self.marked(service).as_ref() == Some(rollout)).cloned().collect()
    }

    /// Notes which Services a Rollout has asked for: their changes concern it from now on. Answers which it asks for no more. A
    /// Rollout that is gone asks for nothing.
    pub(crate) fn asks_for(&mut self, rollout: &Key, services: BTreeSet<Key>) -> Vec<Key> {
        // Whoever decides about a Rollout may not know yet that it is gone.
        let services = if self.rollouts.contains(rollout) { services } else { BTreeSet::new() };
        if self.asked_for.get(rollout) == Some(&services) {
            return Vec::new();
        }
        let before = self.asked_for.remove(rollout).unwrap_or_default();
        for service in &before {
            if let Some(rollouts) = self.asked_by.get_mut(service) {
                rollouts.remove(rollout);
                if rollouts.is_empty() {
                    self.asked_by.remove(service);
                }
            }
        }
        for service in &services {
            self.asked_by.entry(service.clone()).or_default().insert(rollout.clone());
        }
        let dropped: Vec<Key> = before.difference(&services).cloned().collect();
        // Most Rollouts have no Services; of one that has let its last one go it must be known.
        if !services.is_empty() || (!dropped.is_empty() && self.rollouts.contains(rollout)) {
            self.asked_for.insert(rollout.clone(), services);
        }
        dropped
    }

    /// Whether a Rollout was decided on, perhaps by a live read that the store is behind of, and asked for this Service no more.
    pub(crate) fn has_dropped(&self, rollout: &Key, service: &Key) -> bool {
        self.asked_for.get(rollout).is_some_and(|services| !services.contains(service))
    }

    /// Notes which object lends its template to a Rollout. One that is gone refers to nothing.
    pub(crate) fn refers_to(&mut self, rollout: &Key, lender: Option<Place>) {
        let lender = lender.filter(|_| self.rollouts.contains(rollout));
        self.workloads.refer(rollout, lender);
    }

    fn rollout_changed(&mut self, change: Change, effects: &mut Vec<Effect>) {
        let Change { key, version, before, unreadable } = change;
        if let Some(Unreadable { uid, resource_version, error }) = unreadable {
            effects.push(Effect::Unreadable { rollout: key.clone(), uid, resource_version, error });
        }
        let after = self.rollouts.identity(&key).map(|rollout| rollout.uid.clone());
        let before = before.map(|rollout| rollout.uid);
        if before != after {
            if let Some(uid) = before {
                self.by_uid.remove(&uid);
                self.asks_for(&key, BTreeSet::new());
                self.refers_to(&key, None);
                effects.push(Effect::Vanished { rollout: key.clone() });
            }
            if let Some(uid) = after.clone() {
                self.by_uid.insert(uid, key.clone());
                effects.push(Effect::Appeared { rollout: key.clone() });
            }
        }
        if after.is_some() {
            effects.push(touched(&key, &object_ref(kind::ROLLOUT, &key), version));
        }
    }

    fn replica_set_changed(&mut self, change: &Change, effects: &mut Vec<Effect>) {
        let key = &change.key;
        let before = change.before.as_ref().map(|it| it.controller.clone());
        let after = self.replica_sets.identity(key).map(|it| it.controller.clone());
        if before != after {
            match &before {
                Some(Some(uid)) => self.disown(uid, key),
                Some(None) => _ = self.orphans.remove(key),
                None => {}
            }
            match &after {
                Some(Some(uid)) => self.owned.entry(uid.clone()).or_default().push(key.clone()),
                Some(None) => _ = self.orphans.insert(key.clone()),
                None => {}
            }
        }
        let by = object_ref(kind::REPLICA_SET, key);
        let mut concerned = BTreeSet::new();
        for controller in [before, after].into_iter().flatten() {
            match controller {
                Some(uid) => concerned.extend(self.by_uid.get(&uid)),
                // Anybody's whose selector it matches, which is not for the shell to say.
                None => {
                    concerned.extend(self.rollouts.in_namespace(&key.namespace));
                }
            }
        }
        effects.extend(concerned.into_iter().map(|rollout| touched(rollout, &by, change.version)));
    }

    fn disown(&mut self, uid: &str, key: &Key) {
        if let Some(keys) = self.owned.get_mut(uid) {
            keys.retain(|known| known != key);
            if keys.is_empty() {
                self.owned.remove(uid);
            }
        }
    }
}

/// Older first, ties by name: the order in which decisions see ReplicaSets.
pub(crate) fn in_order(mut replica_sets: Vec<ReplicaSet>) -> Vec<ReplicaSet> {
    replica_sets.sort_by(|a, b| a.age_key().cmp(&b.age_key()));
    replica_sets
}

/// How plans name an object.
pub(crate) fn object_ref(kind: Kind, key: &Key) -> ObjectRef {
    ObjectRef { kind: kind.kind.to_owned(), namespace: key.namespace.clone(), name: key.name.clone() }
}

fn touched(rollout: &Key, by: &ObjectRef, version: u64) -> Effect {
    Effect::Touched { rollout: rollout.clone(), by: by.clone(), version }
}

#[cfg(test)]
#[path = "world_tests.rs"]
mod tests;
