use serde_json::Value;

/// A place in a file, as editors count: both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its first character.
    pub place: Place,
    /// What it is.
    pub content: Content,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Null, a boolean, a number or a text.
    Scalar(Value),
    /// Items in order.
    List(Vec<Node>),
    /// Fields in order; no key twice.
    Map(Vec<Field>),
}

/// One field of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The key, as JSON has it.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The fields of a map; none of anything else.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        match &self.content {
            Content::Map(fields) => fields,
            Content::Scalar(_) | Content::List(_) => &[],
        }
    }

    /// The items of a list; none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            Content::Scalar(_) | Content::Map(_) => &[],
        }
    }

    /// The field with this key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields().iter().find(|field| field.key == key)
    }

    /// The value at these keys, one below the other.
    #[must_use]
    pub fn at(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| Some(&node.field(key)?.value))
    }

    /// The text at these keys; empty when there is none.
    #[must_use]
    pub fn text(&self, keys: &[&str]) -> &str {
        match self.at(keys).map(|node| &node.content) {
            Some(Content::Scalar(Value::String(text))) => text,
            _ => "",
        }
    }

    /// Whether it is null, or an empty document.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.content == Content::Scalar(Value::Null)
    }

    /// The value without places.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(items) => items.iter().map(Self::to_value).collect(),
            Content::Map(fields) => {
                fields.iter().map(|field| (field.key.clone(), field.value.to_value())).collect()
            }
        }
    }
}
