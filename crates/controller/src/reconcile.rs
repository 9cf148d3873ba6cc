//! The work on one Rollout: look, ask, decide, do.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use jiff::Timestamp;
use tidegate_api::meta::ObjectMeta;
use tidegate_core::{
    Event, Failure, Need, ObjectRef, Observed, Plan, Purpose, Request, Snapshot, Write, WriteError,
    panic_text, rollout,
};
use tokio::time::Instant;

use crate::events::Subject;
use crate::execute::{self, Answer, Versions};
use crate::kind::{Kind, REPLICA_SET, SERVICE};
use crate::live;
use crate::memory::{Sight, UNDER_WAY};
use crate::rate::Priority;
use crate::shell::{Outcome, Shell};
use crate::snapshot::{self, ReadError};
use crate::store::Key;

/// How often needs are answered before a plan is asked for.
const ROUNDS_OF_NEEDS: usize = 2;
/// How many plans may follow the first one, after failures or more reads, before the Rollout is put back.
pub(crate) const FOLLOW_UPS: usize = 5;
/// A look that comes so soon after another one would is as good.
const SOON: Duration = Duration::from_secs(10);

/// Plans for one Rollout and carries the plan out.
pub(crate) async fn reconcile(shell: &Shell, key: &Key) -> Outcome {
    let began = Instant::now();
    let snapshot = match look(shell, key).await {
        Look::Snapshot(snapshot) => snapshot,
        Look::Nothing => return Outcome::Settled(None),
        Look::Later(at) => return Outcome::Later(at),
        Look::Failed(error) => return failed_read(shell, key, &error),
    };
    let (namespace, name) = (key.namespace.as_str(), key.name.as_str());
    let generation = snapshot.rollout.metadata.generation;
    let resource_version = snapshot.rollout.metadata.resource_version.clone();
    tracing::info!(
        namespace,
        rollout = name,
        generation,
        resourceVersion = resource_version,
        "Started syncing rollout"
    );
    let outcome = match decide_and_do(shell, key, snapshot).await {
        Ok(outcome) => outcome,
        Err(error) => failed_read(shell, key, &error),
    };
    let took = began.elapsed();
    shell.lock().reconciled(key, took, Instant::now());
    tracing::info!(
        namespace,
        rollout = name,
        generation,
        resourceVersion = resource_version,
        time_ms = took.as_secs_f64() * 1e3,
        "Reconciliation completed"
    );
    outcome
}

/// The snapshot of a Rollout with all its needs answered, as a plan would be made on it now. `listener` is the Rollout that
/// is to hear of changes to the Services that were read.
pub(crate) async fn complete(
    shell: &Shell,
    snapshot: &mut Snapshot,
    listener: Option<&Key>,
) -> Result<(), ReadError> {
    for _ in 0..ROUNDS_OF_NEEDS {
        let needs = rollout::needs(snapshot, shell.clock.now());
        let is_last = needs.is_empty();
        let rest = {
            let mut state = shell.lock();
            let rest = snapshot::answer_from_stores(&state.world, snapshot, needs);
            // Under the same lock, or a change in between would be neither seen nor heard of.
            if let Some(key) = listener {
                let dropped = state.world.asks_for(key, snapshot::services_of(snapshot));
                dropped.into_iter().for_each(|service| state.releases.add(service, Instant::now()));
                let lender = snapshot::lender_of(snapshot);
                lender.iter().for_each(|place| shell.listen_to(place.kind));
                state.world.refers_to(key, lender);
            }
            rest
        };
        if is_last {
            break;
        }
        live::answer(shell, snapshot, rest).await?;
    }
    Ok(())
}

enum Look {
    Snapshot(Box<Snapshot>),
    /// There is no such Rollout.
    Nothing,
    Later(Instant),
    Failed(ReadError),
}

async fn look(shell: &Shell, key: &Key) -> Look {
    let (known, untold) = {
        let mut state = shell.lock();
        let state = &mut *state;
        if !state.world.is_complete() || !state.world.rollouts.contains(key) {
            return Look::Nothing;
        }
        let memory = state.memories.entry(key.clone()).or_default();
        match memory.sight(&state.world, shell.patience, Instant::now()) {
            Sight::Wait(at) => return Look::Later(at),
            Sight::Stores => {
                let snapshot = snapshot::from_stores(&state.world, Some(memory), key);
                return snapshot.map_or(Look::Nothing, |it| Look::Snapshot(Box::new(it)));
            }
            Sight::Live => state.metrics.live_reads += 1,
        }
        (state.world.rollouts.get(key), memory.untold(Instant::now()))
    };
    let Some(known) = known else { return Look::Nothing };
    tracing::info!(
        namespace = key.namespace,
        rollout = key.name,
        "a watch is behind our own writes; reading live"
    );
    match live::snapshot(&shell.clients, key, known).await {
        Ok(Some(snapshot)) => Look::Snapshot(Box::new(untold.beside(snapshot))),
        Ok(None) => Look::Nothing,
        Err(error) => Look::Failed(error),
    }
}

/// A write to a ReplicaSet that neither the store nor a live list knows will never be delivered, nor one to a Service that is gone.
pub(crate) fn forget_vanished(shell: &Shell, key: &Key, live: &Snapshot) {
    let mut state = shell.lock();
    let state = &mut *state;
    let world = &state.world;
    let Some(memory) = state.memories.get_mut(key) else { return };
    let at = |object: &ObjectRef| Key::new(&object.namespace, &object.name);
    memory.retain(|object| match object.kind.as_str() {
        kind if kind == REPLICA_SET.kind => {
            world.replica_sets.contains(&at(object))
                || live.replica_sets.iter().any(|replica_set| replica_set.metadata.name == object.name)
        }
        kind if kind == SERVICE.kind => live.services.get(&object.name) != Some(&Observed::Missing),
        _ => true,
    });
}

async fn decide_and_do(shell: &Shell, key: &Key, mut snapshot: Box<Snapshot>) -> Result<Outcome, ReadError> {
    complete(shell, &mut snapshot, Some(key)).await?;
    if snapshot.replica_sets_are_live {
        forget_vanished(shell, key, &snapshot);
    }
    let mut work = Work::on(shell, key, snapshot);
    let mut plan = work.plan();
    let (mut retry, mut last_error) = (false, None);
    for _ in 0..=FOLLOW_UPS {
        if !plan.writes.is_empty()
            && let Some(memory) = shell.lock().memories.get_mut(key)
        {
            memory.acts(Instant::now());
        }
        let failure = work.carry_out(&plan).await;
        retry |= plan.retry;
        plan = if let Err((number, error)) = failure {
            let written = &plan.writes[number].object;
            tracing::warn!(namespace = key.namespace, rollout = key.name, %error, "writing {written} failed");
            work.record(&plan, number, &error);
            let plan = rollout::after_failure(&plan, number, &error);
            work.observe(&plan);
            tell(shell, key, &plan.events);
            last_error = plan.retry.then_some(error).or(last_error);
            plan
        } else if !plan.needs.is_empty() {
            work.answer(std::mem::take(&mut plan.needs)).await?;
            work.plan()
        } else {
            if let Some(error) = &last_error {
                failed(shell, key, error);
            }
            return Ok(work.outcome(&plan, retry));
        };
    }
    failed(shell, key, &NoneCarriedOut);
    Ok(Outcome::Retry(None))
}

/// One Rollout's plans in a row.
pub(crate) struct Work<'a> {
    shell: &'a Shell,
    key: &'a Key,
    pub(crate) snapshot: Box<Snapshot>,
    versions: Versions,
    /// What the last plan was made for.
    planned_at: Timestamp,
    /// What it was made on, before its writes were taken in; kept only where somebody wants to hear of failures.
    planned_on: Option<Box<Snapshot>>,
    /// No watch will tell us of a write: it has left the object as it was, or nobody watches such objects. The next look
    /// comes after a back-off, which ends with the first one that leads to no such write.
    must_look: bool,
}

impl<'a> Work<'a> {
    pub(crate) fn on(shell: &'a Shell, key: &'a Key, snapshot: Box<Snapshot>) -> Self {
        let planned_at = shell.clock.now();
        Self {
            shell,
            key,
            snapshot,
            versions: Versions::new(),
            planned_at,
            planned_on: None,
            must_look: false,
        }
    }

    fn plan(&mut self) -> Plan {
        self.versions.clear();
        let now = self.shell.clock.now();
        self.planned_at = now;
        self.planned_on = self.shell.hears_of_failures().then(|| self.snapshot.clone());
        let plan = catch_unwind(AssertUnwindSafe(|| rollout::plan(&self.snapshot, now)));
        let plan = plan.unwrap_or_else(|panic| {
            self.shell.failed(Failure::Panic(panic_text(&*panic)), &self.snapshot, now, None);
            resume_unwind(panic)
        });
        self.shell.observe(&self.snapshot, now, &plan);
        self.log_status(&plan);
        plan
    }

    /// Tells the observer of failures of a write that failed, unless that is everyday life.
    fn record(&self, plan: &Plan, number: usize, error: &WriteError) {
        if !matches!(error, WriteError::Conflict | WriteError::Disruption(_)) {
            let failure = Failure::Write { number, error: error.clone() };
            let planned_on = self.planned_on.as_ref().unwrap_or(&self.snapshot);
            self.shell.failed(failure, planned_on, self.planned_at, Some(plan));
        }
    }

    fn observe(&self, plan: &Plan) {
        self.shell.observe(&self.snapshot, self.shell.clock.now(), plan);
    }

    /// Says so if the status stays as it is.
    fn log_status(&self, plan: &Plan) {
        let Key { namespace, name: rollout } = self.key;
        let ObjectMeta { generation, resource_version, .. } = &self.snapshot.rollout.metadata;
        if !plan.writes.iter().any(|write| write.purpose == Purpose::Status) {
            tracing::info!(
                namespace,
                rollout,
                generation,
                resourceVersion = resource_version,
                "No status changes. Skipping patch"
            );
        }
    }

    async fn answer(&mut self, needs: Vec<Need>) -> Result<(), ReadError> {
        live::answer(self.shell, &mut self.snapshot, needs).await
    }

    /// Carries out a plan's writes up to the first failure; answers its number and what it was.
    pub(crate) async fn carry_out(&mut self, plan: &Plan) -> Result<(), (usize, WriteError)> {
        for (number, write) in plan.writes.iter().enumerate() {
            let priority = execute::priority(&plan.writes[number..]);
            match self.make(write, priority).await {
                Ok(answer) => self.succeeded(write, &answer),
                Err(error) => {
                    self.shell.lock().metrics.failed_writes += 1;
                    if let WriteError::Unanswered(_) = error {
                        self.unanswered(write);
                    }
                    return Err((number, error));
                }
            }
        }
        Ok(())
    }

    /// A request may still arrive, and no version of an object keeps it from doing what it asks for; that of a Service says nothing of
    /// the pods behind it.
    fn unanswered(&mut self, write: &Write) {
        let mut state = self.shell.lock();
        let Some(memory) = state.memories.get_mut(self.key) else { return };
        let (name, services) = (&write.object.name, &self.snapshot.services);
        match &write.request {
            Request::Route { .. } => memory.route_unanswered_at = Some(Instant::now()),
            Request::Evict { uid } => {
                memory.eviction_unanswered(uid, Instant::now());
                self.snapshot.evictions_under_way.insert(uid.clone());
            }
            _ if write.purpose == Purpose::SwitchService => {
                if let Some(service) = services.get(name).and_then(|service| service.found()) {
                    let version = &service.metadata.resource_version;
                    memory.switch_unanswered(name, version, Instant::now());
                    self.snapshot.switches_under_way.insert(name.clone(), version.clone());
                }
            }
            _ => {}
        }
    }

    async fn make(&mut self, write: &Write, priority: Priority) -> Result<Answer, WriteError> {
        let Shell { clients, field_manager, router, .. } = self.shell;
        if let (Request::Route { intent }, Some(router)) = (&write.request, router) {
            router.route(clients.at(Priority::Traffic), &self.snapshot.rollout, intent).await?;
            return Ok(Answer::Done);
        }
        execute::carry_out(clients, write, priority, &mut self.versions, field_manager).await
    }

    fn succeeded(&mut self, write: &Write, answer: &Answer) {
        log_patch(self.key, &self.snapshot, write);
        let status = (write.purpose == Purpose::Status).then(|| self.snapshot.rollout.status.clone());
        snapshot::absorb(&mut self.snapshot, &write.object, answer);
        let mut state = self.shell.lock();
        state.metrics.writes += 1;
        for update in status.iter().flat_map(|it| rollout::ended_updates(it, &self.snapshot.rollout.status)) {
            state.series.ended(&update);
        }
        for event in &write.events {
            state.series.event(self.key, event);
        }
        let mark = answer.mark();
        if let (Some(kind), Answer::Object(object)) = (Kind::lender(&write.object.kind), answer) {
            state.learn(kind, object.clone(), self.key);
        }
        let unseen = mark.filter(|mark| !state.world.has_delivered(&write.object, mark));
        self.must_look |= unseen.is_none();
        if let Some(memory) = state.memories.get_mut(self.key) {
            if let Some(mark) = unseen {
                memory.wrote(write.object.clone(), mark, Instant::now());
            }
            if write.purpose == Purpose::Status {
                memory.counters_changed_at = None;
                memory.is_there();
            }
            if write.purpose == Purpose::CreateReplicaSet {
                memory.made(&write.object.name);
            }
            if let Request::Evict { uid } = &write.request {
                memory.evicted(uid);
            }
        }
        drop(state);
        for event in &write.events {
            self.shell.recorder.record(Subject::of(&self.snapshot.rollout.metadata), event.clone());
        }
    }

    pub(crate) fn outcome(&self, last: &Plan, retry: bool) -> Outcome {
        let now = self.shell.clock.now();
        let wake_at = last.wake_at.and_then(|at| self.shell.clock.instant_of(at));
        // A deadline that is over and led to nothing would be asked for again at once, for ever.
        let is_stuck = last.writes.is_empty() && last.wake_at.is_some_and(|at: Timestamp| at <= now);
        if is_stuck {
            let Key { namespace, name } = self.key;
            tracing::warn!(
                namespace,
                rollout = name,
                "a plan asks to be woken in the past: {:?}",
                last.wake_at
            );
            self.shell.failed(Failure::WokenInThePast, &self.snapshot, now, Some(last));
            return Outcome::Retry(None);
        }
        let look_at = [wake_at, self.limit_of_waiting(), self.look_at_route(wake_at), self.look_again()];
        let look_at = look_at.into_iter().flatten().min();
        if retry || self.must_look { Outcome::Retry(look_at) } else { Outcome::Settled(look_at) }
    }

    /// When to stop hoping that the watches will show what was written.
    fn limit_of_waiting(&self) -> Option<Instant> {
        let (mut state, now) = (self.shell.lock(), Instant::now());
        let state = &mut *state;
        match state.memories.get_mut(self.key)?.sight(&state.world, self.shell.patience, now) {
            Sight::Stores => None,
            Sight::Wait(limit) => Some(limit),
            // A watch that is that far behind may not tell us either what others change.
            Sight::Live => Some(now + self.shell.patience),
        }
    }

    /// Nobody watches what a router writes. Where a request of ours, or of whoever was at work before, may still arrive, the route is
    /// looked at when it cannot any longer.
    fn look_at_route(&self, wake_at: Option<Instant>) -> Option<Instant> {
        self.snapshot.router.found()?;
        let unanswered = self.shell.lock().memories.get(self.key)?.route_unanswered_at;
        let end = unanswered.unwrap_or(self.shell.began) + UNDER_WAY;
        let is_looked_at = wake_at.is_some_and(|at| end <= at && at <= end + SOON);
        (end > Instant::now() && !is_looked_at).then_some(end)
    }

    /// What is kept because a request may still arrive goes when it cannot any longer.
    fn look_again(&self) -> Option<Instant> {
        self.shell.lock().memories.get(self.key)?.arrives_until(Instant::now())
    }
}

/// Only of the status, where no secret can be.
fn log_patch(key: &Key, snapshot: &Snapshot, write: &Write) {
    if let (Purpose::Status, Request::MergePatch { body, .. }) = (write.purpose, &write.request) {
        let ObjectMeta { generation, resource_version, .. } = &snapshot.rollout.metadata;
        let (namespace, rollout) = (key.namespace.as_str(), key.name.as_str());
        tracing::info!(
            namespace,
            rollout,
            generation,
            resourceVersion = resource_version.as_str(),
            "Patched: {body}"
        );
    }
}

/// No plan of a reconcile could be carried out.
#[derive(Debug, thiserror::Error)]
#[error("of {} plans in a row none was carried out: writes failed, or objects had changed when they were read", FOLLOW_UPS + 1)]
struct NoneCarriedOut;

fn failed(shell: &Shell, key: &Key, error: &dyn Error) {
    let Key { namespace, name: rollout } = key;
    tracing::error!(namespace, rollout, "rollout syncHandler error: {error}");
    shell.lock().series.failed(key);
}

/// Records events about what will not succeed by itself, unless they are no news.
fn tell(shell: &Shell, key: &Key, events: &[Event]) {
    let mut state = shell.lock();
    let state = &mut *state;
    let (Some(rollout), Some(memory)) = (state.world.rollouts.get(key), state.memories.get_mut(key)) else {
        return;
    };
    for event in events.iter().filter(|event| memory.is_news(event)) {
        state.series.event(key, event);
        shell.recorder.record(Subject::of(&rollout.metadata), event.clone());
    }
}

fn failed_read(shell: &Shell, key: &Key, error: &ReadError) -> Outcome {
    shell.lock().metrics.failed_reads += 1;
    if let ReadError::Forbidden(_) = error {
        tell(shell, key, &[rollout::reconciliation_error(error)]);
    }
    failed(shell, key, error);
    Outcome::Retry(None)
}
