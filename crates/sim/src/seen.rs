//! What was seen of one Rollout, in one world or in many.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::meter::Failed;

/// What was seen of one Rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The fewest ready pods since it was first complete against those that were promised then: (ready, promised) where the
    /// difference is least. `None`: it never was complete.
    pub low_water: Option<(i32, i32)>,
    /// Requests of its users, from the first moment at which all could be answered to its last change.
    pub sent: u64,
    /// Those that were not answered.
    pub failed: Failed,
    /// The longest time in each phase.
    pub longest: BTreeMap<String, SignedDuration>,
}

impl Seen {
    /// Adds what was seen of it in another world.
    pub fn add(&mut self, other: &Self) {
        let both = [self.low_water, other.low_water];
        self.low_water =
            both.into_iter().flatten().min_by_key(|(ready, promised)| (ready - promised, *ready));
        self.sent += other.sent;
        self.failed += other.failed;
        add_longest(&mut self.longest, &other.longest);
    }
}

/// Takes over the longer times.
pub(crate) fn add_longest(
    longest: &mut BTreeMap<String, SignedDuration>,
    others: &BTreeMap<String, SignedDuration>,
) {
    for (phase, time) in others {
        let known = longest.entry(phase.clone()).or_default();
        *known = (*known).max(*time);
    }
}
