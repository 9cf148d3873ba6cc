//! The shell around the decisions of `tidegate-core`: it observes, asks for a plan, and carries it out. It decides nothing.
//!
//! It reads no clock but tokio's, no environment, and knows nothing of strategies: a plan is a list of writes. In reading order:
//! `config` and `clock` (what the caller brings), `gate` and `clients` over `rate` (the way to the API server), `kind` (where
//! objects live), `watch`, `store`, `workloads` and `world` (what was observed), `queue` (what is to be done when), `memory` (what we did
//! ourselves), `snapshot` and `live` (the input of a decision), `execute` (one write), `router` (who moves traffic), `events`, `reconcile` (one Rollout, from looking to
//! writing), `service` (one Service that is let go), `metrics` and `logs` (what is told of it), `shell` (what all of that shares), `watch_state` (how the watches are
//! doing), `controller` (the running whole). Around it: `leader` (which of several controllers may act), and, with the feature
//! `process`, the program: `process`.

mod clients;
mod clock;
mod config;
mod controller;
mod events;
mod execute;
mod gate;
mod kind;
mod leader;
mod live;
pub mod logs;
mod memory;
mod metrics;
#[cfg(feature = "process")]
pub mod process;
mod queue;
mod rate;
mod reconcile;
pub mod router;
mod service;
mod shell;
mod snapshot;
mod store;
#[cfg(test)]
mod test_server;
mod watch;
mod watch_state;
mod workloads;
mod world;

pub use clients::client;
pub use clock::Clock;
pub use config::{Config, Error, OnFailure, OnPlan, Scope};
pub use controller::{Controller, Handle, run};
pub use gate::{Gate, Gated, GatedBody};
pub use leader::{Candidate, Elector, LeaseError, Lost, Role, Standing, Times, TimesError};
pub use metrics::{Build, Counting, Requests};
pub use queue::{Counters, Queue};
pub use rate::RateLimit;
pub use shell::Metrics;
pub use snapshot::ReadError;
pub use store::Key;
pub use watch_state::{Failing, WatchState};
