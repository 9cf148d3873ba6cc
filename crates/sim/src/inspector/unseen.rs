//! What others did that no decision could know of yet, and what that excuses.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tidegate_api::rollout::RolloutSpec;
use tidegate_core::invariants::{self, Knowledge, Observation, Violation};
use tidegate_core::{ReplicaSet, Snapshot};
use tidegate_kubesim::Change;

use super::Record;
use crate::faults::Faults;
use crate::meter::{Excuse, REPLICA_SETS};
use crate::world::CONTROLLER;

/// How long a write may be on its way: as long as the slowest fault keeps it there.
pub(super) const UNDER_WAY: SignedDuration = SignedDuration::from_secs(12);

/// How long it takes at most until a ReplicaSet's status tells of its pods, where that lags.
const PUBLISHED: SignedDuration = SignedDuration::from_secs(1);

/// A kind and a name.
type Object = (String, String);

/// Changes by others, for each Rollout that they concern, until a decision was made on what shows them: the objects that do, each with
/// the version from which on it does; `None`: its ReplicaSet does not tell of lost pods yet.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    of: BTreeMap<(String, String), BTreeMap<Object, Option<u64>>>,
}

impl Unseen {
    /// Somebody else took pods or changed what traffic goes by. `replica_set` is that of a pod.
    pub(super) fn note(
        &mut self,
        rollout: &(String, String),
        (change, kind): (&Change, &str),
        replica_set: Option<&str>,
    ) {
        let (object, version) = match (kind, replica_set) {
            ("Pod", Some(name)) => (("ReplicaSet".to_owned(), name.to_owned()), None),
            _ => ((kind.to_owned(), change.name.clone()), Some(change.resource_version)),
        };
        self.of.entry(rollout.clone()).or_default().insert(object, version);
    }

    /// A ReplicaSet's status tells of all that has happened to its pods.
    pub(super) fn told(&mut self, change: &Change, kind: &str) {
        if kind != "ReplicaSet" || change.actor != REPLICA_SETS {
            return;
        }
        let object = (kind.to_owned(), change.name.clone());
        let of_namespace = self.of.iter_mut().filter(|((namespace, _), _)| *namespace == change.namespace);
        for version in of_namespace.filter_map(|(_, objects)| objects.get_mut(&object)) {
            version.get_or_insert(change.resource_version);
        }
    }

    /// A decision is made on this.
    pub(super) fn decided(&mut self, snapshot: &Snapshot) {
        let metadata = &snapshot.rollout.metadata;
        let key = (metadata.namespace.clone(), metadata.name.clone());
        let Some(objects) = self.of.get_mut(&key) else { return };
        objects.retain(|(kind, name), version| !is_shown(snapshot, (kind, name), *version));
        if objects.is_empty() {
            self.of.remove(&key);
        }
    }

    /// Whether a decision about a Rollout may have been made without knowing all.
    pub(super) fn concerns(&self, rollout: &(String, String)) -> bool {
        self.of.contains_key(rollout)
    }
}

impl Record {
    /// How far back what others did may be unknown to the controller: where nothing goes wrong, only what is not published yet.
    pub(super) fn unknown(&self) -> SignedDuration {
        if self.faults.as_ref().is_some_and(|faults| !faults.is_quiet()) {
            return UNDER_WAY;
        }
        self.told_late()
    }

    /// How late a ReplicaSet's status may be.
    fn told_late(&self) -> SignedDuration {
        if self.knowledge == Knowledge::Published { PUBLISHED } else { SignedDuration::ZERO }
    }

    /// Whether somebody did something to a Rollout so shortly before that we need not know of it.
    pub(super) fn is_troubled_since(&self, key: &(String, String), time: Timestamp) -> bool {
        let unknown = self.faults.as_ref().map(Faults::unknown).unwrap_or_default();
        let unknown = SignedDuration::try_from(unknown).unwrap_or_default() + self.told_late();
        self.touched.get(key).is_some_and(|at| time.duration_since(*at) <= unknown)
    }

    /// What excuses a write of ours to a Rollout.
    pub(super) fn excuse(&self, key: &(String, String), time: Timestamp) -> Excuse {
        let is_alone = self.twins_until.is_none_or(|until| time > until);
        let is_quiet = self.faults.as_ref().is_none_or(Faults::is_quiet) && is_alone;
        if is_quiet { Excuse::Unaware(self.unseen.concerns(key)) } else { Excuse::Since(self.unknown()) }
    }

    /// What a write of ours broke. It may have been on its way while a user changed the spec: then it is judged by what was asked for
    /// when it was sent.
    pub(super) fn broken(
        &self,
        change: &Change,
        kind: &str,
        (before, after): (&Observation, &Observation),
    ) -> Vec<Violation> {
        let mut found = invariants::check_write(before, after, (self.knowledge, change.time));
        if found.is_empty() {
            return found;
        }
        let metadata = &before.rollout.metadata;
        let key = (metadata.namespace.clone(), metadata.name.clone());
        // It was right when it was sent, for all that its sender could know.
        let is_excused = match self.excuse(&key, change.time) {
            Excuse::Unaware(is_unaware) => is_unaware,
            Excuse::Since(_) => self.is_troubled_since(&key, change.time),
        };
        if is_excused {
            // What others do to pods makes no weights wrong, and takes no abort back.
            found.retain(|violation| ["I3", "I8"].contains(&violation.rule.as_str()));
        }
        for (before, after) in self.when_sent(change, kind, (before, after)) {
            let then = invariants::check_write(&before, &after, (self.knowledge, change.time));
            found.retain(|violation| then.iter().any(|other| other.rule == violation.rule));
        }
        found
    }

    /// What excuses a write if requests fail after it: also that none would under what was asked for when it was sent.
    pub(super) fn excuse_of(
        &self,
        change: &Change,
        kind: &str,
        (before, after): (&Observation, &Observation),
    ) -> Excuse {
        let metadata = &before.rollout.metadata;
        let key = (metadata.namespace.clone(), metadata.name.clone());
        let is_ours = change.actor == CONTROLLER;
        let earlier = if is_ours { self.when_sent(change, kind, (before, after)) } else { Vec::new() };
        if earlier.iter().any(|(before, after)| after.unanswered() <= before.unanswered()) {
            return Excuse::Unaware(true);
        }
        self.excuse(&key, change.time)
    }

    /// What stands before and after a write, under each spec by which it may have been decided on beside the present one.
    fn when_sent(
        &self,
        change: &Change,
        kind: &str,
        (before, after): (&Observation, &Observation),
    ) -> Vec<(Observation, Observation)> {
        let metadata = &before.rollout.metadata;
        let key = (metadata.namespace.clone(), metadata.name.clone());
        // A write of the Rollout itself arrives only if nobody has changed it since.
        let Some(specs) = self.specs.get(&key).filter(|_| kind != "Rollout") else { return Vec::new() };
        let ends = specs.iter().skip(1).map(|(since, _)| *since);
        let earlier =
            specs.iter().zip(ends).filter(|(_, end)| change.time.duration_since(*end) <= self.unknown());
        let under = |observation: &Observation, spec: &RolloutSpec| {
            let mut observation = observation.clone();
            observation.rollout.spec = spec.clone();
            observation.routed = self.routed(&observation.rollout);
            observation
        };
        earlier.map(|((_, spec), _)| (under(before, spec), under(after, spec))).collect()
    }
}

fn is_shown(snapshot: &Snapshot, (kind, name): (&str, &str), version: Option<u64>) -> bool {
    let shows = |text: &str| version.is_some_and(|version| text.parse::<u64>().is_ok_and(|it| it >= version));
    match kind {
        "ReplicaSet" => {
            let named = |rs: &&ReplicaSet| rs.metadata.name == name;
            let replica_set = snapshot.replica_sets.iter().find(named);
            replica_set.is_none_or(|rs| shows(&rs.metadata.resource_version))
        }
        "Service" => {
            let service = snapshot.services.get(name).and_then(|it| it.found());
            service.is_none_or(|service| shows(&service.metadata.resource_version))
        }
        // What a router does is read for each decision.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;
    use tidegate_api::rollout::Rollout;
    use tidegate_core::{Observed, Service};

    use super::*;

    fn change(actor: &str, name: &str, resource_version: u64) -> Change {
        Change {
            actor: actor.to_owned(),
            verb: "update",
            resource: String::new(),
            namespace: "default".to_owned(),
            name: name.to_owned(),
            before: None,
            after: None,
            resource_version,
            time: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    /// What is decided on: a ReplicaSet and a Service of these versions.
    fn snapshot(replica_set: u64, service: u64) -> Snapshot {
        let rollout = json!({"metadata": {"name": "web", "namespace": "default"}, "spec": {}});
        let mut snapshot = Snapshot::of(Rollout::deserialize(rollout).unwrap());
        let metadata =
            |name: &str, version: u64| json!({"name": name, "resourceVersion": version.to_string()});
        let object =
            json!({"metadata": metadata("web-1", replica_set), "spec": {"replicas": 1, "template": {}}});
        snapshot.replica_sets = vec![ReplicaSet::parse(&object).unwrap()];
        let object = json!({"metadata": metadata("web", service), "spec": {"selector": {}}});
        snapshot.services.insert("web".to_owned(), Observed::Found(Service::parse(&object).unwrap()));
        snapshot
    }

    #[test]
    fn a_decision_knows_what_its_snapshot_shows() {
        let rollout = ("default".to_owned(), "web".to_owned());
        let mut unseen = Unseen::default();
        assert!(!unseen.concerns(&rollout));
        unseen.note(&rollout, (&change("kubectl", "web", 5), "Service"), None);
        unseen.decided(&snapshot(9, 4));
        assert!(unseen.concerns(&rollout), "it shows the Service as it was before");
        unseen.decided(&snapshot(9, 5));
        assert!(!unseen.concerns(&rollout));
    }

    #[test]
    fn a_lost_pod_is_known_of_once_its_replica_set_tells() {
        let rollout = ("default".to_owned(), "web".to_owned());
        let mut unseen = Unseen::default();
        unseen.note(&rollout, (&change("kubelet", "web-1-x", 5), "Pod"), Some("web-1"));
        unseen.decided(&snapshot(9, 1));
        assert!(unseen.concerns(&rollout), "nobody has told of it");
        unseen.told(&change("rollouts-controller", "web-1", 10), "ReplicaSet");
        unseen.decided(&snapshot(10, 1));
        assert!(unseen.concerns(&rollout), "a size says nothing of pods");
        unseen.told(&change(REPLICA_SETS, "web-1", 11), "ReplicaSet");
        unseen.told(&change(REPLICA_SETS, "web-1", 12), "ReplicaSet");
        unseen.decided(&snapshot(10, 1));
        assert!(unseen.concerns(&rollout));
        unseen.decided(&snapshot(11, 1));
        assert!(!unseen.concerns(&rollout), "the first that tells is enough");
    }
}
