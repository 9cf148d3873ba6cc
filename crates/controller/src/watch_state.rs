//! How the watches are doing: what is logged when one fails, and what a readiness probe is told.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::client::AuthError;
use kube::core::Status;
use kube::runtime::watcher::{self, Event};
use tokio::time::Instant;

use crate::kind::Kind;
use crate::watch::{Selection, Watched};

/// A watch that fails is tried again well within this time, even if each try takes as long as a request may: one that has
/// not failed for so long works. (It does not say so itself before something changes.)
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// How the watch of one kind is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchState {
    /// `rollouts.argoproj.io`.
    pub resource: String,
    /// Whether it has been listed once.
    pub is_listed: bool,
    /// Set while it fails.
    pub failing: Option<Failing>,
}

/// A watch that fails again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// When it first did.
    pub since: Instant,
    /// What was tried, and why it failed the last time.
    pub error: String,
    last: Instant,
}

impl Failing {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.last) >= FORGIVEN_AFTER
    }
}

/// The states of all watches of a controller; clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Watches {
    watches: Arc<Mutex<BTreeMap<&'static str, Watch>>>,
    /// Whether the controller begins with them.
    is_required: bool,
}

#[derive(Debug)]
struct Watch {
    kind: Kind,
    namespace: Option<String>,
    is_listed: bool,
    failing: Option<Failing>,
}

impl Watches {
    pub(crate) fn new(selections: &[Selection]) -> Self {
        let watches = selections.iter().map(|Selection { kind, namespace, .. }| {
            let watch = Watch { kind: *kind, namespace: namespace.clone(), is_listed: false, failing: None };
            (kind.kind, watch)
        });
        Self { watches: Arc::new(Mutex::new(watches.collect())), is_required: true }
    }

    /// A watch that nobody waits for; what becomes of it is logged all the same.
    pub(crate) fn optional(selection: &Selection) -> Self {
        Self { is_required: false, ..Self::new(std::slice::from_ref(selection)) }
    }

    pub(crate) fn states(&self) -> Vec<WatchState> {
        let now = Instant::now();
        let state = |watch: &Watch| WatchState {
            resource: watch.kind.qualified_name(),
            is_listed: watch.is_listed,
            failing: watch.failing.clone().filter(|failing| !failing.is_over(now)),
        };
        self.lock().values().map(state).collect()
    }

    /// Notes that a watch has brought something.
    pub(crate) fn heard(&self, kind: Kind, event: &Event<Watched>) {
        // A list begins with `Init` before anything was answered.
        if matches!(event, Event::Init) {
            return;
        }
        let mut watches = self.lock();
        let Some(watch) = watches.get_mut(kind.kind) else { return };
        if watch.failing.take().is_some() {
            tracing::info!(resource = watch.kind.qualified_name(), "watching again");
        }
        if matches!(event, Event::InitDone) && !std::mem::replace(&mut watch.is_listed, true) {
            tracing::debug!(resource = watch.kind.qualified_name(), "listed");
            if self.is_required && watches.values().all(|watch| watch.is_listed) {
                tracing::info!("Started controller");
            }
        }
    }

    /// Notes that a watch has failed; logs it unless that is known.
    pub(crate) fn failed(&self, kind: Kind, error: &watcher::Error) {
        // The history that the watch would go on from is gone: it lists anew, as it should.
        if matches!(error, watcher::Error::WatchError(status) if status.code == 410) {
            return;
        }
        let now = Instant::now();
        let mut watches = self.lock();
        let Some(watch) = watches.get_mut(kind.kind) else { return };
        let text = watch.account_of(error);
        let known = watch.failing.take().filter(|failing| !failing.is_over(now));
        if known.as_ref().is_none_or(|known| known.error != text) {
            tracing::warn!(resource = kind.qualified_name(), "{text}; trying again");
        }
        let since = known.map_or(now, |known| known.since);
        watch.failing = Some(Failing { since, error: text, last: now });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Watch>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// What was tried, why it failed, and what to do about it.
    fn account_of(&self, error: &watcher::Error) -> String {
        let (verb, why) = match error {
            watcher::Error::InitialListFailed(error) => ("list", why(error, self.kind)),
            watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
                ("watch", why(error, self.kind))
            }
            watcher::Error::WatchError(status) => ("watch", status.message.clone()),
            watcher::Error::NoResourceVersion => ("watch", error.to_string()),
        };
        let place = match &self.namespace {
            Some(namespace) => format!("in namespace {namespace}"),
            None => "in all namespaces".to_owned(),
        };
        format!("cannot {verb} {} {place}: {why}", self.kind.qualified_name())
    }
}

/// Why a request failed, and what to do about it.
fn why(error: &kube::Error, kind: Kind) -> String {
    match error {
        kube::Error::Api(status) if status.code == 404 => {
            let resource = kind.qualified_name();
            format!(
                "the API server does not know {resource}; apply the CustomResourceDefinition crds/{resource}.yaml"
            )
        }
        kube::Error::Api(status) => refusal(status, "the verbs list and watch", kind),
        other => without_answer(other),
    }
}

/// What the API server says, and what to do about it; `verbs` are those that the request needs.
pub(crate) fn refusal(status: &Status, verbs: &str, kind: Kind) -> String {
    let Status { code, message, reason, .. } = status;
    let message = if message.is_empty() { reason } else { message };
    match code {
        401 => format!("{message}; the API server does not accept the controller's token or certificate"),
        403 => format!("{message}; grant the controller {verbs} on {}", kind.qualified_name()),
        _ => message.clone(),
    }
}

/// What came of a request instead of an answer of the API server.
pub(crate) fn without_answer(error: &kube::Error) -> String {
    let cause = first_cause(error);
    match error {
        kube::Error::Service(_) | kube::Error::HyperError(_) => {
            format!("no answer from the API server: {cause}")
        }
        _ => cause,
    }
}

/// The text of what an error began with. What a credential plugin prints is never repeated: it may be a token.
pub(crate) fn first_cause(error: &(dyn Error + 'static)) -> String {
    let mut at = error;
    loop {
        match at.downcast_ref() {
            Some(AuthError::AuthExecRun { out, .. }) => {
                return format!("the credential plugin failed: {}", out.status);
            }
            Some(AuthError::AuthExecParse(_) | AuthError::ParseTokenKey(_)) => {
                return "the credential plugin printed no credentials".to_owned();
            }
            _ => {}
        }
        match at.source() {
            Some(cause) => at = cause,
            None => return at.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Scope;
    use crate::kind;

    fn refused(code: u16, message: &str) -> watcher::Error {
        let status = Status { code, message: message.to_owned(), ..Status::default() };
        watcher::Error::InitialListFailed(kube::Error::Api(Box::new(status)))
    }

    fn errors(watches: &Watches) -> Vec<String> {
        watches.states().into_iter().filter_map(|state| Some(state.failing?.error)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn failures_name_verb_resource_and_place() {
        let watches = Watches::new(&Scope::default().selections());
        watches.failed(kind::ROLLOUT, &refused(404, "404 page not found"));
        watches.failed(kind::SERVICE, &refused(403, "services is forbidden: User \"x\" cannot list"));
        let expected = [
            "cannot list rollouts.argoproj.io in all namespaces: the API server does not know \
             rollouts.argoproj.io; apply the CustomResourceDefinition crds/rollouts.argoproj.io.yaml",
            "cannot list services in all namespaces: services is forbidden: User \"x\" cannot list; grant the \
             controller the verbs list and watch on services",
        ];
        assert_eq!(errors(&watches), expected);
        let scope = Scope { namespace: Some("a".to_owned()), instance_id: None };
        let watches = Watches::new(&scope.selections());
        let status = Box::new(Status { code: 500, message: "etcd is away".to_owned(), ..Status::default() });
        watches.failed(kind::REPLICA_SET, &watcher::Error::WatchError(status));
        assert_eq!(errors(&watches), ["cannot watch replicasets.apps in namespace a: etcd is away"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_lasts_until_the_watch_brings_something_or_fails_no_more() {
        let watches = Watches::new(&Scope::default().selections());
        let began = Instant::now();
        for _ in 0..3 {
            watches.failed(kind::SERVICE, &refused(403, "no"));
            watches.heard(kind::SERVICE, &Event::Init);
            tokio::time::advance(FORGIVEN_AFTER / 2).await;
        }
        let service = || watches.states().into_iter().find(|state| state.resource == "services").unwrap();
        assert_eq!(service().failing.unwrap().since, began);
        watches.heard(kind::SERVICE, &Event::InitDone);
        assert_eq!((service().is_listed, service().failing), (true, None));
        watches.failed(kind::SERVICE, &refused(403, "no"));
        assert!(service().failing.is_some());
        tokio::time::advance(FORGIVEN_AFTER).await;
        assert_eq!(service().failing, None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_expired_history_is_no_failure() {
        let watches = Watches::new(&Scope::default().selections());
        let gone = Status { code: 410, reason: "Expired".to_owned(), ..Status::default() };
        watches.failed(kind::ROLLOUT, &watcher::Error::WatchError(Box::new(gone)));
        assert_eq!(errors(&watches), Vec::<String>::new());
    }
}
