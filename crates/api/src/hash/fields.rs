//! What Go knows of a struct type: its members in declaration order, their kinds, and which are left out when empty.

use std::collections::BTreeMap;

use serde_json::Value;

/// No struct of Kubernetes has more members; it bounds an array on the stack.
pub(crate) const MAX_FIELDS: usize = 64;

/// Struct types that refer to each other by index.
pub(crate) struct Table {
    names: Vec<String>,
    types: Vec<Type>,
    pub(crate) root: Kind,
}

/// A struct type.
pub(crate) struct Type {
    pub(crate) fields: Vec<Field>,
    by_name: Vec<usize>,
}

/// A member of a struct, as its Go tag has it.
pub(crate) struct Field {
    pub(crate) name: String,
    /// `"name":`
    pub(crate) prefix: String,
    pub(crate) kind: Kind,
    omit_empty: bool,
    omit_zero: bool,
}

/// The Go type of a value.
pub(crate) enum Kind {
    Text,
    Bool,
    Int,
    Quantity,
    IntOrString,
    Time,
    /// JSON of any shape.
    Raw,
    Pointer(Box<Kind>),
    List(Box<Kind>),
    Map(Box<Kind>),
    Struct(usize),
}

impl Table {
    /// Reads a table: per type the list of `name[,omitempty][,omitzero] kind`.
    pub(crate) fn parse(text: &str, root: &str) -> Self {
        let lines: BTreeMap<String, Vec<String>> =
            serde_json::from_str(text).expect("the table is part of this crate");
        let names: Vec<&str> = lines.keys().map(String::as_str).collect();
        let types = lines.values().map(|fields| Type::parse(fields, &names)).collect();
        let root = Kind::parse(root, &names);
        Self { names: lines.into_keys().collect(), types, root }
    }

    /// The types' names by index.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    pub(crate) fn type_at(&self, index: usize) -> &Type {
        &self.types[index]
    }
}

impl Type {
    fn parse(lines: &[String], names: &[&str]) -> Self {
        assert!(lines.len() <= MAX_FIELDS, "MAX_FIELDS is too small");
        let fields: Vec<Field> = lines.iter().map(|line| Field::parse(line, names)).collect();
        let mut by_name: Vec<usize> = (0..fields.len()).collect();
        by_name.sort_by_key(|i| &fields[*i].name);
        Self { fields, by_name }
    }

    /// The place of a member in declaration order.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        let found = self.by_name.binary_search_by(|i| self.fields[*i].name.as_str().cmp(name));
        found.ok().map(|i| self.by_name[i])
    }
}

impl Field {
    fn parse(line: &str, names: &[&str]) -> Self {
        let (head, kind) = line.split_once(' ').expect("a field has a kind");
        let name = head.split(',').next().unwrap_or(head);
        Self {
            name: name.to_owned(),
            prefix: format!("\"{name}\":"),
            kind: Kind::parse(kind, names),
            omit_empty: head.contains(",omitempty"),
            omit_zero: head.contains(",omitzero"),
        }
    }

    /// Whether Go prints nothing for this member when it is absent.
    pub(crate) fn omits_absent(&self) -> bool {
        self.omit_zero || (self.omit_empty && self.kind.has_empty())
    }

    /// Whether Go prints nothing for this member although it has a value.
    pub(crate) fn omits(&self, value: &Value) -> bool {
        (self.omit_empty && self.kind.is_empty(value))
            || (self.omit_zero
                && matches!(self.kind, Kind::Time)
                && value.as_str() == Some("0001-01-01T00:00:00Z"))
    }
}

impl Kind {
    fn parse(text: &str, names: &[&str]) -> Self {
        let inner = |text| Box::new(Self::parse(text, names));
        match text {
            "string" => Self::Text,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "quantity" => Self::Quantity,
            "int-or-string" => Self::IntOrString,
            "time" => Self::Time,
            "raw" => Self::Raw,
            _ => {
                if let Some(rest) = text.strip_prefix('*') {
                    Self::Pointer(inner(rest))
                } else if let Some(rest) = text.strip_prefix("[]") {
                    Self::List(inner(rest))
                } else if let Some(rest) = text.strip_prefix("map:") {
                    Self::Map(inner(rest))
                } else {
                    Self::Struct(names.binary_search(&text).expect("the table has every type that it names"))
                }
            }
        }
    }

    /// Whether Go's `omitempty` applies: to structs that are not behind a pointer it does not.
    fn has_empty(&self) -> bool {
        !matches!(self, Self::Quantity | Self::IntOrString | Self::Time | Self::Struct(_))
    }

    /// What Go takes for empty. A pointer to an empty value is not.
    pub(crate) fn is_empty(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text, Value::String(text)) => text.is_empty(),
            (Self::Bool, Value::Bool(on)) => !on,
            (Self::Int, Value::Number(number)) => number.as_f64() == Some(0.0),
            (Self::List(_), Value::Array(list)) => list.is_empty(),
            (Self::Map(_), Value::Object(members)) => members.is_empty(),
            _ => false,
        }
    }
}
