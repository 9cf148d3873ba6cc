//! The server's behaviours, as requests and answers.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "helpers of tests take JSON as it is written"
)]

mod client;
mod custom_resources;
mod kube_client;
mod likeness;
mod listener;
mod patches;
mod verbs;
mod watches;
mod workloads;
