//! The `tidegate` command as a library: it writes to handles that it is given, and reads nothing of the process by itself but the
//! files that it is told to read.
//!
//! In reading order: `args` (the command line), `demo` (the guide, played), `playground` (a cluster to play with by hand), `simulate`
//! (a user's Rollouts, played), `pods` (how they come and go), `traffic` (who answers requests), `text` (rows of styled pieces, cut to
//! a width), `screen` (rows drawn in place), `surroundings` (what the process runs in).

mod args;
mod demo;
mod playground;
mod pods;
mod screen;
mod simulate;
mod surroundings;
mod text;
mod traffic;

pub use args::run;
pub use surroundings::Surroundings;
