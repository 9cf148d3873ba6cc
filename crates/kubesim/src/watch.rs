//! Watches: streams of changes, one frame per event.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::presentation::View;
use crate::resources::Resource;
use crate::selector::Selector;
use crate::server::ApiServer;
use crate::state::State;
use crate::status::ApiError;
use crate::store::Record;

/// How long a watch lasts that sets no `timeoutSeconds`.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1800);
/// How long a watch may last: a client can ask for more than there is time.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// What an open watch has read, and whether it may go on.
#[derive(Debug)]
struct Watcher {
    resource: String,
    cursor: u64,
    waker: Option<Waker>,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Closed,
    Expired,
}

/// The open watches, in the order in which they were opened.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    open: BTreeMap<u64, Watcher>,
    opened: u64,
}

impl Watchers {
    pub(crate) fn wake(&mut self, resource: &str) {
        for watcher in self.open.values_mut().filter(|watcher| watcher.resource == resource) {
            if let Some(waker) = watcher.waker.take() {
                waker.wake();
            }
        }
    }

    fn end_all(&mut self, fate: Fate) {
        for watcher in self.open.values_mut() {
            watcher.fate = fate;
            if let Some(waker) = watcher.waker.take() {
                waker.wake();
            }
        }
    }

    /// Ends every watch as a restarting server does: the stream stops.
    pub(crate) fn close_all(&mut self) {
        self.end_all(Fate::Closed);
    }

    /// Ends every watch by an ERROR event with code 410.
    pub(crate) fn expire_all(&mut self) {
        self.end_all(Fate::Expired);
    }

    pub(crate) fn count(&self) -> usize {
        self.open.len()
    }

    fn open(&mut self, resource: &str, cursor: u64) -> u64 {
        self.opened += 1;
        let watcher = Watcher { resource: resource.to_owned(), cursor, waker: None, fate: Fate::Open };
        self.open.insert(self.opened, watcher);
        self.opened
    }
}

/// Forgets all history. Watches that have read everything go on; those that lag get 410.
pub(crate) fn compact(state: &mut State) {
    let version = state.store.version();
    for watcher in state.watchers.open.values_mut() {
        if state.store.next_after(&watcher.resource, watcher.cursor).is_none() {
            watcher.cursor = watcher.cursor.max(version);
        }
    }
    state.store.compact();
}

/// What a watch asks for.
pub(crate) struct WatchOptions {
    pub(crate) resource: Arc<Resource>,
    pub(crate) view: View,
    pub(crate) namespace: Option<String>,
    pub(crate) selector: Selector,
    /// Changes after this version are sent.
    pub(crate) from: u64,
    /// Objects to send as ADDED first.
    pub(crate) initial: Vec<Arc<Value>>,
    /// Whether the initial objects are followed by the bookmark that says so.
    pub(crate) mark_initial_end: bool,
    pub(crate) bookmarks: bool,
    pub(crate) timeout: Option<Duration>,
}

/// The body of a watch's response.
pub(crate) struct WatchStream {
    server: ApiServer,
    id: u64,
    resource: Arc<Resource>,
    shown: Shown,
    namespace: Option<String>,
    selector: Selector,
    ready: VecDeque<Bytes>,
    bookmarks: bool,
    /// The latest version that the client was told of.
    told: u64,
    timeout: Pin<Box<Sleep>>,
    has_ended: bool,
}

impl WatchStream {
    pub(crate) fn open(server: &ApiServer, state: &mut State, options: WatchOptions) -> Self {
        let resource = options.resource;
        let mut shown = Shown { view: options.view, is_headed: true };
        let now = state.now();
        let mut ready: VecDeque<Bytes> =
            options.initial.iter().map(|object| shown.event("ADDED", object, now)).collect();
        if options.mark_initial_end {
            ready.push_back(shown.event("BOOKMARK", &bookmark(&resource, options.from, true), now));
        }
        let deadline = Instant::now() + options.timeout.unwrap_or(DEFAULT_TIMEOUT).min(LONGEST);
        Self {
            server: server.clone(),
            id: state.watchers.open(&resource.id, options.from),
            resource,
            shown,
            namespace: options.namespace,
            selector: options.selector,
            ready,
            bookmarks: options.bookmarks,
            told: options.from,
            timeout: Box::pin(sleep_until(deadline)),
            has_ended: false,
        }
    }

    /// The next event, or nothing at the end of the stream.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(frame) = self.ready.pop_front() {
            return Poll::Ready(Some(frame));
        }
        if self.has_ended {
            return Poll::Ready(None);
        }
        let server = self.server.clone();
        if let Some(next) = server.with(|state| self.next_change(state, context.waker())) {
            return Poll::Ready(next);
        }
        match self.timeout.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                self.has_ended = true;
                Poll::Ready(self.last_bookmark())
            }
        }
    }

    /// A bookmark at the end, so that the next watch starts where this one has read to.
    fn last_bookmark(&mut self) -> Option<Bytes> {
        let (cursor, now) = self
            .server
            .with(|state| state.watchers.open.get(&self.id).map(|watcher| (watcher.cursor, state.now())))?;
        let bookmark = bookmark(&self.resource, cursor, false);
        (self.bookmarks && cursor > self.told).then(|| self.shown.event("BOOKMARK", &bookmark, now))
    }

    /// The next event that is known already; `Some(None)` ends the stream, `None` waits.
    fn next_change(&mut self, state: &mut State, waker: &Waker) -> Option<Option<Bytes>> {
        let watcher = state.watchers.open.get_mut(&self.id)?;
        let floor = state.store.floor(&self.resource.id);
        if watcher.fate == Fate::Closed {
            self.has_ended = true;
            return Some(None);
        }
        if watcher.fate == Fate::Expired || watcher.cursor < floor {
            self.has_ended = true;
            let error = ApiError::expired(watcher.cursor, floor);
            return Some(Some(error_event(&error).into()));
        }
        let now = state.clock.now();
        while let Some(record) = state.store.next_after(&self.resource.id, watcher.cursor) {
            watcher.cursor = record.version;
            if let Some((kind, object)) = self.selected(record) {
                self.told = record.version;
                return Some(Some(self.shown.event(kind, &object, now)));
            }
        }
        // A client may ask for what comes after a version that is still to come.
        watcher.cursor = watcher.cursor.max(state.store.version());
        if watcher.waker.as_ref().is_none_or(|known| !known.will_wake(waker)) {
            watcher.waker = Some(waker.clone());
        }
        None
    }

    /// The event that this watch makes of a change: leaving the selection is a deletion, entering it an addition.
    fn selected(&self, record: &Record) -> Option<(&'static str, Arc<Value>)> {
        let namespace = self.namespace.as_deref();
        let selects = |object: &Value| {
            namespace.is_none_or(|namespace| crate::json::namespace(object) == namespace)
                && self.selector.matches(object)
        };
        let was = record.before.as_deref().is_some_and(selects);
        let is = !record.is_deletion && selects(&record.object);
        match (was, is) {
            (false, false) => None,
            (false, true) => Some(("ADDED", Arc::clone(&record.object))),
            (true, true) => Some(("MODIFIED", Arc::clone(&record.object))),
            (true, false) => {
                let mut last = record.before.as_deref().cloned().unwrap_or_default();
                crate::json::set(
                    &mut last,
                    &["metadata", "resourceVersion"],
                    record.version.to_string().into(),
                );
                Some(("DELETED", Arc::new(last)))
            }
        }
    }
}

impl Drop for WatchStream {
    fn drop(&mut self) {
        self.server.with(|state| state.watchers.open.remove(&self.id));
    }
}

/// How the objects of events are shown: the columns of a table only once.
struct Shown {
    view: View,
    is_headed: bool,
}

impl Shown {
    fn event(&mut self, kind: &str, object: &Value, now: Timestamp) -> Bytes {
        let line = event(kind, &self.view.object(object, self.is_headed, now));
        self.is_headed = false;
        line.into()
    }
}

/// The line of an ERROR event.
pub(crate) fn error_event(error: &ApiError) -> String {
    event("ERROR", &error.to_value())
}

fn event(kind: &str, object: &Value) -> String {
    let mut line = format!("{{\"type\":\"{kind}\",\"object\":");
    line.push_str(&object.to_string());
    line.push_str("}\n");
    line
}

fn bookmark(resource: &Resource, version: u64, ends_initial: bool) -> Value {
    let mut object = json!({
        "kind": resource.kind, "apiVersion": resource.stored_api_version(),
        "metadata": {"resourceVersion": version.to_string()},
    });
    if ends_initial {
        object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    }
    object
}
