//! Bringing a value into the shape of its type, as Go's decoder does.

use std::fmt::Write as _;

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError as Base64Error, Engine};
use serde_json::Value;

use super::{Type, TypeId};
use crate::quantity;

/// Why a body is not of its type, as Go's decoder says it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("json: cannot unmarshal {found} into Go struct field {holder}.{path} of type {wanted}")]
    Type { found: String, holder: String, path: String, wanted: String },
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Quantity,
    #[error("parsing time \"{0}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{0}\" as \"2006\"")]
    Time(String),
    #[error("parsing time \"{0}\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"{0}\" as \"2006\"")]
    MicroTime(String),
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
}

/// The paths of members that no type knows: `spec.template.spec.containers[0].foo`.
pub(crate) type Unknown = Vec<String>;

/// Brings `value` into the shape of a struct: members of the wrong type fail, empty ones are dropped, unknown ones too, and told of.
pub(crate) fn decode(value: &mut Value, ty: TypeId) -> Result<Unknown, DecodeError> {
    decode_at(value, ty, &[])
}

/// Why metadata are no object.
pub(crate) fn no_metadata(found: &Value, kind: &str) -> DecodeError {
    DecodeError::Type {
        found: go_value(found),
        holder: kind.to_owned(),
        path: "metadata".to_owned(),
        wanted: "v1.ObjectMeta".to_owned(),
    }
}

/// As [`decode`], of a struct that is found below `path`.
pub(crate) fn decode_at(value: &mut Value, ty: TypeId, path: &[&str]) -> Result<Unknown, DecodeError> {
    let path = path.iter().map(|&name| Segment::Field(name.to_owned())).collect();
    let mut decoder = Decoder { path, unknown: Vec::new() };
    decoder.decode_struct(value, ty)?;
    Ok(decoder.unknown)
}

enum Segment {
    Field(String),
    Index(usize),
}

struct Decoder {
    path: Vec<Segment>,
    unknown: Unknown,
}

impl Decoder {
    fn decode_struct(&mut self, value: &mut Value, ty: TypeId) -> Result<(), DecodeError> {
        let Value::Object(object) = value else { return Ok(()) };
        let fields = ty.fields();
        for key in object.keys().filter(|key| !fields.contains_key(*key)) {
            let mut path = self.exact_path();
            if !path.is_empty() {
                path.push('.');
            }
            self.unknown.push(path + key);
        }
        object.retain(|key, value| fields.contains_key(key) && !value.is_null());
        let mut emptied = Vec::new();
        for (key, value) in object.iter_mut() {
            let field = &fields[key];
            self.path.push(Segment::Field(key.clone()));
            self.decode_value(value, &field.ty, ty)?;
            self.path.pop();
            let is_empty = match value {
                Value::Array(items) => items.is_empty(),
                Value::Object(entries) => entries.is_empty() && matches!(field.ty, Type::Map(_)),
                _ => false,
            };
            if is_empty {
                emptied.push(key.clone());
            }
        }
        emptied.iter().for_each(|key| drop(object.remove(key)));
        Ok(())
    }

    fn decode_value(&mut self, value: &mut Value, ty: &Type, holder: TypeId) -> Result<(), DecodeError> {
        if !fits(value, ty) {
            return Err(DecodeError::Type {
                found: go_value(value),
                holder: holder.short_name().to_owned(),
                path: self.go_path(),
                wanted: go_type(ty),
            });
        }
        match (ty, value) {
            (Type::Quantity, value) => decode_quantity(value),
            (Type::Bytes, Value::String(text)) => decode_bytes(text),
            (Type::Time, Value::String(text)) => decode_time(text),
            (Type::MicroTime, Value::String(text)) => decode_micro_time(text),
            (Type::List(inner), Value::Array(items)) => {
                for (index, item) in items.iter_mut().enumerate() {
                    if item.is_null() {
                        *item = zero(inner);
                    }
                    self.path.push(Segment::Index(index));
                    self.decode_value(item, inner, holder)?;
                    self.path.pop();
                }
                Ok(())
            }
            (Type::Map(inner), Value::Object(entries)) => entries.values_mut().try_for_each(|entry| {
                if entry.is_null() {
                    *entry = zero(inner);
                }
                self.decode_value(entry, inner, holder)
            }),
            (Type::Struct(ty), value) => self.decode_struct(value, *ty),
            _ => Ok(()),
        }
    }

    /// The path as Go's decoder tells it: without positions in lists.
    fn go_path(&self) -> String {
        let names = self.path.iter().filter_map(|segment| match segment {
            Segment::Field(name) => Some(name.as_str()),
            Segment::Index(_) => None,
        });
        names.collect::<Vec<_>>().join(".")
    }

    fn exact_path(&self) -> String {
        let mut path = String::new();
        for segment in &self.path {
            match segment {
                Segment::Field(name) if path.is_empty() => path.push_str(name),
                Segment::Field(name) => {
                    path.push('.');
                    path.push_str(name);
                }
                Segment::Index(index) => drop(write!(path, "[{index}]")),
            }
        }
        path
    }
}

/// What Go makes of a null in a list or a map.
fn zero(ty: &Type) -> Value {
    match ty {
        Type::String | Type::Bytes => "".into(),
        Type::Bool => false.into(),
        Type::Float | Type::Int(_) | Type::IntOrString => 0.into(),
        Type::Quantity => "0".into(),
        Type::Struct(_) => Value::Object(serde_json::Map::new()),
        Type::Time | Type::MicroTime | Type::Any | Type::List(_) | Type::Map(_) => Value::Null,
    }
}

fn fits(value: &Value, ty: &Type) -> bool {
    match ty {
        Type::Any => true,
        Type::String | Type::Bytes => value.is_string(),
        // What Go writes as null it reads as null.
        Type::Time | Type::MicroTime => value.is_string() || value.is_null(),
        Type::Bool => value.is_boolean(),
        Type::Float => value.is_number(),
        Type::Int(32) => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Type::Int(_) => value.is_i64(),
        Type::IntOrString => value.is_string() || fits(value, &Type::Int(32)),
        Type::Quantity => value.is_string() || value.is_number(),
        Type::List(_) => value.is_array(),
        Type::Map(_) | Type::Struct(_) => value.is_object(),
    }
}

/// Checks that a text is base64; line ends do not count, as in Go.
fn decode_bytes(text: &str) -> Result<(), DecodeError> {
    let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let place = match STANDARD.decode(&text) {
        Ok(_) => return Ok(()),
        Err(Base64Error::InvalidByte(place, _) | Base64Error::InvalidLastSymbol { offset: place, .. }) => {
            place
        }
        Err(_) => text.len(),
    };
    Err(DecodeError::Base64(place))
}

fn decode_quantity(value: &mut Value) -> Result<(), DecodeError> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    *value = Value::String(quantity::canonical(&text).ok_or(DecodeError::Quantity)?);
    Ok(())
}

/// Times are kept in whole seconds of UTC.
fn decode_time(text: &mut String) -> Result<(), DecodeError> {
    let time: jiff::Timestamp = text.parse().map_err(|_| DecodeError::Time(text.clone()))?;
    if text.len() != "2006-01-02T15:04:05Z".len() {
        *text = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    }
    Ok(())
}

/// Times with six digits after the second, and never with fewer.
fn decode_micro_time(text: &mut String) -> Result<(), DecodeError> {
    let refuse = || DecodeError::MicroTime(text.clone());
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    if fraction.bytes().take_while(u8::is_ascii_digit).count() != 6 {
        return Err(refuse());
    }
    let time: jiff::Timestamp = text.parse().map_err(|_| refuse())?;
    if !text.ends_with('Z') {
        *text = time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
    }
    Ok(())
}

fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

fn go_type(ty: &Type) -> String {
    match ty {
        Type::String => "string".to_owned(),
        Type::Bytes => "[]uint8".to_owned(),
        Type::Int(bits) => format!("int{bits}"),
        Type::Bool => "bool".to_owned(),
        Type::Float => "float64".to_owned(),
        Type::Quantity => "resource.Quantity".to_owned(),
        Type::IntOrString => "intstr.IntOrString".to_owned(),
        Type::Time => "v1.Time".to_owned(),
        Type::MicroTime => "v1.MicroTime".to_owned(),
        Type::Any => "interface {}".to_owned(),
        Type::List(inner) => format!("[]{}", go_type(inner)),
        Type::Map(inner) => format!("map[string]{}", go_type(inner)),
        Type::Struct(ty) => ty.qualified_name().to_owned(),
    }
}
