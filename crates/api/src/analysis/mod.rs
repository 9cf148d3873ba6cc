//! Analysis as data: what to measure and how to judge it (templates), and what has been measured (runs).
//!
//! In reading order: `template` (AnalysisTemplate and ClusterAnalysisTemplate), `argument` (values that templates ask for), `metric`
//! (one thing to measure), `providers` (where measurements come from), `run` (AnalysisRun), `status` (its results). References from
//! Rollouts and Experiments to templates are in [`crate::rollout`].

mod argument;
mod metric;
pub mod providers;
mod run;
mod status;
mod template;
#[cfg(test)]
mod tests;

pub use argument::*;
pub use metric::*;
pub use run::*;
pub use status::*;
pub use template::*;
