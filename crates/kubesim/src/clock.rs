//! Wall time as a function of the runtime's clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Wall time: an epoch, plus what has passed on tokio's clock, plus an offset. Never the real clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    epoch: Timestamp,
    started: Instant,
    pub(crate) offset: SignedDuration,
}

impl Clock {
    pub(crate) fn starting_at(epoch: Timestamp) -> Self {
        Self { epoch, started: Instant::now(), offset: SignedDuration::ZERO }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX);
        self.epoch.saturating_add(passed.saturating_add(self.offset)).unwrap_or(self.epoch)
    }

    /// How long until wall time shows `instant`; zero when it has.
    pub(crate) fn until(&self, instant: Timestamp) -> Duration {
        Duration::try_from(instant.duration_since(self.now())).unwrap_or(Duration::ZERO)
    }
}

/// A time as the API writes it: whole seconds, `2026-11-23T05:27:31Z`.
pub(crate) fn api_time(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// Reads a time that the API wrote.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// `time` plus `wait`, held at the end of time.
pub(crate) fn after(time: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    time.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_times_are_whole_seconds() {
        let time = parse_time("2026-11-23T05:27:31.987Z").unwrap();
        assert_eq!(api_time(time), "2026-11-23T05:27:31Z");
    }

    #[tokio::test(start_paused = true)]
    async fn wall_time_follows_the_paused_clock_and_the_offset() {
        let epoch = parse_time("2026-01-01T00:00:00Z").unwrap();
        let mut clock = Clock::starting_at(epoch);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(api_time(clock.now()), "2026-01-01T00:01:30Z");
        clock.offset = SignedDuration::from_secs(-30);
        assert_eq!(api_time(clock.now()), "2026-01-01T00:01:00Z");
        assert_eq!(clock.until(after(clock.now(), Duration::from_secs(5))), Duration::from_secs(5));
    }
}
