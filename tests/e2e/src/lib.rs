//! A real control plane for tests, one namespace per test, controllers as processes, users with kubectl and the plugin.
//!
//! It decides nothing and knows no strategy. In reading order: `plane` (the control plane that all tests of a process share, and others),
//! `place` (a namespace and what people do in it), `traffic` (what stands behind a Service meanwhile), `controller` (a running
//! `rollouts-controller`).
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a library of tests: what fails, fails the test"
)]

mod controller;
mod place;
mod plane;
mod traffic;

pub use controller::{Controller, Start};
pub use place::{Outcome, Place};
pub use plane::{alone, define, folder, program, shared, storage};
pub use traffic::Traffic;
pub use xtask::cluster::{ControlPlane, Guarded, User, wait_until};

use std::time::Duration;

/// How long anything may take on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(120);
