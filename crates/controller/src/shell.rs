//! What the parts of a running controller share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::runtime::watcher;
use serde_json::Value;
use tidegate_core::{Event, Failure, ObjectRef, Plan, Recording, Snapshot};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::clients::Clients;
use crate::clock::Clock;
use crate::config::{Config, OnFailure, OnPlan};
use crate::events::{Recorder, Subject};
use crate::kind::{self, Kind};
use crate::memory::Memory;
use crate::metrics::{Build, Requests, Scrape, Series};
use crate::queue::{self, Queue};
use crate::router::Router;
use crate::store::Key;
use crate::watch::Watched;
use crate::workloads::Lent;
use crate::world::{Effect, World, object_ref};

/// Counters since the start of the controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// The queue of Rollouts.
    pub queue: queue::Counters,
    /// Plans made, those after failures included.
    pub plans: u64,
    /// Writes that succeeded.
    pub writes: u64,
    /// Writes that failed.
    pub failed_writes: u64,
    /// Reconciles that read live because a watch was behind for too long.
    pub live_reads: u64,
    /// Reads that failed.
    pub failed_reads: u64,
    /// Reconciles that panicked.
    pub panics: u64,
    /// Errors of watches.
    pub watch_errors: u64,
    /// Deliveries of Rollouts that could not be read.
    pub unreadable: u64,
    /// Events that were dropped or refused.
    pub dropped_events: u64,
}

pub(crate) struct Shell {
    pub(crate) clock: Clock,
    pub(crate) clients: Clients,
    pub(crate) recorder: Recorder,
    pub(crate) router: Option<Arc<dyn Router>>,
    pub(crate) field_manager: String,
    pub(crate) patience: Duration,
    /// Whoever was at work before may have sent requests until then.
    pub(crate) began: Instant,
    /// Wakes the watches of kinds whose objects lend templates, once each is needed.
    wanted: BTreeMap<&'static str, Notify>,
    /// Wakes whoever takes from the queue.
    pub(crate) changed: Notify,
    build: Build,
    requests: Requests,
    on_plan: Mutex<Option<OnPlan>>,
    on_failure: Option<Mutex<OnFailure>>,
    state: Mutex<State>,
}

/// What is known, and what is to be done about it. Locked for moments only.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) memories: BTreeMap<Key, Memory>,
    pub(crate) queue: Queue<Key>,
    /// Services that a Rollout may have let go.
    pub(crate) releases: Queue<Key>,
    pub(crate) metrics: Metrics,
    pub(crate) series: Series,
}

impl Shell {
    pub(crate) fn new(config: Config, clients: Clients, recorder: Recorder) -> Self {
        Self {
            clock: config.clock,
            clients,
            recorder,
            router: config.router,
            field_manager: config.field_manager,
            patience: config.patience,
            began: Instant::now(),
            wanted: kind::WORKLOADS.iter().map(|kind| (kind.kind, Notify::new())).collect(),
            changed: Notify::new(),
            build: config.build,
            requests: config.requests,
            on_plan: Mutex::new(config.on_plan),
            on_failure: config.on_failure.map(Mutex::new),
            state: Mutex::default(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in one event of one watch and queues what it concerns.
    pub(crate) fn deliver(&self, kind: Kind, event: watcher::Event<Watched>) {
        let mut state = self.lock();
        let effects = state.world.deliver(kind, event);
        if effects.is_empty() {
            return;
        }
        let now = self.clock.now();
        for effect in effects {
            state.take_in(effect, &self.recorder, now);
        }
        self.purge(&mut state);
        drop(state);
        self.changed.notify_one();
    }

    /// Has a kind of lenders watched.
    pub(crate) fn listen_to(&self, kind: Kind) {
        self.wanted.get(kind.kind).into_iter().for_each(Notify::notify_one);
    }

    /// Waits until somebody listens to a kind of lenders.
    pub(crate) async fn is_wanted(&self, kind: Kind) {
        match self.wanted.get(kind.kind) {
            Some(wanted) => wanted.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Takes in one event of the watch of a kind of lenders.
    pub(crate) fn deliver_lender(&self, kind: Kind, event: watcher::Event<Watched>) {
        let mut state = self.lock();
        for lent in state.world.workloads.deliver(kind, event) {
            state.lent(kind, &lent, None);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Takes in a lender that was read live for `reader`, who need not hear of it.
    pub(crate) fn learn(&self, kind: Kind, object: Value, reader: &Key) {
        self.lock().learn(kind, object, reader);
        self.changed.notify_one();
    }

    /// All metrics as they stand.
    pub(crate) fn metrics_text(&self) -> String {
        let mut state = self.lock();
        self.purge(&mut state);
        let rows = state.world.rollouts.summaries().map(|(key, it)| (key.clone(), *it)).collect();
        let (series, queue) = (state.series.clone(), state.queue.load(Instant::now()));
        drop(state);
        Scrape { build: &self.build, requests: &self.requests, rows, series, queue }.text()
    }

    fn purge(&self, state: &mut State) {
        self.requests.forget(&state.series.purge(Instant::now()));
    }

    /// Shows a plan to the observer.
    pub(crate) fn observe(&self, snapshot: &Snapshot, now: Timestamp, plan: &Plan) {
        self.lock().metrics.plans += 1;
        if let Some(on_plan) = self.on_plan.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            on_plan(snapshot, now, plan);
        }
    }

    /// Whether somebody wants to hear of failures.
    pub(crate) fn hears_of_failures(&self) -> bool {
        self.on_failure.is_some()
    }

    /// Tells the observer of failures, if there is one, of a decision.
    pub(crate) fn failed(&self, failure: Failure, snapshot: &Snapshot, now: Timestamp, plan: Option<&Plan>) {
        if let Some(on_failure) = &self.on_failure {
            let recording = Recording { now, failure, plan: plan.cloned(), snapshot: snapshot.clone() };
            let mut on_failure = on_failure.lock().unwrap_or_else(PoisonError::into_inner);
            on_failure(recording);
        }
    }

    /// All counters as they stand.
    pub(crate) fn metrics(&self) -> Metrics {
        let state = self.lock();
        Metrics { queue: state.queue.counters(), dropped_events: self.recorder.dropped(), ..state.metrics }
    }
}

impl State {
    pub(crate) fn learn(&mut self, kind: Kind, object: Value, reader: &Key) {
        for lent in self.world.workloads.learn(kind, object) {
            self.lent(kind, &lent, Some(reader));
        }
    }

    /// Queues the Rollouts that use a template which has changed.
    fn lent(&mut self, kind: Kind, lent: &Lent, reader: Option<&Key>) {
        let by = object_ref(kind, &lent.lender);
        for rollout in lent.rollouts.iter().filter(|rollout| Some(*rollout) != reader) {
            self.touch(rollout.clone(), &by, lent.version);
        }
    }

    fn touch(&mut self, rollout: Key, by: &ObjectRef, version: u64) {
        log_enqueueing(&rollout, by);
        let memory = self.memories.entry(rollout.clone()).or_default();
        if memory.is_own(by, version) {
            self.queue.add_again(rollout, Instant::now());
        } else {
            self.queue.add(rollout, Instant::now());
        }
    }

    fn take_in(&mut self, effect: Effect, recorder: &Recorder, now: Timestamp) {
        match effect {
            Effect::Touched { rollout, by, version } => {
                // Before that there is no planning, and then everything is queued.
                if !self.world.is_complete() {
                    return;
                }
                let memory = self.memories.entry(rollout.clone()).or_default();
                // A status that somebody else has written may count otherwise: two controllers must not correct each other without end.
                let is_news = by.kind == kind::REPLICA_SET.kind
                    || (by.kind == kind::ROLLOUT.kind && !memory.is_own(&by, version));
                if is_news {
                    memory.counters_changed_at.get_or_insert(now);
                }
                self.touch(rollout, &by, version);
            }
            Effect::Appeared { rollout } => {
                if let Some(appeared) = self.world.rollouts.get(&rollout) {
                    let message = format!("Rollout resource added to informer: {rollout}");
                    let event = Event::normal("RolloutAddedToInformer", message);
                    self.series.stays(&rollout);
                    self.series.event(&rollout, &event);
                    recorder.record(Subject::of(&appeared.metadata), event);
                }
            }
            Effect::Vanished { rollout } => {
                self.memories.remove(&rollout);
                self.series.leaves(&rollout, Instant::now());
                self.queue.forget(&rollout);
                for service in self.world.marked_by(&rollout) {
                    self.releases.add(service, Instant::now());
                }
            }
            Effect::Unreadable { rollout, uid, resource_version, error } => {
                self.metrics.unreadable += 1;
                let is_known = self.world.rollouts.contains(&rollout);
                let until_then = if is_known {
                    "its last readable spec stays in effect"
                } else {
                    "nothing is done about it until it can"
                };
                let message = format!("Rollout cannot be read: {error}; {until_then}");
                let event = Event::warning("UnreadableRollout", message);
                self.series.event(&rollout, &event);
                if !is_known {
                    self.series.leaves(&rollout, Instant::now());
                }
                let Key { namespace, name } = rollout;
                recorder.record(Subject { namespace, name, uid, resource_version }, event);
            }
            Effect::Marked { service } => {
                // Before that nothing is known of its Rollout, and then everything is looked at.
                if self.world.is_complete() {
                    self.releases.add(service, Instant::now());
                }
            }
            Effect::Completed => {
                for service in self.world.all_marked() {
                    self.releases.add(service.clone(), Instant::now());
                }
                for rollout in self.world.rollouts.keys() {
                    self.queue.add(rollout.clone(), Instant::now());
                }
            }
        }
    }

    /// A reconcile has looked, decided and done.
    pub(crate) fn reconciled(&mut self, key: &Key, took: Duration, now: Instant) {
        self.series.reconciled(key, took);
        if !self.world.rollouts.contains(key) {
            self.series.leaves(key, now);
        }
    }

    /// The work on a Rollout has ended.
    pub(crate) fn finish(&mut self, key: &Key, outcome: Outcome, now: Instant) {
        if let (Outcome::Settled(_), Some(memory)) = (outcome, self.memories.get_mut(key)) {
            memory.went_well();
        }
        put_back(&mut self.queue, key, outcome, now);
    }

    /// The work on a Service has ended.
    pub(crate) fn finish_release(&mut self, service: &Key, outcome: Outcome, now: Instant) {
        put_back(&mut self.releases, service, outcome, now);
    }

    /// Whether nothing is queued or worked on.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_idle() && self.releases.is_idle()
    }

    /// When something comes due by itself.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        [self.queue.next_deadline(), self.releases.next_deadline()].into_iter().flatten().min()
    }
}

fn put_back(queue: &mut Queue<Key>, key: &Key, outcome: Outcome, now: Instant) {
    let look_at = match outcome {
        Outcome::Settled(wake_at) => {
            queue.succeed(key);
            wake_at
        }
        Outcome::Later(at) => Some(at),
        Outcome::Retry(wake_at) => {
            queue.retry(key.clone(), now);
            wake_at
        }
    };
    if let Some(at) = look_at {
        queue.add_at(key.clone(), at);
    }
    queue.done(key, now);
}

fn log_enqueueing(rollout: &Key, by: &ObjectRef) {
    if by.kind == kind::ROLLOUT.kind {
        let Key { namespace, name } = rollout;
        tracing::info!(namespace, rollout = name, "rollout enqueue due to update event");
    } else {
        tracing::info!("Enqueueing parent of {}/{}: Rollout {rollout}", by.namespace, by.name);
    }
}

/// How the work on a Rollout has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing more to do until something changes, or until this instant.
    Settled(Option<Instant>),
    /// Nothing could be decided yet; look again at this instant, unless something changes before.
    Later(Instant),
    /// Try again after the back-off, or at this instant when that is earlier.
    Retry(Option<Instant>),
}

#[cfg(test)]
#[path = "shell_tests.rs"]
mod tests;
