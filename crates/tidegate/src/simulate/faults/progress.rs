//! How far a campaign is, in real time: the only place of a simulation that looks at the clock. Nothing of it is in the table.

use std::io::Write;
use std::time::{Duration, Instant};

/// How often a line is written where no line can be written over.
const INTERVAL: Duration = Duration::from_secs(10);

/// The display of progress.
pub(super) struct Progress {
    all: u64,
    lives: u64,
    broken: u64,
    began: Instant,
    /// When a line was last written, where none can be written over.
    told: Instant,
    is_terminal: bool,
    has_line: bool,
}

impl Progress {
    pub(super) fn begin(all: u64, is_terminal: bool) -> Self {
        let began = real_now();
        Self { all, lives: 0, broken: 0, began, told: began, is_terminal, has_line: false }
    }

    /// Counts a world.
    pub(super) fn count(&mut self, is_broken: bool) {
        self.lives += 1;
        self.broken += u64::from(is_broken);
    }

    // Whoever does not read it does not miss it: errors in writing do not matter.

    /// Tells something that stays.
    pub(super) fn tell(&mut self, err: &mut impl Write, text: &str) {
        self.wipe(err);
        let _ = writeln!(err, "{text}");
    }

    /// Shows how far it is, if that is due.
    pub(super) fn show(&mut self, err: &mut impl Write) {
        let now = real_now();
        if self.is_terminal {
            let _ = write!(err, "\r\x1b[2K{}", self.line(now));
            let _ = err.flush();
            self.has_line = true;
        } else if now.duration_since(self.told) >= INTERVAL {
            self.told = now;
            let _ = writeln!(err, "{}", self.line(now));
        }
    }

    /// Takes the display away.
    pub(super) fn end(&mut self, err: &mut impl Write) {
        self.wipe(err);
        let _ = err.flush();
    }

    fn wipe(&mut self, err: &mut impl Write) {
        if std::mem::take(&mut self.has_line) {
            let _ = write!(err, "\r\x1b[2K");
        }
    }

    fn line(&self, now: Instant) -> String {
        let Self { all, lives, broken, .. } = self;
        let took = now.duration_since(self.began).as_millis().max(1);
        let tenths = u128::from(*lives) * 10_000 / took;
        let rate = format!("{}.{}", tenths / 10, tenths % 10);
        format!("{lives} of {all} worlds, {rate} a second, {broken} broke a promise")
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "people wait for it in real time; the table knows nothing of it"
)]
fn real_now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_does_not_stand_behind_what_goes() {
        let mut progress = Progress::begin(3, true);
        let mut written = Vec::new();
        progress.count(true);
        progress.show(&mut written);
        progress.tell(&mut written, "seed 1 broke I1");
        progress.end(&mut written);
        let text = String::from_utf8(written).unwrap();
        assert!(text.starts_with("\r\x1b[2K1 of 3 worlds, "), "{text:?}");
        assert!(text.ends_with(" a second, 1 broke a promise\r\x1b[2Kseed 1 broke I1\n"), "{text:?}");
    }

    #[test]
    fn a_short_campaign_says_nothing_in_a_file() {
        let mut progress = Progress::begin(3, false);
        let mut written = Vec::new();
        progress.count(false);
        progress.show(&mut written);
        progress.end(&mut written);
        assert!(written.is_empty(), "{written:?}");
    }
}
