//! `tidegate replay`: what the controller would decide on a snapshot, and why.
//!
//! In reading order: `input` (a file as a snapshot), `decision` (what is decided), `view` (both as text).

mod decision;
mod input;
mod view;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use jiff::Timestamp;
use tidegate_cli::Surroundings;
use tidegate_ops::text::paint;

use decision::Decision;

/// Show what the controller would decide on a recorded snapshot, and why
///
/// A snapshot is everything that a decision about one Rollout depends on, besides
/// the time. `rollouts-controller --record-dir DIR` saves one behind each failure.
/// Nothing is written anywhere, no cluster is asked.
///
/// Shown are: what would have to be read first; the writes in their order, with what
/// guards each; when the controller would ask again, and why; what it waits for; and
/// for a recorded failure what failed and how the controller goes on.
///
/// Exit code 0: it was decided. 2: the input is wrong, and standard error says where.
///
/// Example: tidegate replay 20260101T000012.345Z-000-shop-web.snapshot.json
/// Example: tidegate replay failed.snapshot.json --at 2026-01-01T00:10:00Z
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// A file of --record-dir, or the JSON of a snapshot; - is standard input
    #[arg(value_name = "SNAPSHOT")]
    file: PathBuf,
    /// The instant to decide at, instead of the recorded one
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<Timestamp>,
    /// Write the decision itself instead of a text about it
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Needs and plan as JSON
    Json,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write it as 2026-01-01T00:00:00Z".to_owned())
}

/// Decides, and returns the exit code.
pub(crate) fn run(
    args: &Args,
    surroundings: &Surroundings,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<u8> {
    let input = match input::read(&args.file, args.at) {
        Ok(input) => input,
        Err(problem) => {
            writeln!(err, "{problem}")?;
            return Ok(2);
        }
    };
    let decision = Decision::on(input);
    if args.output.is_some() {
        writeln!(out, "{:#}", decision.to_json())?;
        return Ok(0);
    }
    let columns = surroundings.has_screen.then(|| (surroundings.size)().width);
    for row in view::rows(&decision, columns) {
        writeln!(out, "{}", paint(&row, surroundings.color()).trim_end())?;
    }
    out.flush()?;
    Ok(0)
}
