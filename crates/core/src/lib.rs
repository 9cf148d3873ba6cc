//! Decisions: from what was observed to a list of writes, and the reason for waiting.
//!
//! Pure: it knows nothing of clocks, clients, randomness or the environment; `now` comes in, the next wake-up goes out.
//! Modules in reading order: `snapshot` (what a decision reads), `plan` (what it answers), `report` (why it waits), `rollout`
//! (the decisions about one Rollout), `service` (the one about a Service that none names any more), `traffic` (what is asked of routers), `traffic_guard` (how far a ReplicaSet may shrink),
//! `invariants` (a linter for writes), `recording` (a decision that met a failure, as a file).

pub mod invariants;
pub mod plan;
pub mod recording;
pub mod report;
pub mod rollout;
pub mod service;
pub mod snapshot;
pub mod traffic;
pub mod traffic_guard;

pub use plan::{
    Event, EventType, Importance, ObjectRef, Plan, Purpose, Request, Subresource, Timer, Write, WriteError,
};
pub use recording::{Failure, Recording, panic_text};
pub use report::{Report, Wait};
pub use snapshot::{
    Evidence, KnownTemplate, Need, Observed, Pod, ReplicaSet, ReplicaSetStatus, Service, Snapshot, Workload,
};
pub use traffic::{RouterObservation, TrafficIntent};
