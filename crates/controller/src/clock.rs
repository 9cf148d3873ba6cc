//! Wall time as a function of the runtime's clock, so that a paused runtime owns all time there is.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Wall time of one actor: an epoch, plus what has passed on tokio's clock, plus an offset.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Wall time at `started`.
    pub epoch: Timestamp,
    /// When the epoch was read.
    pub started: Instant,
    /// How far this actor's clock is off.
    pub offset: SignedDuration,
}

impl Clock {
    /// A clock that shows `epoch` at this moment.
    #[must_use]
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self { epoch, started: Instant::now(), offset: SignedDuration::ZERO }
    }

    /// Wall time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX);
        self.epoch.saturating_add(passed.saturating_add(self.offset)).unwrap_or(self.epoch)
    }

    /// The instant at which this clock shows `time`; this instant when that is over. `None`: further away than tokio
    /// can wait, which is some decades.
    #[must_use]
    pub fn instant_of(&self, time: Timestamp) -> Option<Instant> {
        let since_start = time.duration_since(self.epoch).checked_sub(self.offset)?;
        let Ok(since_start) = std::time::Duration::try_from(since_start) else { return Some(Instant::now()) };
        Some(self.started.checked_add(since_start)?.max(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn follows_the_paused_clock_and_its_offset() {
        let epoch: Timestamp = "2026-01-01T00:00:00.25Z".parse().unwrap();
        let mut clock = Clock::starting_at(epoch);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now().to_string(), "2026-01-01T00:01:30.25Z");
        clock.offset = SignedDuration::from_secs(-30);
        assert_eq!(clock.now().to_string(), "2026-01-01T00:01:00.25Z");
    }

    #[tokio::test(start_paused = true)]
    async fn sleeping_until_a_time_shows_that_time_or_later() {
        let mut clock = Clock::starting_at("2026-01-01T00:00:00.0004Z".parse().unwrap());
        clock.offset = SignedDuration::from_millis(700);
        let time: Timestamp = "2026-01-01T00:00:07Z".parse().unwrap();
        tokio::time::sleep_until(clock.instant_of(time).unwrap()).await;
        assert!(clock.now() >= time);
        assert!(clock.now().duration_since(time) <= SignedDuration::from_millis(2));
        assert_eq!(clock.instant_of("2020-01-01T00:00:00Z".parse().unwrap()), Some(Instant::now()));
    }
}
