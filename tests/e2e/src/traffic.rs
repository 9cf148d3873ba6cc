//! What stands behind a Service, watched from outside: the EndpointSlices of the real controller-manager.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use futures::{StreamExt, pin_mut};
use http::Request;
use kube::api::WatchEvent;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::place::{Place, client};

/// A Service that is watched from its making to its `lowest`.
pub struct Traffic<'a> {
    place: &'a Place,
    path: String,
    seen: Arc<Mutex<Seen>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// EndpointSlices by name, and what they came to so far.
#[derive(Debug, Default)]
struct Seen {
    slices: BTreeMap<String, Slice>,
    /// Names of the pods that took requests, after each change.
    history: Vec<BTreeSet<String>>,
}

#[derive(Debug)]
struct Slice {
    version: String,
    ready: BTreeSet<String>,
}

impl Slice {
    fn of(object: &Value) -> Self {
        let endpoints = object["endpoints"].as_array();
        let ready = endpoints.into_iter().flatten().filter(|it| it["conditions"]["ready"] != false);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            version: text(&object["metadata"]["resourceVersion"]),
            ready: ready.map(|endpoint| text(&endpoint["targetRef"]["name"])).collect(),
        }
    }
}

impl Seen {
    fn take_in(&mut self, slice: &Value, is_there: bool) {
        let name = slice["metadata"]["name"].as_str().unwrap().to_owned();
        if is_there {
            self.slices.insert(name, Slice::of(slice));
        } else {
            self.slices.remove(&name);
        }
        let ready = self.ready();
        if self.history.last() != Some(&ready) {
            self.history.push(ready);
        }
    }

    fn ready(&self) -> BTreeSet<String> {
        self.slices.values().flat_map(|slice| slice.ready.iter().cloned()).collect()
    }
}

impl<'a> Traffic<'a> {
    /// Watches a Service from the moment on at which so many pods take its requests.
    #[must_use]
    #[track_caller]
    pub fn of(place: &'a Place, service: &str, pods: usize) -> Self {
        let label = format!("labelSelector=kubernetes.io%2Fservice-name%3D{service}");
        let path = format!("{}?{label}", place.path("apis/discovery.k8s.io/v1", "endpointslices"));
        let mut list = Value::Null;
        place.wait(&format!("{pods} pods are behind {service}"), || {
            list = get(place, &path);
            let slices = list["items"].as_array().into_iter().flatten();
            slices.map(|slice| Slice::of(slice).ready.len()).sum::<usize>() == pods
        });
        let mut seen = Seen::default();
        for slice in list["items"].as_array().unwrap() {
            seen.take_in(slice, true);
        }
        // Before the last slice it was not complete.
        seen.history = seen.history.pop().into_iter().collect();
        let seen = Arc::new(Mutex::new(seen));
        let version = list["metadata"]["resourceVersion"].as_str().unwrap();
        let watch = format!("{path}&watch=true&resourceVersion={version}");
        let (stop, stopped) = oneshot::channel();
        let (kubeconfig, shared) = (place.admin().to_path_buf(), Arc::clone(&seen));
        let thread = thread::spawn(move || follow(&kubeconfig, &watch, &shared, stopped));
        Self { place, path, seen, stop: Some(stop), thread: Some(thread) }
    }

    /// The least number of pods that took its requests at any time until now, and who took them after each change.
    #[must_use]
    #[track_caller]
    pub fn lowest(&self) -> (usize, Vec<BTreeSet<String>>) {
        self.place.wait("the watch has told everything", || {
            let list = get(self.place, &self.path);
            let slices = list["items"].as_array().unwrap();
            let seen = self.seen.lock().unwrap();
            let is_told = |slice: &Value| {
                let known = seen.slices.get(slice["metadata"]["name"].as_str().unwrap());
                known.is_some_and(|it| slice["metadata"]["resourceVersion"] == it.version.as_str())
            };
            slices.len() == seen.slices.len() && slices.iter().all(is_told)
        });
        let history = self.seen.lock().unwrap().history.clone();
        let lowest = history.iter().map(BTreeSet::len).min().unwrap_or_default();
        (lowest, history)
    }

    /// Fails if there were fewer at any time.
    #[track_caller]
    pub fn assert_never_below(&self, promised: usize) {
        let (lowest, history) = self.lowest();
        assert!(lowest >= promised, "{}: {lowest} pods, {promised} promised: {history:#?}", self.path);
    }
}

impl Drop for Traffic<'_> {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What has failed there shows as a watch that never tells everything.
            let _ = thread.join();
        }
    }
}

fn get(place: &Place, path: &str) -> Value {
    place.request(http::Method::GET, path, "application/json", &Value::Null).unwrap()
}

fn follow(kubeconfig: &Path, path: &str, seen: &Mutex<Seen>, mut stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = client(kubeconfig).await;
        let request = Request::get(path).body(Vec::new()).unwrap();
        let events = client.request_events::<Value>(request).await.unwrap();
        pin_mut!(events);
        loop {
            let event = tokio::select! {
                biased;
                _ = &mut stopped => return,
                event = events.next() => event,
            };
            match event.expect("a watch lasts longer than a test").unwrap() {
                WatchEvent::Added(slice) | WatchEvent::Modified(slice) => {
                    seen.lock().unwrap().take_in(&slice, true);
                }
                WatchEvent::Deleted(slice) => seen.lock().unwrap().take_in(&slice, false),
                WatchEvent::Bookmark(_) => {}
                WatchEvent::Error(error) => panic!("{error:?}"),
            }
        }
    });
}
