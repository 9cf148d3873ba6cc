//! Values of flags as Go's libraries read them, refused in Go's words.

use std::time::Duration;

use tidegate_api::duration::parse_go_duration;

/// `true`, `1`, `t`, `F`, ...: what Go takes for a boolean.
pub(crate) fn bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
    }
}

/// A whole number in decimal, or with a prefix `0x`, `0o`, `0`, `0b`.
pub(crate) fn int(text: &str) -> Result<i64, String> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (&text[..1], digits),
        None => ("", text),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some(_) if digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    let what = |what: &str| format!("strconv.ParseInt: parsing {text:?}: {what}");
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(what("invalid syntax"));
    }
    let sign = if sign == "+" { "" } else { sign };
    i64::from_str_radix(&format!("{sign}{digits}"), radix).map_err(|_| what("value out of range"))
}

/// `30s`, `1h30m`, ...; what is below zero counts as zero.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let span = parse_go_duration(text).map_err(|error| error.to_string())?;
    Ok(Duration::try_from(span).unwrap_or(Duration::ZERO))
}

/// A limit for requests: whole seconds or a duration; `None` for zero, which means none.
pub(crate) fn timeout(text: &str) -> Result<Option<Duration>, String> {
    let limit = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => duration(text).map_err(|_| {
            "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a \
             corresponding time unit (e.g. 1s | 2m | 3h)"
                .to_owned()
        })?,
    };
    Ok(Some(limit).filter(|limit| !limit.is_zero()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_gos() {
        for text in ["1", "t", "T", "TRUE", "true", "True"] {
            assert_eq!(bool(text), Ok(true), "{text}");
        }
        for text in ["0", "f", "F", "FALSE", "false", "False"] {
            assert_eq!(bool(text), Ok(false), "{text}");
        }
        for text in ["", "yes", "tRUE", "2"] {
            let error = format!("strconv.ParseBool: parsing {text:?}: invalid syntax");
            assert_eq!(bool(text), Err(error));
        }
    }

    #[test]
    fn numbers_are_gos() {
        for (text, number) in [("0", 0), ("-7", -7), ("+7", 7), ("0x1F", 31), ("017", 15), ("0b11", 3)] {
            assert_eq!(int(text), Ok(number), "{text}");
        }
        for text in ["", "-", "x", "1.5", "08", "--1", "é"] {
            let error = format!("strconv.ParseInt: parsing {text:?}: invalid syntax");
            assert_eq!(int(text), Err(error));
        }
        let error = int("9223372036854775808").unwrap_err();
        assert_eq!(error, r#"strconv.ParseInt: parsing "9223372036854775808": value out of range"#);
    }

    #[test]
    fn timeouts_are_seconds_or_durations() {
        assert_eq!(timeout("0"), Ok(None));
        assert_eq!(timeout("0s"), Ok(None));
        assert_eq!(timeout("5"), Ok(Some(Duration::from_secs(5))));
        assert_eq!(timeout("1m30s"), Ok(Some(Duration::from_secs(90))));
        assert!(timeout("soon").unwrap_err().starts_with("Invalid timeout value."));
        assert_eq!(duration("-5s"), Ok(Duration::ZERO));
        assert_eq!(duration("zz").unwrap_err(), r#"time: invalid duration "zz""#);
    }
}
