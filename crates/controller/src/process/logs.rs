//! The log on standard error, in the forms of upstream's library. A field `fatal` makes an error a fatal one.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{SetGlobalDefaultError, set_global_default};
use tracing::{Event, Level, Metadata, Subscriber};

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// `time="2026-01-02T03:04:05Z" level=info msg="..." key=value`.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Writes the log of this process to standard error from now on. `now` tells the wall time.
///
/// # Errors
/// When the process has a log already.
pub(crate) fn start(
    format: Format,
    level: LevelFilter,
    now: impl Fn() -> Timestamp + Send + Sync + 'static,
) -> Result<(), SetGlobalDefaultError> {
    set_global_default(Lines { format, level, now })
}

struct Lines<N> {
    format: Format,
    level: LevelFilter,
    now: N,
}

impl<N: Fn() -> Timestamp + 'static> Subscriber for Lines<N> {
    /// What others say may hold whole objects, secrets and all.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.level && metadata.target().starts_with("tidegate")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = match *event.metadata().level() {
            _ if fields.is_fatal => "fatal",
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let time = format!("{:.0}", (self.now)());
        let line = match self.format {
            Format::Text => fields.text(&time, level),
            Format::Json => fields.json(&time, level),
        };
        // There is nowhere to tell that nothing can be told.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    is_fatal: bool,
    others: Vec<(&'static str, String)>,
}

impl Fields {
    fn text(&self, time: &str, level: &str) -> String {
        let mut line = format!("time={time:?} level={level} msg={}", quoted(&self.message));
        for (name, value) in &self.others {
            let _ = write!(line, " {name}={}", quoted(value));
        }
        line + "\n"
    }

    fn json(self, time: &str, level: &str) -> String {
        let mut members: Map<String, Value> =
            self.others.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        members.insert("time".to_owned(), time.into());
        members.insert("level".to_owned(), level.into());
        members.insert("msg".to_owned(), self.message.into());
        format!("{}\n", Value::Object(members))
    }

    fn add(&mut self, field: &Field, value: String) {
        if field.name() == "message" { self.message = value } else { self.others.push((field.name(), value)) }
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "fatal" => self.is_fatal = value,
            _ => self.add(field, value.to_string()),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }
}

/// As it is, unless it holds what would end it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._/@^+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { format!("{text:?}") }
}
