//! Everything that shapes a controller, as one value built by the caller.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tidegate_api::labels;
use tidegate_core::{Plan, Recording, Snapshot};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::kind;
use crate::metrics::{Build, Requests};
use crate::rate::RateLimit;
use crate::router::Router;
use crate::watch::Selection;

/// Hears of each plan before it is carried out.
pub type OnPlan = Box<dyn FnMut(&Snapshot, Timestamp, &Plan) + Send>;

/// Hears of each decision that met a failure worth a look; see [`Config::on_failure`].
pub type OnFailure = Box<dyn FnMut(Recording) + Send>;

/// How the controller works, and for whom.
pub struct Config {
    /// Its wall time.
    pub clock: Clock,
    /// Which Rollouts are its own.
    pub scope: Scope,
    /// Rollouts that are worked on at the same time; at least 1.
    pub workers: usize,
    /// Events that may wait in each of the lanes in which they are written, before further ones are dropped; at least 1.
    pub event_capacity: usize,
    /// How many requests may leave; `None`: as many as there are. Watches are free.
    pub rate_limit: Option<RateLimit>,
    /// Field manager of all writes, and the source of all events.
    pub field_manager: String,
    /// How long to wait for a write of our own to come back on a watch before reading live.
    pub patience: Duration,
    /// Whether a panic in a decision becomes a back-off of that Rollout. Otherwise it ends [`crate::run`] with that panic.
    pub survives_panics: bool,
    /// What metrics say of this build.
    pub build: Build,
    /// The counter of requests that metrics show; a clone of it is layered under the client.
    pub requests: Requests,
    /// Who moves traffic; `None`: no Rollout has a router.
    pub router: Option<Arc<dyn Router>>,
    /// An observer.
    pub on_plan: Option<OnPlan>,
    /// An observer of failures: panics of a decision, plans that ask to be woken in the past, and writes that failed. A conflict
    /// and an eviction that a budget refuses are everyday life and not told.
    pub on_failure: Option<OnFailure>,
    /// Ends [`crate::run`] when it turns true or its sender goes away: no work is begun any more.
    pub shutdown: Option<watch::Receiver<bool>>,
    /// How long, from then on, work that has begun may go on, and once more as long the writing of events that wait.
    pub grace: Duration,
}

impl Config {
    /// A controller for all Rollouts without an instance id.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            scope: Scope::default(),
            workers: 10,
            event_capacity: 10_000,
            rate_limit: None,
            field_manager: "rollouts-controller".to_owned(),
            patience: Duration::from_secs(5),
            survives_panics: true,
            build: Build::default(),
            requests: Requests::default(),
            router: None,
            on_plan: None,
            on_failure: None,
            shutdown: None,
            grace: Duration::from_secs(5),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.workers == 0 {
            return Err(Error::NoWorkers);
        }
        if self.event_capacity == 0 {
            return Err(Error::NoEventCapacity);
        }
        match self.rate_limit {
            Some(limit) if !limit.is_valid() => Err(Error::RateLimit(limit)),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("clock", &self.clock)
            .field("scope", &self.scope)
            .field("workers", &self.workers)
            .field("rate_limit", &self.rate_limit)
            .finish_non_exhaustive()
    }
}

/// Which Rollouts a controller is responsible for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// `--namespaced`: this namespace only. `None`: the whole cluster.
    pub namespace: Option<String>,
    /// `--instance-id`: Rollouts with this value of the instance label. `None`: Rollouts without the label.
    pub instance_id: Option<String>,
}

impl Scope {
    /// Kinds whose objects lend templates; watched when a Rollout refers to one.
    pub(crate) fn lenders(&self) -> [Selection; 3] {
        kind::WORKLOADS.map(|kind| Selection { kind, namespace: self.namespace.clone(), labels: None })
    }

    /// Kinds without which nothing is decided.
    pub(crate) fn selections(&self) -> [Selection; 3] {
        let instance = match &self.instance_id {
            Some(id) => format!("{}={id}", labels::CONTROLLER_INSTANCE_ID),
            None => format!("!{}", labels::CONTROLLER_INSTANCE_ID),
        };
        let select = |kind, labels| Selection { kind, namespace: self.namespace.clone(), labels };
        [
            select(kind::ROLLOUT, Some(instance)),
            select(kind::REPLICA_SET, Some(labels::POD_TEMPLATE_HASH.to_owned())),
            select(kind::SERVICE, None),
        ]
    }
}

/// Why a controller cannot start or has ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// [`Config::workers`] is 0.
    #[error("a controller needs at least one worker")]
    NoWorkers,
    /// [`Config::event_capacity`] is 0.
    #[error("the queue of events needs room for at least one event")]
    NoEventCapacity,
    /// [`Config::rate_limit`] is not a limit.
    #[error("{} requests per second in bursts of {} is not a rate limit", .0.qps, .0.burst)]
    RateLimit(RateLimit),
}
