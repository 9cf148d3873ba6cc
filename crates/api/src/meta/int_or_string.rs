//! Values that may be written as a number or as text.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A number or a text, kept as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum IntOrString {
    /// Written as a number.
    Int(i64),
    /// Written as a text, such as `"25%"` or `"1h30m"`.
    String(String),
}

impl IntOrString {
    /// The value as a count out of `total`: a number is absolute, every text a percentage of `total`.
    ///
    /// As upstream reads it: percent signs are optional, and a text that is no integer counts as 0.
    pub fn count_or_percent(&self, total: i32, round_up: bool) -> i32 {
        let count = match self {
            Self::Int(count) => i128::from(*count),
            Self::String(text) => {
                let percent: i64 = text.replace('%', "").parse().unwrap_or(0);
                let hundredths = i128::from(percent) * i128::from(total);
                if round_up { -(-hundredths).div_euclid(100) } else { hundredths.div_euclid(100) }
            }
        };
        let clamped = count.clamp(i128::from(i32::MIN), i128::from(i32::MAX));
        i32::try_from(clamped).expect("clamped to 32 bits")
    }
}

impl From<i32> for IntOrString {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for IntOrString {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl fmt::Display for IntOrString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::String(text) => text.fmt(f),
        }
    }
}

impl JsonSchema for IntOrString {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "IntOrString".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: impl Into<IntOrString>, total: i32, down: i32, up: i32) {
        let value = value.into();
        assert_eq!(value.count_or_percent(total, false), down, "{value} of {total}, rounded down");
        assert_eq!(value.count_or_percent(total, true), up, "{value} of {total}, rounded up");
    }

    #[test]
    fn texts_are_percentages_and_numbers_are_counts() {
        check(3, 10, 3, 3);
        check(0, 10, 0, 0);
        check(-2, 10, -2, -2);
        check("25%", 10, 2, 3);
        check("25", 10, 2, 3);
        check("%2%5", 10, 2, 3);
        check("100%", 7, 7, 7);
        check("-25%", 10, -3, -2);
        check("+50%", 3, 1, 2);
    }

    #[test]
    fn garbage_counts_as_nothing() {
        check("", 10, 0, 0);
        check("a quarter", 10, 0, 0);
        check("2.5%", 10, 0, 0);
        check(" 25%", 10, 0, 0);
        check("9999999999999999%", 10, i32::MAX, i32::MAX);
    }
}
