//! Logs in the two forms that upstream writes, by which people search theirs.
//!
//! Our own subscriber: it needs no spans and no filters but one level, so it is smaller than the one it would otherwise
//! configure. Only what Tidegate's own crates say is written: a client library may print whole answers, with whatever is in
//! them. A field `fatal` makes an error a fatal one.

mod line;

use std::fmt;
use std::io::{Write, stderr};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, SetGlobalDefaultError, set_global_default};
use tracing::{Event, Level, Metadata, Subscriber};

use line::{Line, Value};

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `time="2026-01-02T03:04:05Z" level=info msg="..." key=value`.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Writes the log of this process to stderr from now on. `now` tells the wall time.
///
/// # Errors
/// When the process has a log already.
pub fn start(
    format: Format,
    level: LevelFilter,
    now: impl Fn() -> Timestamp + Send + Sync + 'static,
) -> Result<(), SetGlobalDefaultError> {
    set_global_default(subscriber(format, level, now, stderr()))
}

/// What writes a log to `out`, a line at a time.
pub fn subscriber(
    format: Format,
    level: LevelFilter,
    now: impl Fn() -> Timestamp + Send + Sync + 'static,
    out: impl Write + Send + 'static,
) -> impl Subscriber + Send + Sync {
    Log { format, level, now, out: Mutex::new(out) }
}

struct Log<N, W> {
    format: Format,
    level: LevelFilter,
    now: N,
    out: Mutex<W>,
}

impl<N, W> Subscriber for Log<N, W>
where
    N: Fn() -> Timestamp + 'static,
    W: Write + 'static,
{
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.level && metadata.target().starts_with("tidegate")
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn event(&self, event: &Event<'_>) {
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let mut line = Line::new((self.now)(), level);
        event.record(&mut Fields(&mut line));
        let text = match self.format {
            Format::Text => line.text(),
            Format::Json => line.json(),
        };
        // There is nobody to tell that the log cannot be written.
        _ = self.out.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes());
    }

    // There are no spans: none is enabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Puts the fields of an event into a line.
struct Fields<'a>(&'a mut Line);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.put(field.name(), Value::Text(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.put(field.name(), Value::Text(value.to_owned()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.put(field.name(), Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.put(field.name(), Value::Integer(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.put(field.name(), Value::Integer(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.put(field.name(), Value::Float(value));
    }
}

#[cfg(test)]
mod tests;
