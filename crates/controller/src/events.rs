//! Kubernetes events about Rollouts: best effort, bounded, repeats counted up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use http::{Request, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_api::meta::{ObjectMeta, Time};
use tidegate_core::{Event, EventType};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::clients::{Clients, RequestError};
use crate::clock::Clock;
use crate::execute::written_by;
use crate::kind;
use crate::rate::Priority;

/// The API server keeps an event for an hour after its last change.
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// Events about different Rollouts are written at the same time, so many at most. Few: a busy API server answers late, so that
/// events then leave it to what they tell of.
const LANES: usize = 2;
/// For how long an event is tried to be written: as long as an API server takes to restart.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_secs(1);
/// Events of one lane that may be counted up.
const REMEMBERED: usize = 2048;
/// The API server's limit on names.
const LONGEST_NAME: usize = 253;
/// How many names are tried for one event.
const NAMES: usize = 3;
/// The API server's limit on messages.
const LONGEST_MESSAGE: usize = 1024;

/// The Rollout that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subject {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
}

impl Subject {
    /// Always the same one, so that events about a Rollout stay in order.
    fn lane(&self) -> usize {
        let bytes = self.namespace.bytes().chain(self.name.bytes());
        bytes.fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte))) % LANES
    }

    pub(crate) fn of(rollout: &ObjectMeta) -> Self {
        Self {
            namespace: rollout.namespace.clone(),
            name: rollout.name.clone(),
            uid: rollout.uid.clone(),
            resource_version: rollout.resource_version.clone(),
        }
    }
}

#[derive(Debug)]
struct Record {
    subject: Subject,
    event: Event,
    at: Timestamp,
}

/// Takes events without ever making anybody wait.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    lanes: Arc<[mpsc::Sender<Record>]>,
    dropped: Arc<AtomicU64>,
    clock: Clock,
}

impl Recorder {
    /// A recorder and the inbox that it fills; `capacity` events may wait in each lane.
    pub(crate) fn new(capacity: usize, clock: Clock) -> (Self, Inbox) {
        let (senders, receivers): (Vec<_>, _) = (0..LANES).map(|_| mpsc::channel(capacity)).unzip();
        let dropped = Arc::new(AtomicU64::new(0));
        let this = Self { lanes: senders.into(), dropped: dropped.clone(), clock };
        (this, Inbox { lanes: receivers, dropped, last_call: Arc::default() })
    }

    /// Logs an event and hands it over, or drops it when too many wait.
    pub(crate) fn record(&self, subject: Subject, event: Event) {
        let (namespace, rollout) = (subject.namespace.as_str(), subject.name.as_str());
        let event_reason = event.reason.as_str();
        match event.type_ {
            EventType::Normal => tracing::info!(namespace, rollout, event_reason, "{}", event.message),
            EventType::Warning => tracing::warn!(namespace, rollout, event_reason, "{}", event.message),
        }
        let lane = &self.lanes[subject.lane()];
        let record = Record { subject, event, at: self.clock.now() };
        if lane.try_send(record).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Events that were dropped or refused.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Events that wait to be written.
#[derive(Debug)]
pub(crate) struct Inbox {
    lanes: Vec<mpsc::Receiver<Record>>,
    dropped: Arc<AtomicU64>,
    last_call: Arc<watch::Sender<bool>>,
}

impl Inbox {
    /// Sending `true` makes [`Inbox::drain`] come to an end.
    pub(crate) fn last_call(&self) -> Arc<watch::Sender<bool>> {
        self.last_call.clone()
    }

    /// Writes events until the last [`Recorder`] is gone: those about one Rollout one after the other. After the last call it
    /// takes no more, and ends once those that wait are written.
    pub(crate) async fn drain(self, clients: Clients, component: String) {
        let lanes = self.lanes.into_iter().map(|records| {
            let writer = Writer {
                clients: clients.clone(),
                component: component.clone(),
                written: BTreeMap::new(),
                named: 0,
            };
            writer.drain(records, self.last_call.subscribe(), &self.dropped)
        });
        join_all(lanes).await;
    }
}

/// Rollout (namespace, name, uid), type, reason and message: what makes one event a repeat of another.
type Sameness = (String, String, String, bool, String, String);

#[derive(Debug)]
struct Written {
    name: String,
    count: u64,
    last: Timestamp,
}

struct Writer {
    clients: Clients,
    component: String,
    written: BTreeMap<Sameness, Written>,
    /// Names given so far.
    named: u64,
}

impl Writer {
    async fn drain(
        mut self,
        mut records: mpsc::Receiver<Record>,
        mut last_call: watch::Receiver<bool>,
        dropped: &AtomicU64,
    ) {
        loop {
            let record = tokio::select! {
                biased;
                _ = last_call.wait_for(|it| *it), if !records.is_closed() => {
                    records.close();
                    continue;
                }
                record = records.recv() => record,
            };
            let Some(record) = record else { return };
            if let Err(error) = self.insist(&record, &mut last_call).await {
                let Subject { namespace, name: rollout, .. } = &record.subject;
                let event_reason = record.event.reason.as_str();
                tracing::warn!(namespace, rollout, event_reason, error = error.text(), "event dropped");
                dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Writes an event, also when the API server is away for a while.
    async fn insist(
        &mut self,
        record: &Record,
        last_call: &mut watch::Receiver<bool>,
    ) -> Result<(), RequestError> {
        let began = Instant::now();
        loop {
            let outcome = self.write(record).await;
            if began.elapsed() >= PATIENCE
                || outcome.as_ref().map_or_else(|error| !error.may_pass(), |()| true)
            {
                return outcome;
            }
            tokio::select! {
                biased;
                _ = last_call.wait_for(|it| *it) => return outcome,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn write(&mut self, record: &Record) -> Result<(), RequestError> {
        let sameness = sameness(record);
        if let Some(known) = self.written.get(&sameness)
            && record.at.duration_since(known.last) < KEPT
        {
            let (name, count) = (known.name.clone(), known.count + 1);
            match self.count_up(record, &name, count).await {
                Ok(()) => {
                    self.remember(sameness, Written { name, count, last: record.at });
                    return Ok(());
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        let name = self.create(record).await?;
        self.remember(sameness, Written { name, count: 1, last: record.at });
        Ok(())
    }

    async fn count_up(&self, record: &Record, name: &str, count: u64) -> Result<(), RequestError> {
        let body = json!({ "count": count, "lastTimestamp": Time::truncated(record.at) });
        let path = kind::EVENT.object(&record.subject.namespace, name);
        let request =
            Request::patch(self.uri(&path)).header(header::CONTENT_TYPE, "application/merge-patch+json");
        self.send(request, &body).await
    }

    async fn create(&mut self, record: &Record) -> Result<String, RequestError> {
        let path = kind::EVENT.collection(&record.subject.namespace);
        let mut tried = 0;
        loop {
            let name = self.next_name(record);
            let request = Request::post(self.uri(&path)).header(header::CONTENT_TYPE, "application/json");
            tried += 1;
            match self.send(request, &body(record, &name, &self.component)).await {
                Ok(()) => return Ok(name),
                // A clock that was set back has given this name before.
                Err(error) if error.is_taken() && tried < NAMES => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn send(&self, request: http::request::Builder, body: &Value) -> Result<(), RequestError> {
        let request = request.body(body.to_string().into_bytes()).map_err(kube::Error::HttpError)?;
        self.clients.send(Priority::Events, request).await.map(drop)
    }

    fn uri(&self, path: &str) -> String {
        path.to_owned() + &written_by(&self.component)
    }

    /// Unique without randomness: events of one process seldom share nanoseconds plus counter, and time moves on between
    /// processes.
    fn next_name(&mut self, record: &Record) -> String {
        let nanos = u64::try_from(record.at.as_nanosecond()).unwrap_or(0);
        let suffix = format!(".{:016x}", nanos.wrapping_add(self.named));
        self.named += 1;
        let mut name = record.subject.name.clone();
        name.truncate(LONGEST_NAME - suffix.len());
        name + &suffix
    }

    fn remember(&mut self, sameness: Sameness, written: Written) {
        if self.written.len() >= REMEMBERED && !self.written.contains_key(&sameness) {
            let now = written.last;
            self.written.retain(|_, known| now.duration_since(known.last) < KEPT);
            if self.written.len() >= REMEMBERED {
                self.written.clear();
            }
        }
        self.written.insert(sameness, written);
    }
}

fn sameness(record: &Record) -> Sameness {
    let Record { subject, event, .. } = record;
    (
        subject.namespace.clone(),
        subject.name.clone(),
        subject.uid.clone(),
        event.type_ == EventType::Warning,
        event.reason.clone(),
        event.message.clone(),
    )
}

fn body(record: &Record, name: &str, component: &str) -> Value {
    let Record { subject, event, at } = record;
    let at = Time::truncated(*at);
    let message: String = event.message.chars().take(LONGEST_MESSAGE).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": name, "namespace": subject.namespace },
        "involvedObject": {
            "apiVersion": tidegate_api::rollout::API_VERSION,
            "kind": tidegate_api::rollout::KIND,
            "namespace": subject.namespace,
            "name": subject.name,
            "uid": subject.uid,
            "resourceVersion": subject.resource_version,
        },
        "type": event.type_.to_string(),
        "reason": event.reason,
        "message": message,
        "source": { "component": component },
        "reportingComponent": component,
        "reportingInstance": "",
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    })
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
