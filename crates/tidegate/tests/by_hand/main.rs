//! What people do by hand: real kubectl, the plugin's binary and terminals, against the playground's port.
//!
//! In reading order: `playground` and `tmux` (what they work with), `guide` (the getting-started guide), `kubectl` (its own commands),
//! `terminal` (what stands on the screen).

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod guide;
mod kubectl;
mod playground;
mod terminal;
mod tmux;
