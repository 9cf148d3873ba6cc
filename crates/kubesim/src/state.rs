//! Everything behind the server's lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::clock::{Clock, api_time};
use crate::controllers::kubelet::Kubelet;
use crate::identity::Identities;
use crate::resources::{Registry, Resource};
use crate::status::ApiError;
use crate::store::{Key, Store};
use crate::strict::Strictness;
use crate::watch::Watchers;

/// One stored change, as observers see it.
#[derive(Clone, Debug)]
pub struct Change {
    /// Who wrote: the request's User-Agent, or `replicaset-controller`, `deployment-controller`,
    /// `disruption-controller`, `kubelet`, `default-scheduler`, `garbage-collector`.
    pub actor: String,
    /// `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: &'static str,
    /// The qualified resource, with the subresource if one was written: `pods`, `replicasets.apps/status`.
    pub resource: String,
    /// The object's namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// The object before; nothing when it was created.
    pub before: Option<Arc<Value>>,
    /// The object after; nothing when it is gone.
    pub after: Option<Arc<Value>>,
    /// The resourceVersion of the change.
    pub resource_version: u64,
    /// When, on the server's clock, with fractions of a second.
    pub time: Timestamp,
}

/// How often something was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests, successful or not.
    pub requests: u64,
    /// Requests that were answered by a failure.
    pub failures: u64,
    /// Changes that were stored; a write that changes nothing stores nothing.
    pub stored: u64,
}

/// What a [`Tally`] counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TallyKey {
    /// As [`Change::actor`].
    pub actor: String,
    /// As [`Change::verb`], and also `get`, `list`, `watch`.
    pub verb: &'static str,
    /// As [`Change::resource`].
    pub resource: String,
}

/// Who does what: the frame of a request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) actor: String,
    pub(crate) verb: &'static str,
    pub(crate) subresource: &'static str,
    pub(crate) dry_run: bool,
    pub(crate) strictness: Strictness,
    /// Who owns what is written; empty for the name that the actor goes by.
    pub(crate) field_manager: String,
    /// Whether a configuration is applied, whose owners are settled already.
    pub(crate) applies: bool,
}

impl Call {
    pub(crate) fn new(actor: &str, verb: &'static str, subresource: &'static str) -> Self {
        let strictness = Strictness::default();
        Self {
            actor: actor.to_owned(),
            verb,
            subresource,
            dry_run: false,
            strictness,
            field_manager: String::new(),
            applies: false,
        }
    }

    fn resource(&self, resource: &Resource) -> String {
        if self.subresource.is_empty() {
            resource.id.clone()
        } else {
            format!("{}/{}", resource.id, self.subresource)
        }
    }

    fn tally_key(&self, resource: &Resource) -> TallyKey {
        TallyKey { actor: self.actor.clone(), verb: self.verb, resource: self.resource(resource) }
    }
}

/// The server's state.
pub(crate) struct State {
    /// Whether the owners of fields are kept.
    pub(crate) field_ownership: bool,
    pub(crate) clock: Clock,
    pub(crate) registry: Registry,
    pub(crate) store: Store,
    pub(crate) identities: Identities,
    pub(crate) watchers: Watchers,
    pub(crate) kubelet: Kubelet,
    /// Whether pods are to be looked at under new rules.
    pub(crate) kubelet_changed: bool,
    pub(crate) tallies: BTreeMap<TallyKey, Tally>,
    /// What the person is to be told whose request is being answered.
    pub(crate) warnings: Vec<String>,
    /// Changes that observers have not seen yet.
    pub(crate) unseen: Vec<Change>,
    /// Whether observers are being called.
    pub(crate) is_delivering: bool,
    /// Changes that the controllers have not seen yet; nothing while none run.
    pub(crate) inbox: Option<Vec<Change>>,
}

impl State {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn api_now(&self) -> String {
        api_time(self.now())
    }

    pub(crate) fn find(&self, resource: &Resource, key: &Key) -> Result<Arc<Value>, ApiError> {
        let found = self.store.get(&resource.id, key).map(Arc::clone);
        found.ok_or_else(|| ApiError::not_found(resource, &key.name))
    }

    /// Stores a change and tells watches, controllers and observers of it.
    pub(crate) fn commit(
        &mut self,
        call: &Call,
        resource: &Resource,
        key: &Key,
        after: Option<Value>,
    ) -> Arc<Value> {
        let record = self.store.put(&resource.id, key, after);
        if resource.is(crate::resources::CRDS) {
            if record.is_deletion {
                self.registry.forget(&key.name);
            } else {
                self.registry.define(&record.object);
            }
        }
        self.watchers.wake(&resource.id);
        let change = Change {
            actor: call.actor.clone(),
            verb: call.verb,
            resource: call.resource(resource),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            before: record.before,
            after: (!record.is_deletion).then(|| Arc::clone(&record.object)),
            resource_version: record.version,
            time: self.now(),
        };
        if let Some(inbox) = &mut self.inbox {
            inbox.push(change.clone());
        }
        self.unseen.push(change);
        self.tallies.entry(call.tally_key(resource)).or_default().stored += 1;
        record.object
    }

    /// Counts a request that has been answered.
    pub(crate) fn count(&mut self, call: &Call, resource: &Resource, failed: bool) {
        let tally = self.tallies.entry(call.tally_key(resource)).or_default();
        tally.requests += 1;
        tally.failures += u64::from(failed);
    }
}
