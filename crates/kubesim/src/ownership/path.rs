//! The steps of a path to a field, as `fieldsV1` and conflicts write them.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Map, Value};

/// One step from a value to a value inside it.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// The member of an object.
    Field(String),
    /// The element of a list whose members have these values; in order of the members' names.
    Key(Vec<(String, Value)>),
    /// The element of a set.
    Value(Value),
    /// The element at a position; only messages speak of those.
    Index(usize),
}

impl Step {
    pub(crate) fn field(name: &str) -> Self {
        Self::Field(name.to_owned())
    }

    /// Reads a key of `fieldsV1`; `Ok(None)` for kinds of steps that are not known.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, ()> {
        let (kind, rest) = text.split_once(':').filter(|(kind, _)| kind.len() == 1).ok_or(())?;
        let value = || serde_json::from_str::<Value>(rest).map_err(drop);
        Ok(Some(match kind {
            "f" => Self::field(rest),
            "v" => Self::Value(value()?),
            "k" => match value()? {
                Value::Object(members) => Self::Key(members.into_iter().collect()),
                _ => return Err(()),
            },
            "i" => Self::Index(rest.parse().map_err(drop)?),
            _ => return Ok(None),
        }))
    }

    /// The key of `fieldsV1`.
    pub(crate) fn encode(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(members) => {
                let members: Map<String, Value> = members.iter().cloned().collect();
                format!("k:{}", escaped(&Value::Object(members)))
            }
            Self::Value(value) => format!("v:{}", escaped(value)),
            Self::Index(index) => format!("i:{index}"),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

/// JSON as Go writes it, with what HTML would trip over escaped.
fn escaped(value: &Value) -> String {
    let mut text = String::new();
    for character in value.to_string().chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => text.push(other),
        }
    }
    text
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(formatter, ".{name}"),
            Self::Key(members) => {
                let members: Vec<String> =
                    members.iter().map(|(name, value)| format!("{name}={}", go_text(value))).collect();
                write!(formatter, "[{}]", members.join(","))
            }
            Self::Value(value) => write!(formatter, "[={}]", go_text(value)),
            Self::Index(index) => write!(formatter, "[{index}]"),
        }
    }
}

/// A value as paths show it.
fn go_text(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(go_text).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{name}={}", go_text(value)));
            members.collect::<Vec<_>>().concat()
        }
        other => other.to_string(),
    }
}

/// A path as messages show it: `.spec.containers[name="a"].image`.
pub(crate) fn shown(path: &[Step]) -> String {
    path.iter().map(Step::to_string).collect()
}

impl Ord for Step {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(one), Self::Field(two)) => one.cmp(two),
            (Self::Key(one), Self::Key(two)) => {
                let [one, two] = [one, two].map(|key| key.iter().map(|(name, value)| (name, value)));
                compare_members(one, two)
            }
            (Self::Value(one), Self::Value(two)) => compare_values(one, two),
            (Self::Index(one), Self::Index(two)) => one.cmp(two),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Step {}

/// By name and value, one after the other; of two that begin alike the shorter first.
fn compare_members<'a>(
    mut one: impl ExactSizeIterator<Item = (&'a String, &'a Value)>,
    mut two: impl ExactSizeIterator<Item = (&'a String, &'a Value)>,
) -> Ordering {
    let sizes = one.len().cmp(&two.len());
    let pairs = one.by_ref().zip(two.by_ref());
    pairs
        .map(|((name, value), (other, against))| name.cmp(other).then_with(|| compare_values(value, against)))
        .find(|order| order.is_ne())
        .unwrap_or(sizes)
}

/// The order of values: numbers by value, then texts, booleans, lists, objects and null.
fn compare_values(one: &Value, two: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    };
    match (one, two) {
        (Value::Number(one), Value::Number(two)) => match (one.as_i64(), two.as_i64()) {
            (Some(one), Some(two)) => one.cmp(&two),
            _ => one.as_f64().unwrap_or(0.0).total_cmp(&two.as_f64().unwrap_or(0.0)),
        },
        (Value::String(one), Value::String(two)) => one.cmp(two),
        (Value::Bool(one), Value::Bool(two)) => one.cmp(two),
        (Value::Array(one), Value::Array(two)) => {
            let pairs = one.iter().zip(two).map(|(one, two)| compare_values(one, two));
            pairs.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| one.len().cmp(&two.len()))
        }
        (Value::Object(one), Value::Object(two)) => compare_members(one.iter(), two.iter()),
        _ => rank(one).cmp(&rank(two)),
    }
}

/// Whether two values are the same; `1` and `1.0` are.
pub(crate) fn is_same(one: &Value, two: &Value) -> bool {
    compare_values(one, two).is_eq()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_are_written_and_read() {
        for (step, text, shown) in [
            (Step::field("a.b/c"), "f:a.b/c", ".a.b/c"),
            (
                Step::Key(vec![
                    ("containerPort".to_owned(), json!(80)),
                    ("protocol".to_owned(), json!("TCP")),
                ]),
                r#"k:{"containerPort":80,"protocol":"TCP"}"#,
                r#"[containerPort=80,protocol="TCP"]"#,
            ),
            (Step::Value(json!("a<b")), r#"v:"a\u003cb""#, r#"[="a<b"]"#),
            (Step::Index(3), "i:3", "[3]"),
        ] {
            assert_eq!(step.encode(), text);
            assert_eq!(step.to_string(), shown);
            assert_eq!(Step::parse(text), Ok(Some(step)));
        }
        assert_eq!(Step::parse("x:1"), Ok(None));
        for text in ["", "f", "k:1", "v:{", "i:x", "ff:a"] {
            assert_eq!(Step::parse(text), Err(()), "{text}");
        }
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let port = |number: i64| Step::Key(vec![("port".to_owned(), json!(number))]);
        assert!(port(80) < port(443));
        assert!(Step::field("z") < port(1));
        assert_eq!(Step::Value(json!(1)), Step::Value(json!(1.0)));
    }
}
