//! One finding about a spec, printed as Kubernetes prints field errors.

use std::fmt::Write;

use serde::Serialize;

/// One finding, shown as `<path>: <kind>: <detail>` exactly as Kubernetes' field errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct SpecError {
    text: String,
}

impl SpecError {
    /// The value at `path` is wrong: `<path>: Invalid value: <value>: <detail>`.
    #[must_use]
    pub fn invalid(path: &str, value: &(impl Serialize + ?Sized), detail: &str) -> Self {
        Self::new(path, &format!("Invalid value: {}", shown(value)), detail)
    }

    /// The value at `path` is missing: `<path>: Required value: <detail>`.
    #[must_use]
    pub fn required(path: &str, detail: &str) -> Self {
        Self::new(path, "Required value", detail)
    }

    /// The value at `path` may not be there: `<path>: Forbidden: <detail>`.
    #[must_use]
    pub fn forbidden(path: &str, detail: &str) -> Self {
        Self::new(path, "Forbidden", detail)
    }

    /// What upstream blames on itself although the spec is wrong: `<path>: Internal error: <detail>`.
    #[must_use]
    pub fn internal(path: &str, detail: &str) -> Self {
        Self::new(path, "Internal error", detail)
    }

    /// The value at `path` is none of `supported`: `<path>: Unsupported value: <value>: supported values: "a", "b"`.
    #[must_use]
    pub fn unsupported(path: &str, value: &(impl Serialize + ?Sized), supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|value| quoted(value)).collect();
        let detail = format!("supported values: {}", supported.join(", "));
        Self::new(path, &format!("Unsupported value: {}", shown(value)), &detail)
    }

    /// A text that is shown as it is.
    #[must_use]
    pub fn raw(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    fn new(path: &str, kind: &str, detail: &str) -> Self {
        let colon = if detail.is_empty() { "" } else { ": " };
        Self { text: format!("{path}: {kind}{colon}{detail}") }
    }
}

/// A value as Go shows it in a field error: texts quoted, everything else as compact JSON, which Go makes safe for HTML.
///
/// The value is not turned into a [`serde_json::Value`] on the way, for that would sort the members.
fn shown(value: &(impl Serialize + ?Sized)) -> String {
    let json = serde_json::to_string(value).expect("the API's types have text keys only");
    match serde_json::from_str::<String>(&json) {
        Ok(text) => quoted(&text),
        Err(_) => json.replace('<', r"\u003c").replace('>', r"\u003e").replace('&', r"\u0026"),
    }
}

/// A text as Go's `%q` writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\x07' => quoted.push_str(r"\a"),
            '\x08' => quoted.push_str(r"\b"),
            '\x0c' => quoted.push_str(r"\f"),
            '\n' => quoted.push_str(r"\n"),
            '\r' => quoted.push_str(r"\r"),
            '\t' => quoted.push_str(r"\t"),
            '\x0b' => quoted.push_str(r"\v"),
            c if c.is_ascii_control() => {
                write!(quoted, r"\x{:02x}", u32::from(c)).expect("a String takes all");
            }
            ' ' => quoted.push(c),
            c if c.is_control() || c.is_whitespace() => {
                write!(quoted, r"\u{:04x}", u32::from(c)).expect("a String takes all");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(value: &(impl Serialize + ?Sized), expected: &str) {
        assert_eq!(
            SpecError::invalid("a.b", value, "no").to_string(),
            format!("a.b: Invalid value: {expected}: no")
        );
    }

    #[test]
    fn values_are_shown_as_go_shows_them() {
        check("", r#""""#);
        check("say \"hi\"\\", r#""say \"hi\"\\""#);
        check("\u{7}\u{8}\u{c}\n\r\t\u{b}\u{1}\u{7f}", r#""\a\b\f\n\r\t\v\x01\x7f""#);
        check("h\u{e9}<&\u{a0}\u{2028}", r#""hé<&\u00a0\u2028""#);
        check(&-3, "-3");
        check(&true, "true");
        check(&None::<i32>, "null");
        check(&Value::Null, "null");
        check(&json!({"a": ["<x>&", 1]}), r#"{"a":["\u003cx\u003e\u0026",1]}"#);
    }

    #[test]
    fn a_struct_keeps_the_order_of_its_members() {
        #[derive(Serialize)]
        struct Pair {
            second: i32,
            first: i32,
        }
        check(&Pair { second: 2, first: 1 }, r#"{"second":2,"first":1}"#);
    }

    #[test]
    fn kinds_have_kubernetes_words() {
        let show = |error: SpecError| error.to_string();
        assert_eq!(show(SpecError::required("a", "b")), "a: Required value: b");
        assert_eq!(show(SpecError::required("a", "")), "a: Required value");
        assert_eq!(show(SpecError::forbidden("a", "b")), "a: Forbidden: b");
        assert_eq!(show(SpecError::internal("a", "b")), "a: Internal error: b");
        assert_eq!(
            show(SpecError::unsupported("a", "x", &["b", "c"])),
            r#"a: Unsupported value: "x": supported values: "b", "c""#
        );
        assert_eq!(show(SpecError::raw("as it is")), "as it is");
    }
}
