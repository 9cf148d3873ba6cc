//! Whether a Rollout can be followed, and the words for it when it cannot: upstream's texts, paths and order, of which
//! scripts and people see the first.
//!
//! In reading order: `error` (one finding), `spec` (common members), `template` (the pod template), `strategy` (which one,
//! anti-affinity), `blue_green`, `canary`, `steps`, `references` (objects that the spec names), `support` (what this
//! version cannot do yet).

mod blue_green;
mod canary;
mod error;
mod references;
mod spec;
mod steps;
mod strategy;
mod support;
mod template;
#[cfg(test)]
mod tests;

use serde_json::Value;
use tidegate_api::meta::LabelSelector;
use tidegate_api::rollout::Rollout;

pub use error::SpecError;
pub use references::{service_refs, services, workload, workload_kind_is_supported};
pub use support::not_yet_supported;

/// What is checked: a Rollout and what its `workloadRef` resolved to.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The Rollout as stored.
    pub rollout: &'a Rollout,
    /// The pod template, the Rollout's own or the referenced one; `None` while a reference is not resolved.
    pub template: Option<&'a Value>,
    /// The selector, the Rollout's own or the referenced one.
    pub selector: Option<&'a LabelSelector>,
}

/// The first thing that is wrong with the spec by itself, without a look at the objects it names.
#[must_use]
pub fn spec(subject: &Subject<'_>) -> Option<SpecError> {
    all(subject).into_iter().next()
}

/// The same with all that can be found: what follows from an earlier finding is among it.
#[must_use]
pub fn all(subject: &Subject<'_>) -> Vec<SpecError> {
    let mut errors = Vec::new();
    spec::check(subject, &mut errors);
    strategy::check(subject.rollout, &mut errors);
    errors
}

/// The first thing that is wrong with the strategy; `None` means that its steps can be trusted even while, say, the
/// template cannot.
#[must_use]
pub fn strategy(rollout: &Rollout) -> Option<SpecError> {
    let mut errors = Vec::new();
    strategy::check(rollout, &mut errors);
    errors.into_iter().next()
}
