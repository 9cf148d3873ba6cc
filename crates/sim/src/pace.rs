//! How fast a world's time runs.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinHandle;

/// How often time is moved on where it runs faster than real time.
const TICK: Duration = Duration::from_millis(5);

/// How fast a world's time runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the machine allows; waiting costs nothing.
    Virtual,
    /// One second a second.
    Real,
    /// So many seconds a second.
    Times(u32),
}

impl Pace {
    pub(crate) fn runtime(self) -> io::Result<Runtime> {
        let mut builder = Builder::new_current_thread();
        match self {
            // Thousands of worlds are made in virtual time; none of them has a socket.
            Self::Virtual => builder.enable_time().start_paused(true),
            Self::Real => builder.enable_all(),
            Self::Times(_) => builder.enable_all().start_paused(true),
        };
        builder.build()
    }

    /// Lets time run until the driver is dropped. To be called inside the runtime.
    pub(crate) fn drive(self) -> Option<Driver> {
        match self {
            Self::Virtual | Self::Real => None,
            Self::Times(times) => Some(Driver::start(times)),
        }
    }
}

/// Moves the paused clock on, by a multiple of what has passed in reality.
///
/// A paused clock jumps to the next deadline whenever nobody has anything to do, unless a blocking task runs: the one that
/// measures real time is it.
pub(crate) struct Driver {
    /// Dropped, it ends the measuring thread.
    _stop: Sender<()>,
    clock: JoinHandle<()>,
}

impl Driver {
    fn start(times: u32) -> Self {
        let (stop, stopped) = channel::<()>();
        let (passed, mut ticks) = unbounded_channel();
        tokio::task::spawn_blocking(move || {
            let mut last = real_now();
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let now = real_now();
                if passed.send(now - last).is_err() {
                    return;
                }
                last = now;
            }
        });
        let clock = tokio::spawn(async move {
            while let Some(passed) = ticks.recv().await {
                tokio::time::advance(passed * times).await;
            }
        });
        Self { _stop: stop, clock }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.clock.abort();
    }
}

#[allow(clippy::disallowed_methods, reason = "here virtual time is tied to real time")]
fn real_now() -> std::time::Instant {
    std::time::Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, run};

    #[test]
    fn a_fast_world_lives_through_minutes_in_moments() {
        let began = real_now();
        let (before, after) = run(Pace::Times(600), Options::default(), async |world| {
            let before = world.now();
            world.pass(Duration::from_secs(60)).await;
            (before, world.now())
        });
        let lived = after.duration_since(before).as_secs();
        assert!((60..70).contains(&lived), "{lived} s lived");
        let real = began.elapsed();
        assert!(real >= Duration::from_millis(95), "time did not jump: {real:?}");
        assert!(real < Duration::from_secs(10), "time ran: {real:?}");
    }
}
