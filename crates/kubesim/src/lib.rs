//! An in-memory Kubernetes API server with the workload controllers that a simulation needs.
//!
//! [`ApiServer`] is a `tower::Service`: hand it to `kube::Client::new`. It knows Kubernetes and nothing of rollouts. It is
//! deterministic: wall time is an epoch plus tokio's clock, identities derive from a seed, collections are ordered.
//!
//! What it does as a real kube-apiserver does, and what not, stands in `README.md`: no watch caches that lag, no admission
//! webhooks, no authorization, no rules of CustomResourceDefinitions but `self == oldSelf`, among others.

mod admission;
mod body;
mod clock;
mod controllers;
mod defaults;
mod discovery;
mod dispatch;
mod field;
mod identity;
mod json;
#[cfg(feature = "listener")]
pub mod listener;
mod negotiation;
mod openapi;
mod ownership;
mod patch;
mod presentation;
mod quantity;
mod reply;
mod request;
mod resources;
mod restore;
mod run;
mod schema;
mod selector;
mod server;
mod state;
mod status;
mod store;
mod strict;
mod table;
mod types;
mod validation;
mod verbs;
mod watch;
mod wire;

pub use body::Body;
pub use controllers::kubelet::{Kubelet, PodRule, PodState, Stage};
pub use server::{ApiServer, Attempt, Config, Reaction};
pub use state::{Change, Tally, TallyKey};
pub use status::ApiError;
