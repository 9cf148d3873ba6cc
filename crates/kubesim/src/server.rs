//! The server's handle: the tower service, and direct access without HTTP.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::body::Body;
use crate::clock::Clock;
use crate::controllers::kubelet::Kubelet;
use crate::controllers::node;
use crate::identity::Identities;
use crate::resources::Registry;
use crate::state::{Call, Change, State, Tally, TallyKey};
use crate::status::ApiError;
use crate::store::{Key, Store};
use crate::watch::Watchers;

/// How a server starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// The wall time at which it starts.
    pub epoch: Timestamp,
    /// Uids, name suffixes and addresses derive from it.
    pub seed: u64,
    /// How pods come and go.
    pub kubelet: Kubelet,
    /// How long the workload controllers and the garbage collector take to notice a change.
    pub reaction: Reaction,
    /// Changes remembered per resource; a watch from before them gets 410.
    pub history_limit: usize,
    /// Namespaces that exist from the start.
    pub namespaces: Vec<String>,
    /// Whether the owners of fields are kept in `metadata.managedFields`, and server-side apply is served. Without it an apply is
    /// answered by 415, and `managedFields` are stored as they are sent. Each write costs several times as much with it.
    pub field_ownership: bool,
}

/// How long each controller takes from a change to its reaction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reaction {
    /// The controllers of ReplicaSets, Deployments and disruption budgets, and so how far their statuses lag.
    pub replica_set: Duration,
    /// The garbage collector and the namespace controller.
    pub garbage: Duration,
}

impl Default for Config {
    /// 2026-01-01, seed 0, pods ready after 0.8 s, controllers that react at once, owners of fields kept.
    fn default() -> Self {
        Self {
            epoch: Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::UNIX_EPOCH),
            seed: 0,
            kubelet: Kubelet::default(),
            reaction: Reaction::default(),
            history_limit: 10_000,
            namespaces: ["default", "kube-system"].map(str::to_owned).to_vec(),
            field_ownership: true,
        }
    }
}

/// A write that is about to happen, as a fault hook sees it.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    /// As [`Change::actor`].
    pub actor: &'a str,
    /// As [`Change::verb`].
    pub verb: &'a str,
    /// As [`Change::resource`].
    pub resource: &'a str,
    /// Empty for cluster-scoped objects.
    pub namespace: &'a str,
    /// Empty when the server will generate it.
    pub name: &'a str,
}

type Observer = Box<dyn FnMut(&Change) + Send>;
type FaultHook = Box<dyn FnMut(&Attempt<'_>) -> Option<ApiError> + Send>;

struct Shared {
    state: Mutex<State>,
    observers: Mutex<Vec<Observer>>,
    fault: Mutex<Option<FaultHook>>,
    controllers: Notify,
    reaction: Reaction,
}

/// An in-memory Kubernetes API server. Clones are handles on the same server.
#[derive(Clone)]
pub struct ApiServer {
    shared: Arc<Shared>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ApiServer {
    /// A server whose wall time starts at `config.epoch` now, on tokio's clock.
    pub fn new(config: Config) -> Self {
        let state = State {
            field_ownership: config.field_ownership,
            clock: Clock::starting_at(config.epoch),
            registry: Registry::with_built_ins(),
            store: Store::new(config.history_limit),
            identities: Identities::from_seed(config.seed),
            watchers: Watchers::default(),
            kubelet: config.kubelet,
            kubelet_changed: false,
            tallies: BTreeMap::new(),
            warnings: Vec::new(),
            unseen: Vec::new(),
            is_delivering: false,
            inbox: None,
        };
        let shared = Shared {
            state: Mutex::new(state),
            observers: Mutex::new(Vec::new()),
            fault: Mutex::new(None),
            controllers: Notify::new(),
            reaction: config.reaction,
        };
        let server = Self { shared: Arc::new(shared) };
        for name in config.namespaces {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            // A name that is no namespace's name is a mistake of the caller, who finds the namespace absent.
            let _ = server.create("kube-apiserver", "namespaces", "", namespace);
        }
        server.register_node(!config.seed);
        server
    }

    /// Stores the node that pods claim to run on. Its uid comes from a seed of its own: those of other objects do not depend on it.
    fn register_node(&self, seed: u64) {
        let name = lock(&self.shared.state).kubelet.node.clone();
        let identities = Identities::from_seed(seed);
        let kept = self.with(|state| std::mem::replace(&mut state.identities, identities));
        let now = self.with(|state| state.api_now());
        // A name that is no node's name is a mistake of the caller, whose pods run on a node that is nowhere.
        let _ = self.create("kubelet", "nodes", "", node::ready(&name, &now));
        self.with(|state| state.identities = kept);
    }

    /// Wall time on this server, with fractions of a second.
    pub fn now(&self) -> Timestamp {
        lock(&self.shared.state).now()
    }

    /// Moves wall time against tokio's clock, as a wrong clock would be; negative is behind.
    pub fn set_clock_offset(&self, offset: SignedDuration) {
        self.with(|state| state.clock.offset = offset);
    }

    /// Runs the workload controllers, the kubelet and the garbage collector until the runtime ends.
    ///
    /// Call it once, inside a tokio runtime. Idle controllers wait for a change or a deadline and never poll.
    pub fn spawn_controllers(&self) -> tokio::task::JoinHandle<()> {
        tokio::spawn(crate::run::run(self.clone(), self.shared.reaction))
    }

    /// Calls `observer` after every stored change, in order.
    ///
    /// It may read this server, and write to it: what it writes is observed after it returns. It must not add observers.
    pub fn observe(&self, observer: impl FnMut(&Change) + Send + 'static) {
        lock(&self.shared.observers).push(Box::new(observer));
    }

    /// Asks `hook` before every write, whoever makes it; an error that it returns is the write's answer.
    ///
    /// Replaces the hook before it. The hook must not use this server.
    pub fn fail_writes(&self, hook: impl FnMut(&Attempt<'_>) -> Option<ApiError> + Send + 'static) {
        *lock(&self.shared.fault) = Some(Box::new(hook));
    }

    /// Forgets the hook of [`ApiServer::fail_writes`].
    pub fn allow_writes(&self) {
        *lock(&self.shared.fault) = None;
    }

    /// The objects of a resource (`pods`, `rs`, `rollouts.argoproj.io`), in one namespace or all, by namespace and name.
    ///
    /// Empty for a resource that is not known.
    pub fn list(&self, resource: &str, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let state = lock(&self.shared.state);
        let Some(resource) = state.registry.named(resource) else { return Vec::new() };
        state.store.list(&resource.id, namespace).map(|(_, object)| Arc::clone(object)).collect()
    }

    /// One object; the namespace of cluster-scoped resources is empty.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let state = lock(&self.shared.state);
        let resource = state.registry.named(resource)?;
        state.store.get(&resource.id, &Key::new(namespace, name)).map(Arc::clone)
    }

    /// Creates an object as `actor`, with all that a POST does.
    pub fn create(
        &self,
        actor: &str,
        resource: &str,
        namespace: &str,
        object: Value,
    ) -> Result<Arc<Value>, ApiError> {
        let call = Call::new(actor, "create", "");
        self.write(
            &call,
            resource,
            namespace,
            crate::json::name(&object).to_owned().as_str(),
            |state, resource| crate::verbs::create::create(state, &call, resource, namespace, object),
        )
    }

    /// Applies a JSON merge patch as `actor`; `subresource` is empty or `status`.
    pub fn merge_patch(
        &self,
        actor: &str,
        (resource, subresource): (&str, &'static str),
        (namespace, name): (&str, &str),
        patch: &Value,
    ) -> Result<Arc<Value>, ApiError> {
        let call = Call::new(actor, "patch", subresource);
        self.write(&call, resource, namespace, name, |state, resource| {
            let key = Key::new(namespace, name);
            crate::verbs::update::modify(state, &call, resource, &key, |current| {
                let mut patched = current.clone();
                crate::patch::merge(&mut patched, patch);
                Ok(patched)
            })
        })
    }

    /// Deletes an object as `actor`; `options` is a `DeleteOptions`, or null.
    pub fn delete(
        &self,
        actor: &str,
        resource: &str,
        (namespace, name): (&str, &str),
        options: &Value,
    ) -> Result<(), ApiError> {
        let call = Call::new(actor, "delete", "");
        self.write(&call, resource, namespace, name, |state, resource| {
            let options = crate::verbs::delete::DeleteOptions::decode(options.clone())?;
            crate::verbs::delete::delete(state, &call, resource, &Key::new(namespace, name), &options)
                .map(drop)
        })
    }

    /// Makes one write through the fault hook and the tallies.
    pub(crate) fn write<T>(
        &self,
        call: &Call,
        resource: &str,
        namespace: &str,
        name: &str,
        act: impl FnOnce(&mut State, &Arc<crate::resources::Resource>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let resource =
            lock(&self.shared.state).registry.named(resource).ok_or_else(ApiError::no_such_path)?;
        let fault = self.fault(call, &resource.id, namespace, name);
        self.with(|state| {
            let result = fault.map_or_else(|| act(state, &resource), Err);
            state.count(call, &resource, result.is_err());
            result
        })
    }

    pub(crate) fn fault(&self, call: &Call, resource: &str, namespace: &str, name: &str) -> Option<ApiError> {
        let mut hook = lock(&self.shared.fault);
        let qualified = match call.subresource {
            "" => resource.to_owned(),
            subresource => format!("{resource}/{subresource}"),
        };
        let attempt = Attempt { actor: &call.actor, verb: call.verb, resource: &qualified, namespace, name };
        hook.as_mut()?(&attempt)
    }

    /// How pods behave now.
    #[must_use]
    pub fn kubelet(&self) -> Kubelet {
        self.with(|state| state.kubelet.clone())
    }

    /// Changes how pods behave, also those that run; see [`Kubelet`].
    pub fn update_kubelet(&self, change: impl FnOnce(&mut Kubelet)) {
        self.with(|state| {
            change(&mut state.kubelet);
            state.kubelet_changed = true;
        });
        self.shared.controllers.notify_one();
    }

    /// Forgets the history of changes: lists' `continue` tokens and watches from an older resourceVersion get 410.
    /// Watches that have read everything go on.
    pub fn compact(&self) {
        self.with(crate::watch::compact);
    }

    /// Ends every open watch by an ERROR event 410, and forgets the history.
    pub fn expire_watches(&self) {
        self.with(|state| {
            crate::watch::compact(state);
            state.watchers.expire_all();
        });
    }

    /// Ends every open watch without a word, as a restarting server does.
    pub fn close_watches(&self) {
        self.with(|state| state.watchers.close_all());
    }

    /// How many watches are open.
    pub fn open_watches(&self) -> usize {
        lock(&self.shared.state).watchers.count()
    }

    /// Requests and stored changes so far, by actor, verb and resource.
    pub fn tallies(&self) -> BTreeMap<TallyKey, Tally> {
        lock(&self.shared.state).tallies.clone()
    }

    /// Stored changes so far by one actor.
    pub fn stored_by(&self, actor: &str) -> u64 {
        let state = lock(&self.shared.state);
        state.tallies.iter().filter(|(key, _)| key.actor == actor).map(|(_, tally)| tally.stored).sum()
    }

    /// The resourceVersion of the latest change.
    pub fn resource_version(&self) -> u64 {
        lock(&self.shared.state).store.version()
    }

    /// Works on the state, then lets observers and controllers know what changed.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let (result, has_news, must_deliver) = {
            let mut state = lock(&self.shared.state);
            let result = act(&mut state);
            let must_deliver = !state.unseen.is_empty() && !state.is_delivering;
            let has_news = state.inbox.as_ref().is_some_and(|inbox| !inbox.is_empty());
            (result, has_news, must_deliver)
        };
        if has_news {
            self.shared.controllers.notify_one();
        }
        if must_deliver {
            self.deliver();
        }
        result
    }

    /// Calls the observers until every change has been seen; a change made by an observer waits its turn.
    fn deliver(&self) {
        loop {
            let changes = {
                let mut state = lock(&self.shared.state);
                let changes = std::mem::take(&mut state.unseen);
                state.is_delivering = !changes.is_empty();
                changes
            };
            if changes.is_empty() {
                return;
            }
            let mut observers = lock(&self.shared.observers);
            for change in &changes {
                observers.iter_mut().for_each(|observer| observer(change));
            }
        }
    }

    /// Waits until a controller may have something to do.
    pub(crate) async fn news(&self) {
        self.shared.controllers.notified().await;
    }
}

impl<B> tower::Service<Request<B>> for ApiServer
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let response = match body.collect().await {
                Ok(body) => crate::dispatch::answer(&server, &parts, &body.to_bytes()),
                Err(_) => crate::dispatch::failure(&ApiError::bad_request("unexpected EOF")),
            };
            Ok(response)
        })
    }
}
