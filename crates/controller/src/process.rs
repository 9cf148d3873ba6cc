//! The controller as a program: it writes to handles that it is given and to the log, and reads nothing of the host by itself.
//!
//! In reading order: `flags` and `unhonoured` (the command line), `mistake` and `help` (one that is not understood, and how
//! it should be), `surroundings` (what the process runs in), `settings` (what both come to), `connection` (which API server,
//! as whom), `lifecycle` (from start to exit), `signals`, `listen` and `health` (what probes and Prometheus are told), `records` (failures as files).
//!
//! One thread does everything. Decisions take microseconds, so a second one would wait most of the time; it would cost memory,
//! ship something else than what is simulated, and renew the lease of a process whose work is stuck.

mod connection;
mod flags;
mod health;
mod help;
mod lifecycle;
mod listen;
mod mistake;
mod records;
mod settings;
mod signals;
mod surroundings;
mod unhonoured;

use std::ffi::OsString;
use std::io::Write;

use tracing::level_filters::LevelFilter;

pub use help::reference;
pub use surroundings::Surroundings;

use crate::clock::Clock;
use crate::logs;
use flags::{Flags, Parsed};

/// The name of the binary, and of the program in the API server's records.
const NAME: &str = "rollouts-controller";
/// Something went wrong.
const FAILED: u8 = 1;

/// Runs the program, its name first among the words, and returns the exit code: 0 stopped as asked, 1 failed, or lost the
/// lease, or was told twice to stop.
pub fn run(
    words: impl IntoIterator<Item = OsString>,
    surroundings: &Surroundings,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let (flags, warnings) = match Flags::parse(words) {
        Ok(Parsed::Run { flags, warnings }) if !flags.version => (flags, warnings),
        Ok(Parsed::Run { .. }) => return write(out, &format!("{}\n", version())),
        Ok(Parsed::Help) => return write(out, &help::text()),
        Err(text) => {
            write(err, &format!("Error: {text}\n"));
            return FAILED;
        }
    };
    let clock = Clock::starting_at(surroundings.now);
    let level = settings::log_level(&flags.loglevel);
    let format = if flags.logformat == "json" { logs::Format::Json } else { logs::Format::Text };
    // An error means that whoever calls has a log already.
    let _ = logs::start(format, *level.as_ref().unwrap_or(&LevelFilter::INFO), move || clock.now());
    if !["", "text", "json"].contains(&flags.logformat.as_str()) {
        tracing::warn!("Unknown format: {}. Using text logformat", flags.logformat);
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let outcome =
        level.and_then(|_| settings::check(&flags)).and_then(|()| block_on(&flags, surroundings, clock));
    outcome.unwrap_or_else(|text| {
        tracing::error!(fatal = true, "{text}");
        FAILED
    })
}

fn block_on(flags: &Flags, surroundings: &Surroundings, clock: Clock) -> Result<u8, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the system gives no event queue: {error}"))?;
    let outcome = runtime.block_on(lifecycle::run(flags, surroundings, clock));
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    outcome
}

fn write(to: &mut dyn Write, text: &str) -> u8 {
    to.write_all(text.as_bytes()).map_or(FAILED, |()| 0)
}

/// The commit that the builder of an image names in `TIDEGATE_COMMIT`. (Asking git would build the crate anew after every
/// commit.)
const COMMIT: Option<&str> = option_env!("TIDEGATE_COMMIT");

/// `v0.1.0+abc1234`.
fn version() -> String {
    let commit = COMMIT.unwrap_or("unknown");
    format!("v{}+{}", env!("CARGO_PKG_VERSION"), commit.get(..7).unwrap_or(commit))
}
