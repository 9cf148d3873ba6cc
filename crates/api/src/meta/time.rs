//! Points in time as Kubernetes stores them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time in whole seconds, written as RFC 3339 in UTC (`2026-11-23T05:27:31Z`).
///
/// Fractions are cut off when a value is made, not when it is written, so that what is in memory equals what is read
/// back: `spec.restartAt` with a fraction still equals the `status.restartedAt` copied from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Timestamp);

impl Time {
    /// The second in which `timestamp` lies.
    pub fn truncated(timestamp: Timestamp) -> Self {
        let second = timestamp.as_nanosecond().div_euclid(1_000_000_000);
        let second = i64::try_from(second).expect("a timestamp's seconds fit 64 bits");
        Self(Timestamp::from_second(second).unwrap_or(Timestamp::MIN))
    }

    /// This time as a timestamp, in whole seconds.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        time.0
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Time {
    type Err = jiff::Error;

    /// Reads RFC 3339 with any offset and any fraction.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::truncated)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|error| D::Error::custom(format_args!("invalid time {text:?}: {error}")))
    }
}

impl JsonSchema for Time {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let time: Time = serde_json::from_value(text.into()).unwrap();
        assert_eq!(serde_json::to_value(time).unwrap(), expected);
    }

    #[test]
    fn any_rfc3339_is_read_and_utc_seconds_are_written() {
        check("2026-11-23T05:27:31Z", "2026-11-23T05:27:31Z");
        check("2026-11-23T05:27:31.999999999Z", "2026-11-23T05:27:31Z");
        check("2026-11-23T06:57:31.5+01:30", "2026-11-23T05:27:31Z");
        check("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59Z");
        assert!("yesterday".parse::<Time>().is_err());
    }
}
