//! The controller and the plugin on a real control plane. Each test has a namespace of its own; all share one control plane,
//! which the first starts.

#![allow(clippy::unwrap_used, reason = "a test")]

mod autoscaler;
mod blue_green;
mod canary;
#[path = "../../../crates/sim/tests/captured/mod.rs"]
mod captured;
mod conformance;
mod demo;
mod guide;
mod leadership;
mod life;
mod play;
mod pods;
mod restarts;
mod rights;
mod services;
mod strategy;
mod workload;
