//! `tidegate simulate --faults`: many worlds in which the machinery around Rollouts fails, in one table; or one of them, told
//! line by line and shortened.
//!
//! In reading order: `progress` (what is told on the way), `interrupt` (Ctrl-C), `tally` (what was seen, as text).

mod interrupt;
mod progress;
mod tally;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::num::NonZero;
use std::ops::Range;
use std::sync::mpsc;
use std::time::Duration;

use tidegate_cli::Surroundings;
use tidegate_ops::text::{Piece, Row, paint};
use tidegate_sim::life::campaign::{self, Summary};
use tidegate_sim::life::{self, Broken, Played};
use tidegate_sim::scenario::Script;

use super::Args;
use super::session::{Faulted, Session};
use interrupt::Interrupt;
use progress::Progress;

/// Worlds that are played where nobody says how many.
const WORLDS: u64 = 100;
/// How often a failing script is played to shorten it.
const TRIES: usize = 600;
/// As of a process that a shell's Ctrl-C has ended.
const INTERRUPTED: u8 = 130;
/// How often the display of progress is renewed.
const GRAIN: Duration = Duration::from_millis(200);

/// Whose lives are played.
enum Plot {
    /// Those of the Rollouts that were given.
    Given(Box<Faulted>),
    /// Random Rollouts of our own.
    Random,
}

impl Plot {
    fn script(&self, seed: u64) -> Script {
        match self {
            Self::Given(given) => given.own.script(seed),
            Self::Random => life::script(seed),
        }
    }
}

/// Plays, and returns the exit code.
pub(super) fn run(
    args: &Args,
    surroundings: &Surroundings,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<u8> {
    let plot = if args.files.is_empty() {
        Plot::Random
    } else {
        let (notes, outcome) = Session::read(args).with_faults();
        write!(err, "{notes}")?;
        match outcome {
            Ok(given) => Plot::Given(Box::new(given)),
            Err(report) => {
                write!(err, "{report}")?;
                return Ok(2);
            }
        }
    };
    let paper = Paper { surroundings, plot: &plot, replay: replay_command(args) };
    match (args.seed, args.seeds) {
        (Some(seed), None) => paper.tell_one(seed, args.no_shrink, out, err),
        (first, count) => {
            let (first, count) = (first.unwrap_or(1), count.unwrap_or(WORLDS));
            let Some(end) = first.checked_add(count) else {
                writeln!(
                    err,
                    "error: --seed: there are no {count} seeds from {first} on; the last is {}",
                    u64::MAX - 1
                )?;
                return Ok(2);
            };
            let seeds = first..end;
            let jobs =
                args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get);
            paper.tell_many(seeds, jobs, out, err)
        }
    }
}

/// While it lives, panics are not printed: each is told as what it broke, and a search meets the same one again and again.
struct Quiet;

impl Quiet {
    fn begin() -> Self {
        std::panic::set_hook(Box::new(|_| {}));
        Self
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(std::panic::take_hook());
        }
    }
}

/// What plays the world of a seed again, as far as the seed itself.
fn replay_command(args: &Args) -> String {
    let mut command = "tidegate simulate".to_owned();
    let mut add = |flag: &str, value: &str| {
        // Writing to a String does not fail.
        let _ = write!(command, " {flag} {}", quoted(value));
    };
    args.files.iter().for_each(|file| add("-f", &file.display().to_string()));
    args.script.iter().for_each(|file| add("--script", &file.display().to_string()));
    args.namespace.iter().for_each(|name| add("--namespace", name));
    if args.ready_after != super::READY_AFTER {
        add("--ready-after", &format!("{}ms", args.ready_after.as_millis()));
    }
    command + " --faults --seed"
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Whoever interrupts has not seen that all worlds keep what was promised.
fn exit_code(summary: &Summary, is_cut_short: bool) -> u8 {
    match (summary.failures, is_cut_short) {
        (0, false) => 0,
        (0, true) => INTERRUPTED,
        _ => 1,
    }
}

/// Where and how it is told.
struct Paper<'a> {
    surroundings: &'a Surroundings,
    plot: &'a Plot,
    replay: String,
}

impl Paper<'_> {
    fn print(&self, rows: &[Row], out: &mut impl Write) -> io::Result<()> {
        let mut text = String::new();
        for row in rows {
            text.push_str(paint(row, self.surroundings.color()).trim_end());
            text.push('\n');
        }
        write!(out, "{text}")
    }

    fn columns(&self) -> Option<usize> {
        self.surroundings.has_screen.then(|| (self.surroundings.size)().width)
    }

    /// Plays one world, and tells it line by line.
    fn tell_one(
        &self,
        seed: u64,
        is_left_long: bool,
        out: &mut impl Write,
        err: &mut impl Write,
    ) -> io::Result<u8> {
        let played = life::play(&self.plot.script(seed));
        writeln!(out, "{}", played.script)?;
        let summary = campaign::run(seed..seed.saturating_add(1), 1, |_| played.clone(), |_, _, _| true);
        self.table(&summary, seed..seed.saturating_add(1), out)?;
        out.flush()?;
        let Some(broken) = &played.broken else { return Ok(0) };
        if !is_left_long {
            self.shorten(&played, broken, out, err)?;
        }
        Ok(1)
    }

    fn shorten(
        &self,
        played: &Played,
        broken: &Broken,
        out: &mut impl Write,
        err: &mut impl Write,
    ) -> io::Result<()> {
        writeln!(
            err,
            "looking for a shorter script that breaks the same promise; --no-shrink leaves this out"
        )?;
        err.flush()?;
        let quiet = Quiet::begin();
        let (script, broken) = life::shrink(played, broken, TRIES);
        let script = life::play(&script).script;
        drop(quiet);
        let columns = self.columns();
        let title = format!("Shortened, as a scenario; it breaks {broken}");
        let mut rows = vec![Row::new()];
        rows.extend(tally::wrapped(&title, columns, "").into_iter().map(|line| vec![Piece::bold(line)]));
        rows.push(Row::new());
        self.print(&rows, out)?;
        write!(out, "{script}")?;
        out.flush()
    }

    /// Plays many worlds, and tells what was seen in a table.
    fn tell_many(
        &self,
        seeds: Range<u64>,
        jobs: usize,
        out: &mut impl Write,
        err: &mut impl Write,
    ) -> io::Result<u8> {
        let wanted = seeds.end - seeds.start;
        let (interrupt, quiet) = (Interrupt::listen(), Quiet::begin());
        let mut progress = Progress::begin(wanted, self.surroundings.has_error_screen);
        let (news, heard) = mpsc::channel::<(u64, Option<String>)>();
        let summary = std::thread::scope(|scope| {
            let interrupt = &interrupt;
            let playing = scope.spawn(move || {
                let play = |seed| life::play(&self.plot.script(seed));
                campaign::run(seeds, jobs, play, move |seed, played, _| {
                    // Nobody listens any more only after a panic.
                    let _ = news.send((seed, played.broken.as_ref().map(ToString::to_string)));
                    !interrupt.was_asked()
                })
            });
            loop {
                match heard.recv_timeout(GRAIN) {
                    Ok((seed, broken)) => {
                        progress.count(broken.is_some());
                        if let Some(broken) = broken {
                            let replay = format!("{} {seed}", self.replay);
                            progress.tell(err, &format!("seed {seed} broke {broken}\n  replay: {replay}"));
                        }
                    }
                    Err(mpsc::RecvTimeoutError::Timeout) => {}
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                }
                progress.show(err);
            }
            match playing.join() {
                Ok(summary) => summary,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        drop(quiet);
        progress.end(err);
        let first = summary.first.unwrap_or(0);
        self.table(&summary, first..first.saturating_add(summary.lives), out)?;
        out.flush()?;
        let is_cut_short = interrupt.was_asked() && summary.lives < wanted;
        if is_cut_short {
            writeln!(err, "interrupted; the table is about the worlds that were played until then")?;
        }
        Ok(exit_code(&summary, is_cut_short))
    }

    fn table(&self, summary: &Summary, seeds: Range<u64>, out: &mut impl Write) -> io::Result<()> {
        let columns = self.columns();
        let mut rows = match self.plot {
            Plot::Given(given) => tally::of_rollouts(summary, given, columns),
            Plot::Random => tally::of_lives(summary, columns),
        };
        rows.extend(tally::of_worlds(summary, columns));
        rows.extend(tally::verdict(summary, seeds, &self.replay, columns));
        self.print(&rows, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_interrupts_has_seen_no_success() {
        let summary = |failures| Summary { lives: 3, failures, ..Summary::default() };
        assert_eq!(exit_code(&summary(0), false), 0);
        assert_eq!(exit_code(&summary(0), true), 130);
        assert_eq!([false, true].map(|is_cut_short| exit_code(&summary(1), is_cut_short)), [1, 1]);
    }

    #[test]
    fn a_command_can_be_pasted() {
        for (word, expected) in [
            ("deploy/web.yaml", "deploy/web.yaml"),
            ("my web.yaml", "'my web.yaml'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
