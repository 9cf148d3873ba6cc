//! JSON bodies, and members that stand in them more than once.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What becomes of members that a type does not have, or that are given twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Directive {
    /// They are dropped in silence.
    #[default]
    Ignore,
    /// They are dropped, and the person is told.
    Warn,
    /// The request is refused.
    Strict,
}

/// How strictly a request's body is read, and what is known of it already.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strictness {
    pub(crate) directive: Directive,
    /// Members of the body that are given twice.
    pub(crate) duplicates: Vec<String>,
    /// Whether those are members of the operations of a JSON patch.
    pub(crate) is_json_patch: bool,
    /// A strategic merge patch as refusals show it; of other patches they show the patched object.
    pub(crate) patch: String,
}

impl Strictness {
    /// What there is to complain of, with the members that the type does not have.
    pub(crate) fn complaints(&self, unknown: &[String]) -> Vec<String> {
        if self.directive == Directive::Ignore {
            return Vec::new();
        }
        let source = if self.is_json_patch { "json patch " } else { "" };
        let duplicates = self.duplicates.iter().map(|path| format!("{source}duplicate field \"{path}\""));
        duplicates.chain(unknown.iter().map(|path| format!("unknown field \"{path}\""))).collect()
    }
}

/// A parsed body.
#[derive(Debug, PartialEq)]
pub(crate) struct Parsed {
    /// Of members that are given twice, the last one counts.
    pub(crate) value: Value,
    /// The paths of members that are given more than once: `spec.replicas`.
    pub(crate) duplicates: Vec<String>,
}

/// Reads a body.
pub(crate) fn parse(body: &[u8]) -> Result<Parsed, serde_json::Error> {
    let mut duplicates = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = seed(&mut duplicates).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(Parsed { value, duplicates })
}

/// Reads a value from any format; the paths of members that are given more than once go to `duplicates`.
pub(crate) fn seed<'de>(duplicates: &mut Vec<String>) -> impl DeserializeSeed<'de, Value = Value> {
    Node { path: &Path::Root, duplicates }
}

/// Where a value stands; written out only when there is something to tell of it.
enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(Self::Root, name) => formatter.write_str(name),
            Self::Member(parent, name) => write!(formatter, "{parent}.{name}"),
            Self::Item(parent, index) => write!(formatter, "{parent}[{index}]"),
        }
    }
}

struct Node<'a> {
    path: &'a Path<'a>,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut found = Vec::new();
        loop {
            let path = Path::Item(self.path, found.len());
            match items.next_element_seed(Node { path: &path, duplicates: self.duplicates })? {
                Some(item) => found.push(item),
                None => return Ok(Value::Array(found)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut found = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let path = Path::Member(self.path, &key);
            if found.contains_key(&key) && !self.duplicates.contains(&path.to_string()) {
                self.duplicates.push(path.to_string());
            }
            let value = members.next_value_seed(Node { path: &path, duplicates: self.duplicates })?;
            found.insert(key, value);
        }
        Ok(Value::Object(found))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_are_read_as_serde_reads_them() {
        let text = r#"{"a": [1, -2, 2.5, true, null, "x", {"b": {}}], "c": 18446744073709551615}"#;
        let parsed = parse(text.as_bytes()).unwrap();
        assert_eq!(parsed, Parsed { value: serde_json::from_str(text).unwrap(), duplicates: Vec::new() });
        for text in ["", "{", "{} x", r#"{"a" 1}"#] {
            parse(text.as_bytes()).unwrap_err();
        }
    }

    #[test]
    fn what_is_given_twice_is_told_once() {
        let text = r#"{"spec": {"a": 1, "list": [{"b": 1}, {"b": 2, "b": 3, "b": 4}], "a": 2}}"#;
        let parsed = parse(text.as_bytes()).unwrap();
        assert_eq!(parsed.value, json!({"spec": {"a": 2, "list": [{"b": 1}, {"b": 4}]}}));
        assert_eq!(parsed.duplicates, ["spec.list[1].b", "spec.a"]);
    }
}
