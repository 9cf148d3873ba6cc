//! Metrics for Prometheus, by upstream's names.
//!
//! Gauges about Rollouts are computed when they are asked for; counters and histograms live in `series`, in `requests`, and
//! in the queue. In reading order: `text` over `histogram` (the format), `series` (what is counted for each Rollout),
//! `rollouts` (gauges), `queue`, `requests`, `process`, `build`.

mod build;
mod histogram;
mod process;
mod queue;
mod requests;
mod rollouts;
mod series;
mod text;

pub use build::Build;
pub(crate) use queue::{Load, Times};
pub use requests::{Counting, Requests};
pub(crate) use rollouts::Summary;
pub(crate) use series::Series;
use text::{Text, Type};

use crate::store::Key;

/// A Rollout and what its gauges say.
type Row = (Key, Summary);

/// Everything that one scrape tells, as it stood at one moment. Made under a lock, written without.
pub(crate) struct Scrape<'a> {
    pub(crate) build: &'a Build,
    pub(crate) requests: &'a Requests,
    pub(crate) rows: Vec<Row>,
    pub(crate) series: Series,
    pub(crate) queue: Load,
}

impl Scrape<'_> {
    /// The text that Prometheus reads; metrics in the order of their names.
    pub(crate) fn text(&self) -> String {
        let mut text = Text::default();
        self.write_build(&mut text);
        self.requests.write(&mut text);
        process::Process::read().write(&mut text);
        self.series.write_durations(&mut text);
        self.series.write_counters(&mut text);
        rollouts::write_info(&mut text, &self.rows);
        self.series.write_pauses(&mut text);
        rollouts::write_phases(&mut text, &self.rows);
        self.series.write_progressions(&mut text);
        self.series.write_reconciles(&mut text);
        self.queue.write(&mut text);
        text.finish()
    }

    fn write_build(&self, text: &mut Text) {
        let Build { version, commit } = self.build;
        text.metric("argo_rollouts_controller_info", Type::Gauge, "The version that runs.", |samples| {
            samples.put(&[("version", version)], 1.0);
        });
        // Nothing is built with Go; dashboards that show the label get a word.
        let labels = [
            ("commit", &**commit),
            ("goarch", build::processor()),
            ("goversion", "none"),
            ("version", version),
        ];
        text.metric("build_info", Type::Gauge, "Facts about the build.", |samples| samples.put(&labels, 1.0));
    }
}
