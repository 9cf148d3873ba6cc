//! The built binary as a process, against an API server on a loopback port.

#![allow(clippy::unwrap_used)]

mod child;
mod command_line;
mod connection;
mod election;
mod probes;
mod reference;
mod start_and_stop;
mod world;
