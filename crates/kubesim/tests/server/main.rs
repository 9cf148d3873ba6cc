//! The server's behaviours, as requests and answers.

mod client;
mod custom_resources;
mod kube_client;
mod patches;
mod verbs;
mod watches;
mod workloads;
