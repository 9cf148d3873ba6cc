//! What can go wrong, and how often.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The write is refused with 409 Conflict and does not happen.
    Conflict,
    /// A create happens, and is answered by 409 AlreadyExists, as after a repeated request. Other writes pass.
    AlreadyExists,
    /// The request is lost, and so is its answer.
    TimeoutBefore,
    /// The request is carried out; its answer is lost.
    TimeoutAfter,
    /// The answer to a write is lost, and only after that, up to ten seconds later, the write happens.
    LateWrite,
    /// The request is refused with 429 TooManyRequests.
    TooManyRequests,
    /// The request is not carried out; the server answers 500.
    ServerError,
    /// The request is carried out, but not at once, or the answer takes its time: up to some seconds each.
    Slow,
    /// A watch falls silent for up to some seconds.
    WatchLag,
    /// An event of a watch is never delivered; within seconds the watch ends by 410 and everything is listed again.
    EventLost,
    /// An event of a watch is delivered twice.
    EventTwice,
    /// A watch ends in the middle.
    WatchCut,
    /// A watch ends by 410.
    WatchExpired,
    /// All watches deliver nothing for this long after a write.
    StaleStore(Duration),
}

impl Fault {
    /// All that strike with a rate.
    pub const ALL: [Self; 13] = [
        Self::Conflict,
        Self::AlreadyExists,
        Self::TimeoutBefore,
        Self::TimeoutAfter,
        Self::LateWrite,
        Self::TooManyRequests,
        Self::ServerError,
        Self::Slow,
        Self::WatchLag,
        Self::EventLost,
        Self::EventTwice,
        Self::WatchCut,
        Self::WatchExpired,
    ];

    /// As scripts and tables write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::AlreadyExists => "already-exists",
            Self::TimeoutBefore => "timeout-before",
            Self::TimeoutAfter => "timeout-after",
            Self::LateWrite => "late-write",
            Self::TooManyRequests => "too-many-requests",
            Self::ServerError => "server-error",
            Self::Slow => "slow",
            Self::WatchLag => "watch-lag",
            Self::EventLost => "event-lost",
            Self::EventTwice => "event-twice",
            Self::WatchCut => "watch-cut",
            Self::WatchExpired => "watch-expired",
            Self::StaleStore(_) => "stale-store",
        }
    }

    /// The fault of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// Whether it strikes an event of a watch, not a request.
    pub(super) fn is_of_watches(self) -> bool {
        matches!(
            self,
            Self::WatchLag | Self::EventLost | Self::EventTwice | Self::WatchCut | Self::WatchExpired
        )
    }

    /// Whether what happens meanwhile, or what is sent, is known late because of it. What is refused or lost at once is only tried again.
    pub(super) fn hides(self) -> bool {
        matches!(
            self,
            Self::LateWrite
                | Self::Slow
                | Self::WatchLag
                | Self::EventLost
                | Self::WatchCut
                | Self::WatchExpired
                | Self::StaleStore(_)
        )
    }

    /// Whether it can strike a request that reads.
    pub(super) fn strikes_reads(self) -> bool {
        matches!(
            self,
            Self::TimeoutBefore | Self::TimeoutAfter | Self::TooManyRequests | Self::ServerError | Self::Slow
        )
    }
}

/// How often each fault strikes, in requests (or events of a watch) of a thousand.
///
/// As text: `conflict=20 slow=5`, or `none`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    of_thousand: BTreeMap<Fault, u16>,
}

impl Rates {
    /// Sets the rate of one fault; 0 takes it away.
    pub fn set(&mut self, fault: Fault, of_thousand: u16) {
        match of_thousand {
            0 => self.of_thousand.remove(&fault),
            rate => self.of_thousand.insert(fault, rate),
        };
    }

    /// The faults that can strike, with their rates.
    pub fn iter(&self) -> impl Iterator<Item = (Fault, u16)> {
        self.of_thousand.iter().map(|(fault, rate)| (*fault, *rate))
    }

    /// The fault at one of a thousand numbers: each has as many of them as its rate says.
    pub(super) fn at(&self, number: u64, applies: impl Fn(Fault) -> bool) -> Option<Fault> {
        let mut left = number;
        for (fault, rate) in self.iter().filter(|(fault, _)| applies(*fault)) {
            match left.checked_sub(u64::from(rate)) {
                Some(rest) => left = rest,
                None => return Some(fault),
            }
        }
        None
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.of_thousand.is_empty() {
            return f.write_str("none");
        }
        for (index, (fault, rate)) in self.iter().enumerate() {
            let gap = if index > 0 { " " } else { "" };
            write!(f, "{gap}{}={rate}", fault.name())?;
        }
        Ok(())
    }
}

/// A text that is no rates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no rate; write NAME=N for N of a thousand, NAME one of {names}", names = names())]
pub struct NoRate(String);

/// All faults, as they are written.
pub(crate) fn names() -> String {
    Fault::ALL.map(Fault::name).join(", ")
}

impl FromStr for Rates {
    type Err = NoRate;

    fn from_str(text: &str) -> Result<Self, NoRate> {
        let mut rates = Self::default();
        for word in text.split_whitespace().filter(|word| *word != "none") {
            let parsed = word.split_once('=').and_then(|(name, rate)| {
                Some((Fault::named(name)?, rate.parse().ok().filter(|rate| *rate <= 1000)?))
            });
            let (fault, rate) = parsed.ok_or_else(|| NoRate(word.to_owned()))?;
            rates.set(fault, rate);
        }
        Ok(rates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_they_are_written() {
        let text = "conflict=20 slow=5 watch-cut=1000";
        let rates: Rates = text.parse().unwrap();
        assert_eq!(rates.to_string(), text);
        assert_eq!("none".parse::<Rates>().unwrap().to_string(), "none");
        for wrong in ["conflict", "conflict=x", "conflict=1001", "flood=1"] {
            let error = wrong.parse::<Rates>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{wrong}` is no rate")), "{error}");
        }
    }

    #[test]
    fn each_fault_has_its_share_of_the_numbers() {
        let rates: Rates = "conflict=2 slow=3 watch-cut=1000".parse().unwrap();
        let struck: Vec<_> = (0..7).map(|number| rates.at(number, |fault| !fault.is_of_watches())).collect();
        let (conflict, slow) = (Some(Fault::Conflict), Some(Fault::Slow));
        assert_eq!(struck, [conflict, conflict, slow, slow, slow, None, None]);
    }
}
