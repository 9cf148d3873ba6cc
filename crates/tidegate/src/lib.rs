//! The `tidegate` command as a library: it writes to handles that it is given, and reads nothing of the process by itself but the
//! files that it is told to read.
//!
//! In reading order: `args` (the command line), `demo` (the guide, played), `playground` (a cluster to play with by hand), `simulate`
//! (a user's Rollouts, played), `replay` (one decision, made again), `pods` (how they come and go) and `traffic` (who answers requests). Called by the
//! plugin's name it is the plugin, see `tidegate_cli`.

mod args;
mod demo;
mod playground;
mod pods;
mod replay;
mod simulate;
mod traffic;

pub use args::run;
pub use tidegate_cli::Surroundings;
