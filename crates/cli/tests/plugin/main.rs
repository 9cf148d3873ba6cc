//! The built plugin, as users and scripts meet it: what it writes where, its exit code, and what it changes.
//!
//! Each command has transcripts under `golden/`; `TIDEGATE_ACCEPT=1` writes them anew. The API server is kubesim behind its
//! listener, in this process (`world`); servers that misbehave are plain sockets (`server`).

#![allow(clippy::unwrap_used, reason = "a test")]

mod abort;
mod completion;
mod connection;
mod get_rollout;
mod help;
mod list_rollouts;
mod pause;
mod process;
mod promote;
mod reference;
mod restart;
mod retry;
mod server;
mod set_image;
mod status;
mod transcript;
mod undo;
mod usage;
mod version;
mod watch;
mod world;
