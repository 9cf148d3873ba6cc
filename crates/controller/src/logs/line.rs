//! One line of the log, as logrus prints it.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use serde_json::json;
use tidegate_api::meta::Time;

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
}

/// A line under construction.
#[derive(Debug)]
pub(super) struct Line {
    time: Time,
    level: &'static str,
    message: String,
    fields: BTreeMap<&'static str, Value>,
}

impl Line {
    pub(super) fn new(now: Timestamp, level: &'static str) -> Self {
        Self { time: Time::truncated(now), level, message: String::new(), fields: BTreeMap::new() }
    }

    pub(super) fn put(&mut self, name: &'static str, value: Value) {
        match (name, value) {
            ("message", Value::Text(text)) => self.message = text,
            ("fatal", Value::Bool(is_fatal)) => self.level = if is_fatal { "fatal" } else { self.level },
            (name, value) => _ = self.fields.insert(name, value),
        }
    }

    /// `time=... level=... msg=...` and the fields by name.
    pub(super) fn text(&self) -> String {
        let mut out = format!("time=\"{}\" level={} msg=", self.time, self.level);
        quote_where_needed(&mut out, &self.message);
        for (name, value) in &self.fields {
            _ = write!(out, " {name}=");
            match value {
                Value::Text(text) => quote_where_needed(&mut out, text),
                Value::Integer(number) => _ = write!(out, "{number}"),
                Value::Float(number) => _ = write!(out, "{number}"),
                Value::Bool(flag) => _ = write!(out, "{flag}"),
            }
        }
        out.push('\n');
        out
    }

    /// A JSON object, its members by name.
    pub(super) fn json(&self) -> String {
        let mut members = BTreeMap::new();
        for (name, value) in &self.fields {
            let value = match value {
                Value::Text(text) => json!(text),
                Value::Integer(number) => json!(number),
                Value::Float(number) => json!(number),
                Value::Bool(flag) => json!(flag),
            };
            members.insert(*name, value);
        }
        members.insert("time", json!(self.time.to_string()));
        members.insert("level", json!(self.level));
        members.insert("msg", json!(self.message));
        let mut out = escape_for_html(&json!(members).to_string());
        out.push('\n');
        out
    }
}

/// A text that is not all of plain characters is put into quotes.
fn quote_where_needed(out: &mut String, text: &str) {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-._/@^+".contains(&it);
    if text.bytes().all(is_plain) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            it if it < ' ' || it == '\u{7f}' => _ = write!(out, "\\x{:02x}", u32::from(it)),
            it if is_printable(it) => out.push(it),
            it if u32::from(it) < 0x10000 => _ = write!(out, "\\u{:04x}", u32::from(it)),
            it => _ = write!(out, "\\U{:08x}", u32::from(it)),
        }
    }
    out.push('"');
}

/// Rust's own table, which also finds marks unprintable that need a character before them.
fn is_printable(character: char) -> bool {
    character == '\'' || character.escape_debug().len() == 1
}

/// Go's JSON can stand inside of HTML.
fn escape_for_html(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => _ = write!(out, "\\u{:04x}", u32::from(character)),
            it => out.push(it),
        }
    }
    out
}
