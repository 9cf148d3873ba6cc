//! The kubectl plugin as a library: it writes to handles that it is given, and reads nothing of the process by itself.
//!
//! In reading order: `args` (the command line), `flags` (those of all commands), `commands` (one file each), `cluster` (the way
//! to the API server), `view` (a Rollout with its ReplicaSets and pods), `ui` and `failure` (what the user is told),
//! `mistake` and `help` (a command line that is not understood, and how it should be), `go` (values in Go's notation),
//! `build` (what is known of this build), `surroundings` (what the process runs in).

mod args;
mod build;
mod cluster;
mod commands;
mod failure;
mod flags;
mod go;
mod help;
mod interrupt;
mod mistake;
mod surroundings;
mod ui;
mod view;

pub use args::run;
pub use cluster::Proxies;
pub use help::reference;
pub use surroundings::Surroundings;
