//! Kubernetes events about Rollouts: best effort, bounded, repeats counted up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{Request, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_api::meta::{ObjectMeta, Time};
use tidegate_core::{Event, EventType};
use tokio::sync::{Notify, mpsc};

use crate::clients::{Clients, RequestError};
use crate::clock::Clock;
use crate::kind;
use crate::rate::Priority;

/// The API server keeps an event for an hour after its last change.
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// Events that may be counted up.
const REMEMBERED: usize = 4096;
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
    sender: mpsc::Sender<Record>,
    dropped: Arc<AtomicU64>,
    clock: Clock,
}

impl Recorder {
    /// A recorder and the inbox that it fills.
    pub(crate) fn new(capacity: usize, clock: Clock) -> (Self, Inbox) {
        let (sender, receiver) = mpsc::channel(capacity);
        let dropped = Arc::new(AtomicU64::new(0));
        (
            Self { sender, dropped: dropped.clone(), clock },
            Inbox { receiver, dropped, last_call: Arc::default() },
        )
    }

    /// Logs an event and hands it over, or drops it when too many wait.
    pub(crate) fn record(&self, subject: Subject, event: Event) {
        let (namespace, rollout) = (subject.namespace.as_str(), subject.name.as_str());
        let event_reason = event.reason.as_str();
        match event.type_ {
            EventType::Normal => tracing::info!(namespace, rollout, event_reason, "{}", event.message),
            EventType::Warning => tracing::warn!(namespace, rollout, event_reason, "{}", event.message),
        }
        let record = Record { subject, event, at: self.clock.now() };
        if self.sender.try_send(record).is_err() {
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
    receiver: mpsc::Receiver<Record>,
    dropped: Arc<AtomicU64>,
    last_call: Arc<Notify>,
}

impl Inbox {
    /// Notifying it makes [`Inbox::drain`] come to an end.
    pub(crate) fn last_call(&self) -> Arc<Notify> {
        self.last_call.clone()
    }

    /// Writes events one after the other until the last [`Recorder`] is gone. After the last call it takes no more, and ends
    /// once those that wait are written.
    pub(crate) async fn drain(mut self, clients: Clients, component: String) {
        let mut writer = Writer { clients, component, written: BTreeMap::new(), named: 0 };
        loop {
            let record = tokio::select! {
                biased;
                () = self.last_call.notified() => {
                    self.receiver.close();
                    continue;
                }
                record = self.receiver.recv() => record,
            };
            let Some(record) = record else { return };
            if let Err(error) = writer.write(&record).await {
                let Subject { namespace, name: rollout, .. } = &record.subject;
                let event_reason = record.event.reason.as_str();
                tracing::warn!(namespace, rollout, event_reason, %error, "event dropped");
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
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
        format!("{path}?fieldManager={}", self.component)
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
