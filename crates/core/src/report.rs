//! Why a Rollout waits: one answer for status messages, `get rollout`, `why` and tests.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The unmet conditions of one Rollout at one instant. Empty when there is nothing left to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// In the order in which they bind.
    pub waits: Vec<Wait>,
}

impl Report {
    /// A report of one reason.
    #[must_use]
    pub fn because(wait: Wait) -> Self {
        Self { waits: vec![wait] }
    }

    /// A report of these reasons, each said once.
    #[must_use]
    pub fn of(waits: Vec<Wait>) -> Self {
        let mut report = Self::default();
        for wait in waits {
            if !report.waits.contains(&wait) {
                report.waits.push(wait);
            }
        }
        report
    }
}

/// One unmet condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The object that is waited for, `kind/name`.
    pub object: String,
    /// The field of it that decides.
    pub field: String,
    /// What is the case.
    pub because: String,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// What ends the wait: a user's command, an instant, a number reached.
    pub until: String,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}; until {}", self.object, self.field, self.because, self.until)
    }
}
