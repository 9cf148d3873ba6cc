//! Sees every stored change of a world and holds the controller's own against the invariants.

mod counts;
mod observe;
mod permissions;
mod unseen;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tidegate_api::rollout::{Rollout, RolloutSpec, TrafficWeights};
use tidegate_controller::Clock;
use tidegate_core::invariants::{self, Knowledge, Observation, Permission, Violation};
use tidegate_core::{Plan, ReplicaSet, Service, Snapshot, Timer};
use tidegate_kubesim::{ApiServer, Change};

use crate::faults::Faults;
use crate::meter::{Failed, Meter, is_disturbance};
use crate::seen::{Seen, add_longest};
use crate::world::CONTROLLER;
use observe::{ReadyPod, keep};
use unseen::{UNDER_WAY, Unseen};

pub use counts::Counts;

type ObjectKey = (String, String, String);

/// No Rollout needs as many decisions in a second.
const PLANS_IN_A_SECOND: u32 = 500;

/// A shared record of what has happened in a world; clones are the same record.
#[derive(Clone, Default)]
pub struct Inspector {
    state: Arc<Mutex<Record>>,
}

#[derive(Default)]
struct Record {
    /// (kind, namespace, name) -> object as stored.
    objects: BTreeMap<ObjectKey, Arc<Value>>,
    /// The same, read: observations are made more often than these objects change.
    rollouts: BTreeMap<(String, String), Rollout>,
    replica_sets: BTreeMap<(String, String), ReplicaSet>,
    /// The smallest size since the status was published, where that is of an older size.
    least: BTreeMap<(String, String), i32>,
    /// The data plane's clock, and how long after a change it confirms that; `None`: nobody can tell.
    confirmation: Option<(Clock, SignedDuration)>,
    /// What it may still do for each Rollout, and until when by its clock.
    unconfirmed: BTreeMap<(String, String), Vec<(TrafficWeights, Timestamp)>>,
    services: BTreeMap<(String, String), Service>,
    ready_pods: BTreeMap<(String, String), ReadyPod>,
    violations: Vec<(Timestamp, Violation)>,
    /// Before and after the first write that broke a rule.
    evidence: Option<(Observation, Observation)>,
    knowledge: Knowledge,
    /// Until when two controllers are at work: their writes are not counted.
    twins_until: Option<Timestamp>,
    trace: Vec<String>,
    plans: u64,
    counts: Counts,
    /// Timers of the last plan for each Rollout.
    timers: BTreeMap<(String, String), Vec<Timer>>,
    /// When each ReplicaSet was last taken from a Rollout.
    taken: BTreeMap<ObjectKey, Timestamp>,
    /// When somebody else last did something to each Rollout.
    touched: BTreeMap<(String, String), Timestamp>,
    unseen: Unseen,
    faults: Option<Faults>,
    /// What each Rollout has asked for lately, and since when.
    specs: BTreeMap<(String, String), Vec<(Timestamp, RolloutSpec)>>,
    /// The requests to each Rollout.
    meters: BTreeMap<(String, String), Meter>,
    /// Since when each Rollout has been in its phase, and the longest time in each.
    phases: BTreeMap<(String, String), (String, Timestamp)>,
    longest: BTreeMap<(String, String), BTreeMap<String, SignedDuration>>,
    /// The last second in which each Rollout was decided on, and how often.
    pace: BTreeMap<(String, String), (i64, u32)>,
    /// Writes of ours per Rollout since somebody else last changed its inputs.
    writes: BTreeMap<(String, String), usize>,
    /// What each Rollout that there ever was lets us touch, with its namespace; by age.
    permissions: Vec<(String, Permission)>,
    /// Fewest ready pods seen per Rollout since it was first complete, and what was promised then.
    low_water: BTreeMap<(String, String), (i32, i32)>,
}

impl Inspector {
    /// `confirmation`: the data plane's clock, and how long after a change of a route it confirms that; `None`: it cannot be
    /// asked.
    pub(crate) fn new(knowledge: Knowledge, confirmation: Option<(Clock, Duration)>, faults: Faults) -> Self {
        let this = Self::default();
        {
            let mut record = this.lock();
            record.knowledge = knowledge;
            record.confirmation =
                confirmation.and_then(|(clock, delay)| Some((clock, SignedDuration::try_from(delay).ok()?)));
            record.faults = Some(faults);
        }
        this
    }

    pub(crate) fn attach(&self, server: &ApiServer) {
        let this = self.clone();
        server.observe(move |change| this.lock().change(change));
    }

    /// Counts a decision.
    ///
    /// # Panics
    /// When the controller decides again and again without letting time pass: virtual time would stand still for ever.
    pub(crate) fn planned(&self, snapshot: &Snapshot, now: Timestamp, plan: &Plan) {
        let metadata = &snapshot.rollout.metadata;
        let key = (metadata.namespace.clone(), metadata.name.clone());
        let mut record = self.lock();
        record.plans += 1;
        record.counts.plan(snapshot, plan);
        record.unseen.decided(snapshot);
        let unguarded = invariants::writes_are_guarded(snapshot, plan);
        record.violations.extend(unguarded.map(|violation| (now, violation)));
        let timers = record.timers.insert(key.clone(), plan.timers.clone()).unwrap_or_default();
        for timer in timers.iter().filter(|timer| timer.at() <= now) {
            *record.counts.timers.entry(timer.reason().to_owned()).or_default() += 1;
        }
        let (second, count) = record.pace.entry(key).or_default();
        if *second != now.as_second() {
            (*second, *count) = (now.as_second(), 0);
        }
        *count += 1;
        let is_hot = *count > PLANS_IN_A_SECOND;
        drop(record);
        assert!(!is_hot, "{} is decided on without end; at last {plan:?}", metadata.name);
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Broken rules so far, with their instant.
    #[must_use]
    pub fn violations(&self) -> Vec<(Timestamp, Violation)> {
        self.lock().violations.clone()
    }

    /// Whether rules are broken without end, so that there is nothing to wait for.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.lock().violations.len() > 100
    }

    /// What was before and after the first write that broke a rule.
    #[must_use]
    pub fn evidence(&self) -> Option<(Observation, Observation)> {
        self.lock().evidence.clone()
    }

    /// Decisions made so far.
    #[must_use]
    pub fn plans(&self) -> u64 {
        self.lock().plans
    }

    /// Two controllers are at work until then, and do some things twice.
    pub(crate) fn expect_twins(&self, until: Timestamp) {
        let mut record = self.lock();
        record.twins_until = record.twins_until.max(Some(until));
    }

    /// What has occurred so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    /// Requests to all Rollouts that were not answered until `now`.
    #[must_use]
    pub fn failed(&self, now: Timestamp) -> Failed {
        let mut failed = Failed::default();
        for meter in self.lock().meters.values_mut() {
            meter.pass(now);
            failed += meter.failed();
        }
        failed
    }

    /// The first write of ours that requests failed because of.
    #[must_use]
    pub fn cause_of_failure(&self) -> Option<String> {
        let record = self.lock();
        record.meters.values().find_map(|meter| meter.cause().map(str::to_owned))
    }

    /// The longest time that a Rollout was in each phase without leaving it.
    #[must_use]
    pub fn longest_in_phase(&self) -> BTreeMap<String, SignedDuration> {
        let mut longest = BTreeMap::new();
        self.lock().longest.values().for_each(|times| add_longest(&mut longest, times));
        longest
    }

    /// What was seen of each Rollout until `now`, by namespace and name.
    #[must_use]
    pub fn rollouts(&self, now: Timestamp) -> BTreeMap<(String, String), Seen> {
        let mut record = self.lock();
        let record = &mut *record;
        let seen = record.meters.iter_mut().map(|(key, meter)| {
            meter.pass(now);
            let seen = Seen {
                low_water: record.low_water.get(key).copied(),
                sent: meter.sent(),
                failed: meter.failed(),
                longest: record.longest.get(key).cloned().unwrap_or_default(),
            };
            (key.clone(), seen)
        });
        seen.collect()
    }

    /// One line per stored change: instant, actor, verb, object, fingerprint of the content.
    #[must_use]
    pub fn trace(&self) -> Vec<String> {
        self.lock().trace.clone()
    }

    /// Fewest ready pods since the Rollout was first complete, and the number promised at that moment: pods fewer than promised
    /// would be the first number below the second. `None`: it never was complete.
    #[must_use]
    pub fn low_water(&self, namespace: &str, name: &str) -> Option<(i32, i32)> {
        self.lock().low_water.get(&(namespace.to_owned(), name.to_owned())).copied()
    }

    /// The Rollout as it stands, with its ReplicaSets and ready pods.
    #[must_use]
    pub fn observation(&self, namespace: &str, name: &str) -> Option<Observation> {
        self.lock().observation(namespace, name)
    }
}

impl Record {
    fn change(&mut self, change: &Change) {
        let Some(object) = change.after.as_ref().or(change.before.as_ref()) else { return };
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        self.trace.push(trace_line(change, &kind));
        let owner = self.rollout_of(object, &kind);
        self.confirm();
        if let Some(key) = &owner {
            self.note_route(key, (change, &kind));
        }
        let before = owner.as_ref().and_then(|(namespace, name)| self.observation(namespace, name));
        let key = (kind.clone(), change.namespace.clone(), change.name.clone());
        self.read(change, &kind);
        match &change.after {
            Some(after) => self.objects.insert(key, Arc::clone(after)),
            None => self.objects.remove(&key),
        };
        if kind == "Rollout" {
            self.permit(object);
            self.note_spec(&(change.namespace.clone(), change.name.clone()), change);
        }
        if kind == "ReplicaSet" {
            self.note_owner(change);
        }
        if change.actor == CONTROLLER {
            let found = self.foreign_touch(change, &kind);
            self.violations.extend(found.map(|violation| (change.time, violation)));
        }
        if ["Deployment", "ReplicaSet", "PodTemplate"].contains(&kind.as_str()) {
            self.note_template(change);
        }
        if kind == "Service" || kind == "Pod" {
            self.tell_others(change, &kind, owner.as_ref());
        }
        let Some((namespace, name)) = owner else { return };
        let after = self.observation(&namespace, &name);
        if is_disturbance(change, &kind, before.as_ref(), after.as_ref()) {
            let key = (namespace.clone(), name.clone());
            self.touched.insert(key.clone(), change.time);
            let replica_set = (kind == "Pod").then(|| self.owner_of(object, "ReplicaSet")).flatten();
            let replica_set = replica_set.map(|it| text(&it["metadata"]["name"]));
            self.unseen.note(&key, (change, &kind), replica_set.as_deref());
        }
        self.unseen.told(change, &kind);
        if change.actor == CONTROLLER && kind != "Event" {
            self.judge(change, &kind, (&namespace, &name), before.as_ref().zip(after.as_ref()));
        } else if ["Rollout", "Service", "Deployment", "ConfigMap"].contains(&kind.as_str()) {
            self.writes.remove(&(namespace.clone(), name.clone()));
        }
        let key = (namespace, name);
        if change.actor == CONTROLLER && self.twins_until.is_some_and(|until| change.time <= until) {
            // What one of two controllers does the other does not know at once.
            self.touched.insert(key.clone(), change.time);
        }
        if let Some(after) = &after {
            self.measure(&key, after);
            self.note_phase(&key, after, change.time);
        }
        match before.zip(after) {
            Some((before, after)) => {
                let by = (self.knowledge, self.excuse_of(change, &kind, (&before, &after)));
                self.meters.entry(key).or_default().change(change, &kind, (&before, &after), by);
            }
            // Nobody expects an answer from a Rollout that is gone.
            None => _ = self.meters.entry(key).and_modify(|meter| meter.rest(change.time)),
        }
    }

    /// A Service carries the traffic of whoever names it, not only of the Rollout that manages it; behind a shared one the pods of one
    /// Rollout answer for the other; and pods whose ReplicaSet is gone may be anybody's.
    fn tell_others(&mut self, change: &Change, kind: &str, owner: Option<&(String, String)>) {
        let versions = [change.before.as_deref(), change.after.as_deref()];
        let pods: Vec<ReadyPod> = versions.into_iter().flatten().filter_map(ReadyPod::read).collect();
        let selects = |service: &String| {
            let service = self.services.get(&(change.namespace.clone(), service.clone()));
            service.is_some_and(|service| pods.iter().any(|pod| pod.is_selected_by(&service.selector)))
        };
        let concerned = self.permissions.iter().filter(|(namespace, permission)| {
            let is_concerned = match owner {
                _ if kind == "Service" => permission.services.contains(&change.name),
                Some(_) => permission.services.iter().any(selects),
                None => true,
            };
            *namespace == change.namespace && is_concerned
        });
        let keys: BTreeSet<(String, String)> = concerned
            .map(|(namespace, permission)| (namespace.clone(), permission.name.clone()))
            .filter(|key| Some(key) != owner)
            .collect();
        for key in keys {
            if kind == "Service" {
                // For another Rollout, or by somebody else while nobody managed it.
                self.touched.insert(key.clone(), change.time);
                self.unseen.note(&key, (change, kind), None);
            }
            if let Some(now) = self.observation(&key.0, &key.1) {
                let by = (self.knowledge, self.excuse(&key, change.time));
                self.meters.entry(key).or_default().change(change, kind, (&now, &now), by);
            }
        }
    }

    fn note_phase(&mut self, key: &(String, String), now: &Observation, time: Timestamp) {
        let phase = now.rollout.status.phase.as_ref().map_or_else(String::new, ToString::to_string);
        let (known, since) = self.phases.entry(key.clone()).or_insert_with(|| (phase.clone(), time));
        let longest = self.longest.entry(key.clone()).or_default().entry(known.clone()).or_default();
        *longest = (*longest).max(time.duration_since(*since));
        if *known != phase {
            (*known, *since) = (phase, time);
        }
    }

    /// Reads what was stored, or forgets what is gone or cannot be read.
    fn read(&mut self, change: &Change, kind: &str) {
        let key = (change.namespace.clone(), change.name.clone());
        let after = change.after.as_deref();
        match kind {
            "Rollout" => {
                keep(&mut self.rollouts, key, after.and_then(|object| Rollout::deserialize(object).ok()));
            }
            "ReplicaSet" => {
                let known = self.replica_sets.get(&key).map(ReplicaSet::known_template);
                let read = |object| ReplicaSet::parse_after(object, known.as_ref()).ok();
                let now = after.and_then(read);
                let lags = now.as_ref().filter(|now| !now.is_observed()).map(|now| {
                    let before = self.replica_sets.get(&key).map_or(now.replicas, |before| before.replicas);
                    self.least.get(&key).copied().unwrap_or(before).min(now.replicas)
                });
                keep(&mut self.least, key.clone(), lags);
                keep(&mut self.replica_sets, key, now);
            }
            "Service" => keep(&mut self.services, key, after.and_then(|object| Service::parse(object).ok())),
            "Pod" => keep(&mut self.ready_pods, key, after.and_then(ReadyPod::read)),
            _ => {}
        }
    }

    /// Another template of a workload is another input of each Rollout that borrows it.
    fn note_template(&mut self, change: &Change) {
        let generation = |object: &Option<Arc<Value>>| object.as_ref()?["metadata"]["generation"].as_i64();
        if change.actor == CONTROLLER || generation(&change.before) == generation(&change.after) {
            return;
        }
        for ((namespace, name), rollout) in &self.rollouts {
            let lender = rollout.spec.workload_ref.as_ref().map(|workload| &workload.name);
            if *namespace == change.namespace && lender == Some(&change.name) {
                self.writes.remove(&(namespace.clone(), name.clone()));
            }
        }
    }

    /// Notes what a Rollout asks for, with the instant.
    fn note_spec(&mut self, key: &(String, String), change: &Change) {
        let specs = self.specs.entry(key.clone()).or_default();
        let Some(after) = &change.after else { return specs.clear() };
        let Ok(rollout) = Rollout::deserialize(&**after) else { return };
        if specs.last().is_some_and(|(_, known)| *known == rollout.spec) {
            return;
        }
        // What was replaced long ago does not matter any more.
        let ends = specs.iter().skip(1).map(|(since, _)| *since).collect::<Vec<_>>();
        let old = ends.iter().filter(|end| change.time.duration_since(**end) > UNDER_WAY).count();
        specs.drain(..old);
        specs.push((change.time, rollout.spec));
    }

    fn judge(
        &mut self,
        change: &Change,
        kind: &str,
        (namespace, name): (&str, &str),
        observed: Option<(&Observation, &Observation)>,
    ) {
        let mut found = Vec::new();
        if let Some((before, after)) = observed {
            found.extend(self.broken(change, kind, (before, after)));
            if self.twins_until.is_none_or(|until| change.time > until) {
                let writes = self.writes.entry((namespace.to_owned(), name.to_owned())).or_default();
                *writes += 1;
                found.extend(invariants::is_bounded(*writes, after));
            }
        }
        if !found.is_empty() && self.evidence.is_none() {
            self.evidence = observed.map(|(before, after)| (before.clone(), after.clone()));
        }
        self.violations.extend(found.into_iter().map(|violation| (change.time, violation)));
    }

    fn measure(&mut self, key: &(String, String), now: &Observation) {
        let ready: i32 = now.ready.values().sum();
        let promised = now.promised();
        let is_complete = ready >= now.rollout.spec.replicas_or_default();
        let is_lower = match self.low_water.get(key) {
            Some(low) => ready - promised < low.0 - low.1,
            None => is_complete,
        };
        if is_lower {
            self.low_water.insert(key.clone(), (ready, promised));
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn trace_line(change: &Change, kind: &str) -> String {
    let mut hasher = DefaultHasher::new();
    change.after.hash(&mut hasher);
    format!(
        "{} {} {} {kind} {}/{} {:016x}",
        change.time,
        change.actor,
        change.verb,
        change.namespace,
        change.name,
        hasher.finish()
    )
}
