//! Go's `encoding/json` for values whose types are in a [`Table`].

use serde_json::{Map, Value};

use super::POD_TEMPLATE;
use super::fields::{Kind, MAX_FIELDS, Table, Type};
use super::scalar::{put_int, put_number, put_string, quantity_text, time_text, whole};

/// Takes the printed bytes; hashing needs no copy of them.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

pub(super) struct Encoder<'a, S> {
    table: &'a Table,
    out: &'a mut S,
}

impl<'a, S: Sink> Encoder<'a, S> {
    pub(super) fn new(table: &'a Table, out: &'a mut S) -> Self {
        Self { table, out }
    }

    /// Prints a value of the table's root type.
    pub(super) fn print(&mut self, value: &Value) {
        self.element(&self.table.root, value);
    }

    fn value(&mut self, kind: &Kind, value: &Value) {
        match (kind, value) {
            (Kind::Pointer(inner), _) => self.value(inner, value),
            (Kind::Struct(index), Value::Object(members)) => {
                self.structure(self.table.type_at(*index), members);
            }
            (Kind::List(inner), Value::Array(list)) => {
                self.list(list, |encoder, item| encoder.element(inner, item));
            }
            (Kind::Map(inner), Value::Object(members)) => {
                self.map(members, |encoder, item| encoder.element(inner, item));
            }
            (Kind::Int | Kind::IntOrString, Value::Number(_)) => match whole(value) {
                Some(number) => put_int(self.out, number),
                None => self.untyped(value),
            },
            (Kind::Quantity, _) => match quantity_text(value) {
                Some(text) => put_string(self.out, &text),
                None => self.untyped(value),
            },
            (Kind::Time, Value::String(text)) => match time_text(text) {
                Some(text) => put_string(self.out, &text),
                None => self.untyped(value),
            },
            _ => self.untyped(value),
        }
    }

    /// A value where none can be left out: an item of a list, an entry of a map.
    fn element(&mut self, kind: &Kind, value: &Value) {
        if value.is_null() { self.zero(kind) } else { self.value(kind, value) }
    }

    /// What Go prints for a value that was never set.
    fn zero(&mut self, kind: &Kind) {
        match kind {
            Kind::Text => self.out.put(b"\"\""),
            Kind::Bool => self.out.put(b"false"),
            Kind::Int | Kind::IntOrString => self.out.put(b"0"),
            Kind::Quantity => self.out.put(b"\"0\""),
            Kind::Time | Kind::Raw | Kind::Pointer(_) | Kind::List(_) | Kind::Map(_) => self.out.put(b"null"),
            Kind::Struct(index) => self.structure(self.table.type_at(*index), &Map::new()),
        }
    }

    fn structure(&mut self, of: &Type, members: &Map<String, Value>) {
        let mut values = [None; MAX_FIELDS];
        let mut unknown = 0;
        for (name, value) in members {
            match of.position(name) {
                _ if value.is_null() => {}
                Some(position) => values[position] = Some(value),
                None => unknown += 1,
            }
        }
        let mut separator: &[u8] = b"{";
        for (field, value) in of.fields.iter().zip(values) {
            if value.map_or_else(|| field.omits_absent(), |value| field.omits(value)) {
                continue;
            }
            self.out.put(separator);
            separator = b",";
            self.out.put(field.prefix.as_bytes());
            match value {
                Some(value) => self.value(&field.kind, value),
                None => self.zero(&field.kind),
            }
        }
        if unknown > 0 {
            for (name, value) in sorted(members) {
                if of.position(name).is_none() && !value.is_null() {
                    self.out.put(separator);
                    separator = b",";
                    self.member(name, value, Self::untyped);
                }
            }
        }
        self.out.put(if separator == b"{" { b"{}" } else { b"}" });
    }

    /// A value of which no type is known: as it stands, with the members of objects in order.
    fn untyped(&mut self, value: &Value) {
        match value {
            Value::Null => self.out.put(b"null"),
            Value::Bool(on) => self.out.put(if *on { b"true" } else { b"false" }),
            Value::Number(number) => put_number(self.out, number),
            Value::String(text) => put_string(self.out, text),
            Value::Array(list) => self.list(list, Self::untyped),
            Value::Object(members) => self.map(members, Self::untyped),
        }
    }

    fn list(&mut self, list: &[Value], mut print: impl FnMut(&mut Self, &Value)) {
        self.out.put(b"[");
        for (i, item) in list.iter().enumerate() {
            if i > 0 {
                self.out.put(b",");
            }
            print(self, item);
        }
        self.out.put(b"]");
    }

    fn map(&mut self, members: &Map<String, Value>, mut print: impl FnMut(&mut Self, &Value)) {
        self.out.put(b"{");
        for (i, (name, value)) in sorted(members).into_iter().enumerate() {
            if i > 0 {
                self.out.put(b",");
            }
            self.member(name, value, &mut print);
        }
        self.out.put(b"}");
    }

    fn member(&mut self, name: &str, value: &Value, mut print: impl FnMut(&mut Self, &Value)) {
        put_string(self.out, name);
        self.out.put(b":");
        print(self, value);
    }
}

/// Prints a value of which no type is known.
pub(crate) fn put_untyped(out: &mut impl Sink, value: &Value) {
    Encoder::new(&POD_TEMPLATE, out).untyped(value);
}

/// Members in the order of their names' bytes. They are so already unless some crate turns serde_json's `preserve_order` on.
fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut list: Vec<_> = members.iter().collect();
    if !list.is_sorted_by_key(|(name, _)| *name) {
        list.sort_by_key(|(name, _)| *name);
    }
    list
}
