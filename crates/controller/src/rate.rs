//! `--qps` and `--burst`: a token bucket on tokio's clock in which the more important request goes first.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// How many requests may leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    /// Requests per second in the long run; positive.
    pub qps: f64,
    /// Requests at once after a rest; at least 1.
    pub burst: u32,
}

impl RateLimit {
    /// Whether the numbers make sense.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.qps.is_finite() && self.qps > 0.0 && self.burst >= 1
    }
}

/// Who goes first; earlier variants do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// Adds capacity or moves traffic, or is read in order to decide.
    Traffic,
    /// Other writes.
    Bookkeeping,
    /// Kubernetes events.
    Events,
}

/// A token bucket. Each request takes one token; a new one comes every `interval`.
#[derive(Debug)]
pub(crate) struct Bucket {
    interval: Duration,
    /// How far requests may run ahead of the steady rate.
    slack: Duration,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// When the bucket will be full again, short of one token.
    drained_until: Instant,
    /// Who waits, in the order in which they are served.
    waiting: BTreeSet<Ticket>,
    issued: u64,
}

type Ticket = (Priority, u64);

impl Bucket {
    pub(crate) fn new(limit: RateLimit) -> Self {
        let interval = Duration::from_secs_f64((1.0 / limit.qps).min(86_400.0));
        Self {
            interval,
            slack: interval.saturating_mul(limit.burst.max(1) - 1),
            state: Mutex::new(State { drained_until: Instant::now(), waiting: BTreeSet::new(), issued: 0 }),
            changed: Notify::new(),
        }
    }

    /// Waits for a token.
    pub(crate) async fn take(&self, priority: Priority) {
        let waiting = Waiting::enter(self, priority);
        loop {
            let changed = self.changed.notified();
            let at = {
                let mut state = self.lock();
                let now = Instant::now();
                // `checked_sub`: an instant cannot lie before the start of the clock.
                let at = state.drained_until.checked_sub(self.slack).unwrap_or(now).max(now);
                if state.waiting.first() != Some(&waiting.ticket) {
                    None
                } else if at <= now {
                    state.drained_until = state.drained_until.max(now) + self.interval;
                    return;
                } else {
                    Some(at)
                }
            };
            match at {
                Some(at) => tokio::select! {
                    biased;
                    () = changed => {}
                    () = tokio::time::sleep_until(at) => {}
                },
                None => changed.await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the line; leaves it when dropped, served or not.
struct Waiting<'a> {
    bucket: &'a Bucket,
    ticket: Ticket,
}

impl<'a> Waiting<'a> {
    fn enter(bucket: &'a Bucket, priority: Priority) -> Self {
        let mut state = bucket.lock();
        let ticket = (priority, state.issued);
        state.issued += 1;
        state.waiting.insert(ticket);
        Self { bucket, ticket }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.bucket.lock().waiting.remove(&self.ticket);
        self.bucket.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn bucket(qps: f64, burst: u32) -> Arc<Bucket> {
        Arc::new(Bucket::new(RateLimit { qps, burst }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_the_steady_rate_and_a_burst_again_after_a_rest() {
        let (bucket, start) = (bucket(10.0, 3), Instant::now());
        let mut times = Vec::new();
        for _ in 0..5 {
            bucket.take(Priority::Bookkeeping).await;
            times.push(start.elapsed().as_millis());
        }
        assert_eq!(times, [0, 0, 0, 100, 200]);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let rested = Instant::now();
        for _ in 0..3 {
            bucket.take(Priority::Bookkeeping).await;
        }
        assert_eq!(rested.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn traffic_goes_before_bookkeeping_and_events() {
        let bucket = bucket(1.0, 1);
        bucket.take(Priority::Bookkeeping).await;
        let served = Arc::new(Mutex::new(Vec::new()));
        let asked = [
            (Priority::Events, "event"),
            (Priority::Bookkeeping, "status a"),
            (Priority::Bookkeeping, "status b"),
            (Priority::Traffic, "scale up"),
        ];
        let mut tasks = tokio::task::JoinSet::new();
        for (priority, name) in asked {
            let (bucket, served) = (bucket.clone(), served.clone());
            tasks.spawn(async move {
                bucket.take(priority).await;
                served.lock().unwrap().push(name);
            });
        }
        tasks.join_all().await;
        assert_eq!(*served.lock().unwrap(), ["scale up", "status a", "status b", "event"]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_gives_up_does_not_hold_up_the_others() {
        let (bucket, start) = (bucket(1.0, 1), Instant::now());
        bucket.take(Priority::Traffic).await;
        let impatient = tokio::time::timeout(Duration::from_millis(10), bucket.take(Priority::Traffic));
        let patient = bucket.take(Priority::Events);
        let (gave_up, ()) = tokio::join!(impatient, patient);
        assert!(gave_up.is_err());
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }
}
