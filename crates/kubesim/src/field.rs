//! What is wrong with one field, in Kubernetes' own words.

use std::fmt;

use serde_json::{Value, json};

/// The type of a field error; its reason and its leading words are Kubernetes'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Required,
    Invalid,
    TypeInvalid,
    Duplicate,
    Unsupported,
    Forbidden,
    TooLong,
    TooMany,
    NotFound,
}

impl Fault {
    fn reason(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Unsupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::NotFound => "FieldValueNotFound",
        }
    }

    /// Whether Kubernetes looks at no rule of a definition once it has found this.
    pub(crate) fn keeps_rules_unchecked(self) -> bool {
        matches!(self, Self::Required | Self::TypeInvalid | Self::Unsupported | Self::TooLong | Self::TooMany)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::Duplicate => "Duplicate value",
            Self::Unsupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::NotFound => "Not found",
        }
    }
}

/// One entry of `details.causes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) fault: Fault,
    pub(crate) field: String,
    body: String,
}

impl Cause {
    fn new(fault: Fault, field: &str, value: Option<&Value>, detail: &str) -> Self {
        let mut body = fault.words().to_owned();
        if let Some(value) = value {
            body += &format!(": {value}");
        }
        if !detail.is_empty() {
            body += &format!(": {detail}");
        }
        Self { fault, field: field.to_owned(), body }
    }

    pub(crate) fn required(field: &str, detail: &str) -> Self {
        Self::new(Fault::Required, field, None, detail)
    }

    pub(crate) fn invalid(field: &str, value: &Value, detail: &str) -> Self {
        Self::new(Fault::Invalid, field, Some(value), detail)
    }

    pub(crate) fn type_invalid(field: &str, value: &Value, detail: &str) -> Self {
        Self::new(Fault::TypeInvalid, field, Some(value), detail)
    }

    pub(crate) fn duplicate(field: &str, value: &Value) -> Self {
        Self::new(Fault::Duplicate, field, Some(value), "")
    }

    pub(crate) fn unsupported(field: &str, value: &Value, supported: &[String]) -> Self {
        let quoted: Vec<String> = supported.iter().map(|value| format!("\"{value}\"")).collect();
        let detail = format!("supported values: {}", quoted.join(", "));
        Self::new(Fault::Unsupported, field, Some(value), &detail)
    }

    pub(crate) fn forbidden(field: &str, detail: &str) -> Self {
        Self::new(Fault::Forbidden, field, None, detail)
    }

    pub(crate) fn too_long(field: &str, most: u64) -> Self {
        Self::new(Fault::TooLong, field, None, &format!("may not be more than {most} bytes"))
    }

    pub(crate) fn too_many(field: &str, found: usize, most: u64) -> Self {
        Self::new(Fault::TooMany, field, Some(&json!(found)), &format!("must have at most {most} items"))
    }

    pub(crate) fn not_found(field: &str, value: &Value) -> Self {
        Self::new(Fault::NotFound, field, Some(value), "")
    }

    pub(crate) fn to_value(&self) -> Value {
        json!({ "reason": self.fault.reason(), "message": self.body, "field": self.field })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.body)
    }
}
