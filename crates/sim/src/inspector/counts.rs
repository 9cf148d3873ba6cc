//! How often what has occurred in a world.

use std::collections::BTreeMap;

use tidegate_core::{Plan, Purpose, Snapshot};

/// What has occurred in a world, by name, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// What decisions wanted to write: `ScaleDown`.
    pub writes: BTreeMap<String, u64>,
    /// Phases at the moment of a decision.
    pub phases: BTreeMap<String, u64>,
    /// What decisions waited for: `spec.paused`.
    pub waits: BTreeMap<String, u64>,
    /// Timers that were over when a decision was made.
    pub timers: BTreeMap<String, u64>,
}

/// `ScaleDown`, `SwitchService` ...
fn purpose(purpose: Purpose) -> String {
    match purpose {
        Purpose::Scale { from, to } if to > from => "ScaleUp".to_owned(),
        Purpose::Scale { from, to } if to < from => "ScaleDown".to_owned(),
        Purpose::Scale { .. } => "NoteSize".to_owned(),
        Purpose::ScaleWorkload { .. } => "ScaleWorkload".to_owned(),
        other => format!("{other:?}"),
    }
}

impl Counts {
    pub(super) fn plan(&mut self, snapshot: &Snapshot, plan: &Plan) {
        let mut count = |of: fn(&mut Self) -> &mut BTreeMap<String, u64>, name: String| {
            *of(self).entry(name).or_default() += 1;
        };
        let phase = snapshot.rollout.status.phase.as_ref();
        count(|it| &mut it.phases, phase.map_or_else(|| "none".to_owned(), ToString::to_string));
        for wait in &plan.report.waits {
            let field = if wait.field.is_empty() { "refused" } else { &wait.field };
            count(|it| &mut it.waits, field.to_owned());
        }
        for write in &plan.writes {
            count(|it| &mut it.writes, purpose(write.purpose));
        }
    }

    /// Adds those of another world.
    pub fn add(&mut self, other: &Self) {
        let maps = [
            (&mut self.writes, &other.writes),
            (&mut self.phases, &other.phases),
            (&mut self.waits, &other.waits),
            (&mut self.timers, &other.timers),
        ];
        for (mine, theirs) in maps {
            for (name, count) in theirs {
                *mine.entry(name.clone()).or_default() += count;
            }
        }
    }
}
