use jiff::{SignedDuration, Timestamp};

/// The age of something made at `created`; empty when that is unknown.
#[must_use]
pub fn age(created: Option<Timestamp>, now: Timestamp) -> String {
    created.map_or_else(String::new, |created| short_duration(now.duration_since(created)))
}

/// A duration in at most two units, as `kubectl get` shows ages; `<invalid>` when it is more than a second below zero.
#[must_use]
pub fn short_duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    if seconds < -1 {
        return "<invalid>".to_owned();
    }
    if seconds < 120 {
        return format!("{}s", seconds.max(0));
    }
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (minutes, hours, days) {
        (..10, ..) => two_units(minutes, "m", seconds % 60, "s"),
        (_, ..3, _) => format!("{minutes}m"),
        (_, ..8, _) => two_units(hours, "h", minutes % 60, "m"),
        (_, ..48, _) => format!("{hours}h"),
        (.., ..8) => two_units(days, "d", hours % 24, "h"),
        (.., ..730) => format!("{days}d"),
        (.., ..2920) => two_units(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

fn two_units(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large}{large_unit}")
    } else {
        format!("{large}{large_unit}{small}{small_unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: i64, expected: &str) {
        assert_eq!(short_duration(SignedDuration::from_secs(seconds)), expected, "{seconds} s");
    }

    #[test]
    fn each_unit_ends_where_the_next_begins() {
        const HOUR: i64 = 3600;
        const DAY: i64 = 24 * HOUR;
        const YEAR: i64 = 365 * DAY;
        for (seconds, expected) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (121, "2m1s"),
            (599, "9m59s"),
            (600, "10m"),
            (659, "10m"),
            (3 * HOUR - 1, "179m"),
            (3 * HOUR, "3h"),
            (3 * HOUR + 60, "3h1m"),
            (8 * HOUR - 1, "7h59m"),
            (8 * HOUR, "8h"),
            (2 * DAY - 1, "47h"),
            (2 * DAY, "2d"),
            (2 * DAY + HOUR, "2d1h"),
            (8 * DAY - 1, "7d23h"),
            (8 * DAY, "8d"),
            (2 * YEAR - 1, "729d"),
            (2 * YEAR, "2y"),
            (2 * YEAR + DAY, "2y1d"),
            (8 * YEAR - 1, "7y364d"),
            (8 * YEAR, "8y"),
            (20 * YEAR, "20y"),
        ] {
            check(seconds, expected);
        }
    }

    #[test]
    fn fractions_are_cut_off() {
        assert_eq!(short_duration(SignedDuration::from_millis(1999)), "1s");
        assert_eq!(short_duration(SignedDuration::from_millis(-1999)), "0s");
        assert_eq!(short_duration(SignedDuration::from_millis(-2000)), "<invalid>");
        assert_eq!(age(None, Timestamp::UNIX_EPOCH), "");
    }
}
