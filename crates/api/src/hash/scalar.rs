//! Strings, numbers and times as Go's `encoding/json` prints them.

use std::borrow::Cow;
use std::io::Write;

use serde_json::{Number, Value};

use super::encode::Sink;
use super::quantity;

/// A string with Go's escapes: also `<`, `>`, `&` and the two line separators, for the sake of HTML and JavaScript.
pub(crate) fn put_string(out: &mut impl Sink, text: &str) {
    let bytes = text.as_bytes();
    out.put(b"\"");
    let mut done = 0;
    for (i, byte) in bytes.iter().enumerate() {
        let (length, escape): (usize, &[u8]) = match byte {
            b'"' => (1, b"\\\""),
            b'\\' => (1, b"\\\\"),
            0x08 => (1, b"\\b"),
            0x0c => (1, b"\\f"),
            b'\n' => (1, b"\\n"),
            b'\r' => (1, b"\\r"),
            b'\t' => (1, b"\\t"),
            0..0x20 | b'<' | b'>' | b'&' => (1, &code_point(*byte)),
            0xe2 if bytes[i..].starts_with("\u{2028}".as_bytes()) => (3, b"\\u2028"),
            0xe2 if bytes[i..].starts_with("\u{2029}".as_bytes()) => (3, b"\\u2029"),
            _ => continue,
        };
        out.put(&bytes[done..i]);
        out.put(escape);
        done = i + length;
    }
    out.put(&bytes[done..]);
    out.put(b"\"");
}

fn code_point(byte: u8) -> [u8; 6] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    [b'\\', b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]
}

/// A number as Go prints what its decoder made of it: an int64, else a float64.
pub(crate) fn put_number(out: &mut impl Sink, number: &Number) {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => put_int(out, whole),
        (None, Some(float)) => out.put(go_float(float).as_bytes()),
        (None, None) => out.put(number.to_string().as_bytes()),
    }
}

/// The number as an integer, if it is one in whatever spelling (`10`, `10.0`, `1e1`).
pub(crate) fn whole(value: &Value) -> Option<i64> {
    let float = || value.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9.2e18);
    // In range, as just checked.
    value.as_i64().or_else(|| float().map(|float| float as i64))
}

pub(crate) fn put_int(out: &mut impl Sink, number: i64) {
    let mut buffer = [0; 20];
    let mut rest = &mut buffer[..];
    write!(rest, "{number}").expect("20 characters hold an i64");
    let left = rest.len();
    out.put(&buffer[..buffer.len() - left]);
}

/// The shortest digits that read back as the same float; with an exponent only when very small or large.
pub(crate) fn go_float(float: f64) -> String {
    let size = float.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return float.to_string();
    }
    let text = format!("{float:e}");
    match text.split_once("e-") {
        Some(_) => text,
        None => text.replace('e', "e+"),
    }
}

/// The text of a quantity that is given as a string or as a number, as Kubernetes prints it.
pub(crate) fn quantity_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => quantity::canonical(text.trim()),
        Value::Number(number) => {
            quantity::canonical(&number_text(number)).map(|text| Cow::Owned(text.into_owned()))
        }
        _ => None,
    }
}

/// A number as text.
pub(crate) fn number_text(number: &Number) -> String {
    let mut bytes = Vec::new();
    put_number(&mut bytes, number);
    String::from_utf8(bytes).expect("numbers are ASCII")
}

/// An RFC 3339 time in UTC and whole seconds.
pub(crate) fn time_text(text: &str) -> Option<String> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
