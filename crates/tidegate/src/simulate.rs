//! `tidegate simulate`: the Rollouts of a manifest in virtual time, as timelines.
//!
//! In reading order: `input` (files as objects), `check` over `schema`, `spelling`, `refusal`, `quantity` and `repair` (what is
//! wrong with them, and where), `problem` (how it is said), `play` (what happens, by a script or by itself) with `image`, `ending` (how it came out),
//! `table` and `summary` (both as text), `faults` (many worlds in which the machinery fails).

mod check;
mod ending;
mod faults;
mod image;
mod input;
mod play;
mod problem;
mod quantity;
mod refusal;
mod repair;
mod schema;
mod session;
mod spelling;
mod summary;
mod table;

use std::io::{self, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use tidegate_cli::Surroundings;
use tidegate_ops::text::{Piece, Row, paint};

pub(crate) use table::time;

use session::{Outcome, Session, Story};

/// Play a Rollout in virtual time and show what it would do
///
/// Give it the manifests that you would apply. They are applied to a cluster inside
/// this process, with the controller that ships: no cluster is needed, nothing
/// outside is touched, and a rollout of a day takes milliseconds.
///
/// Without a script the Rollout is deployed, updated to another image, promoted at
/// each pause that waits for a person, and followed until it ends.
///
/// A script is a text file with one command a line, carried out in order:
///
///   wait until Healthy
///   kubectl argo rollouts set image web web=registry.local/web:2
///   wait until Paused
///   kubectl argo rollouts abort web
///
/// The columns: TIME since the beginning; STEP of the strategy; SET and ACTUAL
/// weight of the newest version; REPLICAS ready/wanted by revision.
///
/// With --faults many worlds are played, each with other faults derived from its
/// seed: conflicts, timeouts, watches that lag or lose events, crashes of the
/// controller at any write, two controllers at once, an API server that is away,
/// wrong clocks, nodes and pods that are lost, pods that start late. Nobody edits the
/// spec. At the end nothing fails any more, what the Rollouts wait for is given, and
/// all must come to rest Healthy. One table tells what was seen; a seed that broke a
/// promise is told with the command that plays it again. With --seed alone that one
/// world is told line by line. Without -f random Rollouts of our own are played.
///
/// Exit code 0: every Rollout ended Healthy, in every world. 1: one did not, or a
/// command of the script was refused, or with --faults a promise was broken; the last
/// lines say why. 2: the input is wrong, and standard error says where. 130: Ctrl-C
/// came before all worlds were played, and those before it kept every promise.
///
/// Example: tidegate simulate -f rollout.yaml -f service.yaml
/// Example: tidegate simulate -f deploy/ --faults --seeds 1000
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Manifests: a file, a folder or - (standard input); repeatable
    #[arg(short, long = "filename", value_name = "FILE", required_unless_present = "faults")]
    files: Vec<PathBuf>,
    /// Commands to carry out instead of an update
    #[arg(long, value_name = "FILE", requires = "files")]
    script: Option<PathBuf>,
    /// Namespace of objects and commands that name none
    #[arg(short, long, value_name = "NAME", requires = "files")]
    namespace: Option<String>,
    /// How long pods take to become ready: 500ms, 40s, 2m
    #[arg(long, value_name = "TIME", default_value = "800ms", value_parser = duration, requires = "files")]
    ready_after: Duration,
    /// Pods' names and everything else that is left to chance derive from it; with --faults
    /// the one world to play, or with --seeds the first
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Play worlds in which the machinery fails
    #[arg(long)]
    faults: bool,
    /// How many worlds to play [default: 100]
    #[arg(long, value_name = "N", requires = "faults", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// How many worlds to play at the same time [default: one for each processor]
    #[arg(long, value_name = "N", requires = "faults")]
    jobs: Option<NonZero<usize>>,
    /// Do not look for a shorter script that breaks the same promise
    #[arg(long, requires = "faults")]
    no_shrink: bool,
}

/// How long pods take to become ready where nobody says otherwise.
const READY_AFTER: Duration = Duration::from_millis(800);

fn duration(text: &str) -> Result<Duration, String> {
    let time = tidegate_api::duration::parse_go_duration(text).ok();
    let time = time.and_then(|time| Duration::try_from(time).ok());
    time.ok_or_else(|| "it is no time; write 500ms, 40s or 2m".to_owned())
}

/// Plays, and returns the exit code.
pub(crate) fn run(
    args: &Args,
    surroundings: &Surroundings,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<u8> {
    if args.faults {
        return faults::run(args, surroundings, out, err);
    }
    match Session::read(args).play() {
        Outcome::Wrong { notes, report } => {
            write!(err, "{notes}{report}")?;
            Ok(2)
        }
        Outcome::Played { notes, stories, report } => {
            write!(err, "{notes}")?;
            let columns = surroundings.has_screen.then(|| (surroundings.size)().width);
            let mut text = String::new();
            for (index, story) in stories.iter().enumerate() {
                let gap = if index == 0 { vec![] } else { vec![Row::new()] };
                for row in gap.iter().chain(&rows(story, columns)) {
                    text.push_str(paint(row, surroundings.color()).trim_end());
                    text.push('\n');
                }
            }
            write!(out, "{text}")?;
            out.flush()?;
            write!(err, "{report}")?;
            let is_good = report.is_empty() && stories.iter().all(|story| story.ending.is_healthy());
            Ok(u8::from(!is_good))
        }
    }
}

fn rows(story: &Story, columns: Option<usize>) -> Vec<Row> {
    let title = vec![
        Piece::plain("Rollout "),
        Piece::bold(&story.name),
        Piece::dim(story.place.as_ref().map_or(String::new(), |place| format!("  ({place})"))),
    ];
    let entries: Vec<_> = story.entries.iter().collect();
    let mut rows = vec![title, Row::new()];
    rows.extend(table::rows(&entries, columns));
    rows.push(Row::new());
    rows.extend(summary::rows(&story.name, &story.ending, columns));
    rows
}
