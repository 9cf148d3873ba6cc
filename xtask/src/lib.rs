//! Chores of this repository, run as `cargo xtask COMMAND`.
//!
//! It knows nothing of decisions or the simulator: it reads files, asks cargo, starts programs, and prints. In reading order:
//! `command` (the command line), `chain` (tests from cheap to dear), `setup` (what tests need beyond Rust), `cluster` (a control
//! plane, for tests too), `bench` (figures), `defects` (what only simulation notices), `codegen` (files made from types), `kubernetes` (Kubernetes' types drawn from OpenAPI), `tidy` (rules
//! that the compiler does not know).
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool for people at a terminal")]

mod bench;
mod chain;
pub mod cluster;
mod codegen;
mod command;
mod defects;
mod kubernetes;
mod setup;
mod tidy;

pub use command::run;
