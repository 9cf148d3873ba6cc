//! The `tidegate` command as a library: it writes to handles that it is given, and reads nothing of the process by itself.
//!
//! In reading order: `args` (the command line), `demo` (the guide, played), `surroundings` (what the process runs in).

mod args;
mod demo;
mod surroundings;

pub use args::run;
pub use surroundings::Surroundings;
