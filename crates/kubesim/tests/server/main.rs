//! The server's behaviours, as requests and answers.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "helpers of tests take JSON as it is written"
)]

mod built_in;
mod client;
mod custom_resources;
mod deployments;
mod discovery;
mod evictions;
mod field_validation;
mod garbage;
mod kube_client;
mod likeness;
mod listener;
mod ownership;
mod patches;
mod tables;
mod verbs;
mod watches;
mod workloads;
