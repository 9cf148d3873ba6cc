use std::time::Duration;

use futures::StreamExt;
use futures::stream::{BoxStream, SelectAll};
use kube::Api;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Event, watcher};
use serde_json::Value;

use super::error::Asked;
use super::{Cluster, ClusterError, Listed, Selection, Slim};

/// What a watch tells.
#[derive(Debug)]
pub(crate) enum Change {
    /// All objects follow, then `Complete`: what was known before, and does not follow, is gone.
    Begin(Listed),
    /// An object as it is now.
    Put(Listed, Value),
    /// All that there is has been told.
    Complete(Listed),
    /// An object is gone.
    Gone(Listed, Value),
    /// The server does not tell more for now; the watch goes on as soon as it does.
    Lost(ClusterError),
}

/// Changes of several lists, as they come. It never ends.
pub(crate) type Changes = SelectAll<BoxStream<'static, Change>>;

impl Cluster {
    /// What there is of a list, and from then on what changes. Connections that are lost are made anew.
    pub(crate) fn changes(
        &self,
        listed: Listed,
        namespace: Option<&str>,
        selection: &Selection,
    ) -> BoxStream<'static, Change> {
        let resource = listed.api_resource();
        let api: Api<Slim> = match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        let settings = watcher::Config {
            label_selector: selection.labels(),
            field_selector: selection.fields(),
            page_size: Some(250),
            ..watcher::Config::default()
        };
        let origin = self.origin.clone();
        let asked = Asked::watch(&listed.path(namespace));
        let changes = watcher(api, settings).backoff(Patience::default());
        let changes = changes.filter_map(move |event| {
            let change = match event {
                Ok(Event::Init) => Some(Change::Begin(listed)),
                Ok(Event::InitApply(object) | Event::Apply(object)) => Some(Change::Put(listed, object.0)),
                Ok(Event::InitDone) => Some(Change::Complete(listed)),
                Ok(Event::Delete(object)) => Some(Change::Gone(listed, object.0)),
                Err(error) => Some(ClusterError::of_watch(&error, &asked, &origin))
                    // The watcher lists anew; nothing is lost.
                    .filter(|error| !error.is_expired())
                    .map(Change::Lost),
            };
            std::future::ready(change)
        });
        changes.boxed()
    }
}

impl Listed {
    fn api_resource(self) -> ApiResource {
        let (group, version, kind) = match self {
            Self::Rollouts => ("argoproj.io", "v1alpha1", "Rollout"),
            Self::ReplicaSets => ("apps", "v1", "ReplicaSet"),
            Self::Pods => ("", "v1", "Pod"),
        };
        ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
    }
}

/// How long to wait before asking a server again: somebody looks at the screen, so never long.
#[derive(Default)]
struct Patience {
    failures: u32,
}

impl Iterator for Patience {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        const FIRST: Duration = Duration::from_millis(200);
        const LONGEST: Duration = Duration::from_secs(5);
        let wait = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures += 1;
        Some(wait)
    }
}

impl Backoff for Patience {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_asked_again_at_least_every_five_seconds() {
        let mut patience = Patience::default();
        let waits: Vec<u128> = patience.by_ref().take(7).map(|wait| wait.as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 5000, 5000]);
        patience.reset();
        assert_eq!(patience.next(), Some(Duration::from_millis(200)));
    }

    #[test]
    fn lists_are_found_where_the_library_looks_for_them() {
        for listed in [Listed::Rollouts, Listed::ReplicaSets, Listed::Pods] {
            let resource = listed.api_resource();
            let root = if resource.group.is_empty() { "/api" } else { "/apis" };
            let path = format!("{root}/{}/{}", resource.api_version, resource.plural);
            assert_eq!(listed.path(None), path);
        }
    }
}
