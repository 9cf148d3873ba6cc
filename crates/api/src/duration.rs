//! Go's notation of time spans (`1h30m`, `500ms`), read and written exactly as Go does, without rounding.

use jiff::SignedDuration;
use thiserror::Error;

/// Why a text is no duration; the texts are Go's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DurationError {
    /// Not of the form `<number><unit>...`, or beyond 64 bits of nanoseconds (about 292 years).
    #[error("time: invalid duration {}", quote(.0))]
    Invalid(String),
    /// A number without a unit: `10`.
    #[error("time: missing unit in duration {}", quote(.0))]
    MissingUnit(String),
    /// A unit other than `ns`, `us`, `ms`, `s`, `m`, `h`: `1d`.
    #[error("time: unknown unit {} in duration {}", quote(.unit), quote(.text))]
    UnknownUnit {
        /// The unit as written.
        unit: String,
        /// The whole text.
        text: String,
    },
}

/// Reads a Go duration: an optional sign, then numbers with units (`ns`, `us`, `µs`, `ms`, `s`, `m`, `h`); `0` alone needs
/// no unit.
pub fn parse_go_duration(text: &str) -> Result<SignedDuration, DurationError> {
    let invalid = || DurationError::Invalid(text.to_owned());
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut nanos: i128 = 0;
    while !rest.is_empty() {
        let (whole, after) = split_at_end_of(rest, |c| c.is_ascii_digit());
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => split_at_end_of(after, |c| c.is_ascii_digit()),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let (unit, after) = split_at_end_of(after, |c| c != '.' && !c.is_ascii_digit());
        let unit_nanos = match unit {
            "" => return Err(DurationError::MissingUnit(text.to_owned())),
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(DurationError::UnknownUnit { unit: unit.to_owned(), text: text.to_owned() }),
        };
        nanos += part_nanos(whole, fraction, unit_nanos).ok_or_else(invalid)?;
        if nanos > MAX_NANOS {
            return Err(invalid());
        }
        rest = after;
    }
    // Go admits one more nanosecond on the negative side.
    if nanos == MAX_NANOS && !negative {
        return Err(invalid());
    }
    let nanos = if negative { -nanos } else { nanos };
    Ok(SignedDuration::from_nanos(i64::try_from(nanos).map_err(|_| invalid())?))
}

/// The magnitude of the most negative duration.
const MAX_NANOS: i128 = 1 << 63;

fn part_nanos(whole: &str, fraction: &str, unit_nanos: i128) -> Option<i128> {
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = whole.checked_mul(unit_nanos)?;
    // 18 digits are finer than any unit can show (an hour has 3.6e12 ns).
    let digits = &fraction[..fraction.len().min(18)];
    if !digits.is_empty() {
        let scale = 10_i128.pow(u32::try_from(digits.len()).ok()?);
        nanos = nanos.checked_add(digits.parse::<i128>().ok()? * unit_nanos / scale)?;
    }
    Some(nanos)
}

fn split_at_end_of(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// Writes a duration as Go does: `1h30m0s`, `1.5s`, `500ms`, `0s`.
pub fn format_go_duration(duration: SignedDuration) -> String {
    let nanos = duration.as_nanos();
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let text = match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => decimal(nanos, 1_000) + "\u{b5}s",
        1_000_000..1_000_000_000 => decimal(nanos, 1_000_000) + "ms",
        _ => {
            let minutes = nanos / 60_000_000_000;
            let seconds = decimal(nanos % 60_000_000_000, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    };
    format!("{sign}{text}")
}

/// `value / unit` as a decimal without trailing zeros; `unit` is a power of ten.
fn decimal(value: u128, unit: u128) -> String {
    let (whole, fraction) = (value / unit, value % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let digits = (unit + fraction).to_string();
    format!("{whole}.{}", digits[1..].trim_end_matches('0'))
}

/// Quotes as Go's `time` package does: everything but printable ASCII as `\x..`.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => quoted.push_str(&format!("\\x{byte:02x}")),
        }
    }
    quoted.push('"');
    quoted
}

/// The seconds a pause with the duration text `text` lasts: `10` is 10 s (32 bits), anything else is a Go duration cut to
/// whole seconds. `None` for what is neither; such a pause is refused by validation.
pub fn pause_seconds(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i32>() {
        return Some(seconds.into());
    }
    parse_go_duration(text).ok().map(|duration| duration.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, nanos: i64, printed: &str) {
        let duration = parse_go_duration(text).unwrap();
        assert_eq!(duration.as_nanos(), i128::from(nanos));
        assert_eq!(format_go_duration(duration), printed);
        assert_eq!(parse_go_duration(printed).unwrap(), duration, "what is written reads back");
    }

    #[test]
    fn durations_are_read_and_written() {
        check("0", 0, "0s");
        check("-0", 0, "0s");
        check("10s", 10_000_000_000, "10s");
        check("1h30m", 5_400_000_000_000, "1h30m0s");
        check("90m", 5_400_000_000_000, "1h30m0s");
        check("1h15m30.918s", 4_530_918_000_000, "1h15m30.918s");
        check(".5s", 500_000_000, "500ms");
        check("1.s", 1_000_000_000, "1s");
        check("-1.5h", -5_400_000_000_000, "-1h30m0s");
        check("+1m", 60_000_000_000, "1m0s");
        check("1\u{b5}s", 1_000, "1\u{b5}s");
        check("1.25\u{3bc}s", 1_250, "1.25\u{b5}s");
        check("3us4ns", 3_004, "3.004\u{b5}s");
        check("0.3333333333333333333h", 1_199_999_999_999, "19m59.999999999s");
        check("9223372036854775807ns", i64::MAX, "2562047h47m16.854775807s");
        check("-9223372036854775808ns", i64::MIN, "-2562047h47m16.854775808s");
    }

    #[track_caller]
    fn refuses(text: &str, error: &str) {
        assert_eq!(parse_go_duration(text).unwrap_err().to_string(), error);
    }

    #[test]
    fn what_go_refuses_is_refused_with_its_text() {
        refuses("", r#"time: invalid duration """#);
        refuses("-", r#"time: invalid duration "-""#);
        refuses("abc", r#"time: invalid duration "abc""#);
        refuses(".s", r#"time: invalid duration ".s""#);
        refuses("1s ", r#"time: unknown unit "s " in duration "1s ""#);
        refuses("10", r#"time: missing unit in duration "10""#);
        refuses("1d", r#"time: unknown unit "d" in duration "1d""#);
        refuses("1\u{3bc}", r#"time: unknown unit "\xce\xbc" in duration "1\xce\xbc""#);
        refuses("9223372036854775808ns", r#"time: invalid duration "9223372036854775808ns""#);
        refuses("3000000h", r#"time: invalid duration "3000000h""#);
    }

    #[test]
    fn pauses_take_bare_digits_too() {
        assert_eq!(pause_seconds("10"), Some(10));
        assert_eq!(pause_seconds("+10"), Some(10));
        assert_eq!(pause_seconds("1m30s"), Some(90));
        assert_eq!(pause_seconds("1h15m30.9s"), Some(4530));
        assert_eq!(pause_seconds("500ms"), Some(0));
        assert_eq!(pause_seconds("2147483648"), None, "the digits form has 32 bits");
        for text in ["", "abc", "1d", "1 h"] {
            assert_eq!(pause_seconds(text), None, "{text:?}");
        }
    }
}
