//! Bodies in Kubernetes' protobuf, which Go clients (kubectl's `create` among them) send of built-in types.
//!
//! `data/wire.json.gz` has the members of each message by number: `NAME KIND`, as `xtask/hash-table` explains it. What comes out is
//! what Go would have written in JSON. Answers are never written in protobuf.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::types;

/// What every message begins with.
const MAGIC: &[u8] = b"k8s\0";
/// Messages nested deeper than this are refused.
const DEEPEST: usize = 64;
const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";

static MESSAGES: LazyLock<BTreeMap<String, Message>> = LazyLock::new(|| {
    let mut text = String::new();
    let packed: &[u8] = include_bytes!("data/wire.json.gz");
    GzDecoder::new(packed).read_to_string(&mut text).expect("the committed data are a gzip file");
    let messages: BTreeMap<String, BTreeMap<u64, String>> =
        serde_json::from_str(&text).expect("the committed data have the form that is documented");
    messages.into_iter().map(|(name, members)| (name, message(members))).collect()
});

/// The members of a message by number.
type Message = BTreeMap<u64, Member>;

struct Member {
    /// The member's name in JSON; `.` for a message whose members are its holder's.
    name: String,
    kind: Kind,
    keeps_zero: bool,
}

enum Kind {
    String,
    Bool,
    Int,
    Bytes,
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    Raw,
    List(Box<Kind>),
    Map(Box<Kind>),
    Message(String),
}

fn message(members: BTreeMap<u64, String>) -> Message {
    let member = |text: String| {
        let (name, kind) = text.split_once(' ').unwrap_or((&text, "string"));
        let (kind, keeps_zero) = kind.strip_suffix('!').map_or((kind, false), |kind| (kind, true));
        Member { name: name.to_owned(), kind: Kind::parse(kind), keeps_zero }
    };
    members.into_iter().map(|(number, text)| (number, member(text))).collect()
}

impl Kind {
    fn parse(text: &str) -> Self {
        if let Some(inner) = text.strip_prefix("[]") {
            return Self::List(Box::new(Self::parse(inner)));
        }
        if let Some(inner) = text.strip_prefix("{}") {
            return Self::Map(Box::new(Self::parse(inner)));
        }
        match text {
            "string" => Self::String,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "bytes" => Self::Bytes,
            "quantity" => Self::Quantity,
            "int-or-string" => Self::IntOrString,
            "time" => Self::Time,
            "micro-time" => Self::MicroTime,
            "raw" => Self::Raw,
            name => Self::Message(name.to_owned()),
        }
    }
}

/// Why a body cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    #[error("the body is no Kubernetes protobuf")]
    Broken,
    #[error("no message is known of {kind} in version {version}")]
    Unknown { version: String, kind: String },
}

/// The object in a body, as JSON.
pub(crate) fn decode(body: &[u8]) -> Result<Value, WireError> {
    let mut envelope = Reader(body.strip_prefix(MAGIC).ok_or(WireError::Broken)?);
    let (mut version, mut kind, mut raw): (String, String, &[u8]) = Default::default();
    while let Some((number, wire)) = envelope.next()? {
        match (number, wire) {
            (1, Wire::Bytes(bytes)) => {
                let mut meta = Reader(bytes);
                while let Some((number, wire)) = meta.next()? {
                    match number {
                        1 => version = wire.text()?,
                        2 => kind = wire.text()?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let mut object = members(raw, message_of(&version, &kind)?, 0)?;
    object.insert("apiVersion".to_owned(), version.into());
    object.insert("kind".to_owned(), kind.into());
    Ok(Value::Object(object))
}

fn message_of(version: &str, kind: &str) -> Result<&'static Message, WireError> {
    let (group, bare) = version.split_once('/').unwrap_or(("", version));
    // Options have the version of what they are about.
    let name =
        if kind == "DeleteOptions" { Some(DELETE_OPTIONS) } else { types::schema_of(group, bare, kind) };
    let message = name.and_then(|name| MESSAGES.get(name));
    message.ok_or_else(|| WireError::Unknown { version: version.to_owned(), kind: kind.to_owned() })
}

/// The members that a message has in JSON.
fn members(bytes: &[u8], message: &Message, depth: usize) -> Result<Map<String, Value>, WireError> {
    if depth > DEEPEST {
        return Err(WireError::Broken);
    }
    let mut found = Map::new();
    let mut reader = Reader(bytes);
    while let Some((number, wire)) = reader.next()? {
        let Some(member) = message.get(&number) else { continue };
        match &member.kind {
            Kind::Message(name) if member.name == "." => {
                let inner = MESSAGES.get(name).ok_or(WireError::Broken)?;
                found.extend(members(wire.bytes()?, inner, depth + 1)?);
            }
            Kind::List(inner) => {
                let items = found.entry(&member.name).or_insert(Value::Array(Vec::new()));
                if let Value::Array(items) = items {
                    items.push(value(&wire, inner, depth)?);
                }
            }
            Kind::Map(inner) => {
                let (key, entry) = entry(wire.bytes()?, inner, depth)?;
                crate::json::fields(found.entry(&member.name).or_insert(Value::Null)).insert(key, entry);
            }
            kind => {
                let value = value(&wire, kind, depth)?;
                let is_plain = matches!(kind, Kind::String | Kind::Bool | Kind::Int | Kind::Bytes);
                let is_left_out = is_plain && !member.keeps_zero && is_zero(&value);
                if !value.is_null() && !is_left_out {
                    found.insert(member.name.clone(), value);
                }
            }
        }
    }
    Ok(found)
}

fn is_zero(value: &Value) -> bool {
    matches!(value.as_str(), Some("")) || value == &json!(0) || value == &json!(false)
}

fn entry(bytes: &[u8], kind: &Kind, depth: usize) -> Result<(String, Value), WireError> {
    let mut key = String::new();
    let mut found = match kind {
        Kind::String | Kind::Bytes => "".into(),
        _ => Value::Null,
    };
    let mut reader = Reader(bytes);
    while let Some((number, wire)) = reader.next()? {
        match number {
            1 => key = wire.text()?,
            2 => found = value(&wire, kind, depth)?,
            _ => {}
        }
    }
    Ok((key, found))
}

fn value(wire: &Wire<'_>, kind: &Kind, depth: usize) -> Result<Value, WireError> {
    Ok(match kind {
        Kind::String => wire.text()?.into(),
        Kind::Bool => (wire.number()? != 0).into(),
        Kind::Int => wire.number()?.into(),
        Kind::Bytes => STANDARD.encode(wire.bytes()?).into(),
        Kind::Quantity => wire.member(1)?.map_or(Ok(json!("0")), |wire| wire.text().map(Value::from))?,
        Kind::IntOrString => {
            let is_text = wire.member(1)?.map_or(Ok(0), |wire| wire.number())? == 1;
            match wire.member(if is_text { 3 } else { 2 })? {
                Some(wire) if is_text => wire.text()?.into(),
                Some(wire) => wire.number()?.into(),
                None => json!(0),
            }
        }
        Kind::Time | Kind::MicroTime => time(wire, matches!(kind, Kind::MicroTime))?,
        Kind::Raw => match wire.member(1)? {
            Some(wire) => serde_json::from_slice(wire.bytes()?).map_err(|_| WireError::Broken)?,
            None => Value::Null,
        },
        Kind::Message(name) => {
            let message = MESSAGES.get(name).ok_or(WireError::Broken)?;
            members(wire.bytes()?, message, depth + 1)?.into()
        }
        Kind::List(_) | Kind::Map(_) => return Err(WireError::Broken),
    })
}

/// A time as JSON writes it; null for none.
fn time(wire: &Wire<'_>, micro: bool) -> Result<Value, WireError> {
    if wire.bytes()?.is_empty() {
        return Ok(Value::Null);
    }
    let number = |place| wire.member(place)?.map_or(Ok(0), |wire: Wire<'_>| wire.number());
    let time = Timestamp::from_second(number(1)?).map_err(|_| WireError::Broken)?;
    if !micro {
        return Ok(time.to_string().into());
    }
    let text = time.to_string();
    Ok(format!("{}.{:06}Z", text.trim_end_matches('Z'), number(2)? / 1000).into())
}

/// A message that is being read.
struct Reader<'a>(&'a [u8]);

/// One member of a message, as it travels.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Reader<'a> {
    /// The next member and its number; nothing at the end.
    fn next(&mut self) -> Result<Option<(u64, Wire<'a>)>, WireError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Number(self.varint()?),
            1 => Wire::Bytes(self.take(8)?),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| WireError::Broken)?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Bytes(self.take(4)?),
            _ => return Err(WireError::Broken),
        };
        Ok(Some((tag >> 3, wire)))
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0;
        for place in 0..10 {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(WireError::Broken)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(WireError::Broken)?;
        self.0 = rest;
        Ok(taken)
    }
}

impl<'a> Wire<'a> {
    fn bytes(&self) -> Result<&'a [u8], WireError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) => Err(WireError::Broken),
        }
    }

    fn text(&self) -> Result<String, WireError> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| WireError::Broken)
    }

    fn number(&self) -> Result<i64, WireError> {
        match self {
            // Negative numbers travel as their two's complement.
            Self::Number(number) => Ok(number.cast_signed()),
            Self::Bytes(_) => Err(WireError::Broken),
        }
    }

    /// The last member with this number of the message that this is.
    fn member(&self, wanted: u64) -> Result<Option<Wire<'a>>, WireError> {
        let mut reader = Reader(self.bytes()?);
        let mut found = None;
        while let Some((number, wire)) = reader.next()? {
            if number == wanted {
                found = Some(wire);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without lists that are null or empty: Go writes some in JSON, and protobuf has no word for them.
    fn without_empty_lists(value: Value) -> Value {
        match value {
            Value::Object(members) => members
                .into_iter()
                .filter(|(_, value)| !value.is_null() && value != &json!([]))
                .map(|(key, value)| (key, without_empty_lists(value)))
                .collect(),
            Value::Array(items) => items.into_iter().map(without_empty_lists).collect(),
            other => other,
        }
    }

    #[test]
    fn objects_are_what_gos_encoders_both_say() {
        let packed: &[u8] = include_bytes!("../tests/server/data/wire_samples.jsonl.gz");
        let mut text = String::new();
        GzDecoder::new(packed).read_to_string(&mut text).unwrap();
        assert!(text.lines().count() > 100);
        for line in text.lines() {
            let sample: Value = serde_json::from_str(line).unwrap();
            let wire = STANDARD.decode(sample["wire"].as_str().unwrap()).unwrap();
            let decoded = without_empty_lists(decode(&wire).unwrap());
            assert_eq!(decoded, without_empty_lists(sample["json"].clone()));
        }
    }

    #[test]
    fn every_message_that_is_named_is_known() {
        fn named(kind: &Kind) -> Option<&String> {
            match kind {
                Kind::Message(name) => Some(name),
                Kind::List(inner) | Kind::Map(inner) => named(inner),
                _ => None,
            }
        }
        let members = MESSAGES.values().flat_map(BTreeMap::values);
        let missing: Vec<&String> = members
            .filter_map(|member| named(&member.kind))
            .filter(|name| !MESSAGES.contains_key(*name))
            .collect();
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn what_is_broken_is_refused() {
        let packed: &[u8] = include_bytes!("../tests/server/data/wire_samples.jsonl.gz");
        let mut text = String::new();
        GzDecoder::new(packed).read_to_string(&mut text).unwrap();
        let sample: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        let wire = STANDARD.decode(sample["wire"].as_str().unwrap()).unwrap();
        assert_eq!(decode(b"{}"), Err(WireError::Broken));
        assert_eq!(decode(&wire[..wire.len() - 9]), Err(WireError::Broken));
        let crd = b"k8s\0\x0a\x09\x0a\x02v9\x12\x03Foo";
        assert_eq!(decode(crd), Err(WireError::Unknown { version: "v9".to_owned(), kind: "Foo".to_owned() }));
        // No body makes it panic.
        for end in 0..wire.len() {
            let mut cut = wire.clone();
            cut[end] ^= 0xff;
            let _ = decode(&cut);
            let _ = decode(&wire[..end]);
        }
    }
}
