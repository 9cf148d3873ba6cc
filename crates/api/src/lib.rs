//! The Rollout API as data: the five kinds as types, labels and annotations, defaults, hashes.
//!
//! Pure: it knows nothing of clocks, clients or decisions. Shapes and names are those of Argo Rollouts' `argoproj.io/v1alpha1`.
//! Modules in reading order: `meta` (object metadata and small Kubernetes value types), `rollout` (the Rollout), `analysis`
//! (templates and runs), `experiment` (the Experiment), `labels` (label and annotation keys), `duration` (the two notations of
//! time spans), `template` (pod templates and their equality), `hash` (pod-template and step hashes), `crd` (the
//! CustomResourceDefinitions, generated from the types).

pub mod analysis;
pub mod crd;
pub mod duration;
pub mod experiment;
pub mod hash;
pub mod labels;
pub mod meta;
mod open_enum;
pub mod rollout;
pub mod template;
