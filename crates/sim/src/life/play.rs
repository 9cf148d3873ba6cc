//! A life, played and judged.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use tidegate_core::panic_text;

use super::end;
use crate::faults::Fault;
use crate::inspector::Counts;
use crate::meter::Failed;
use crate::pace::Pace;
use crate::scenario::{self, Script};
use crate::seen::Seen;
use crate::world::{World, run};

/// How long nothing may be done at the end of a life; scenarios wait for a day.
const QUIET: Duration = Duration::from_secs(3_600);

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// `I1` ... `I10` or `guard` as in `core::invariants`; `traffic`, `end`, `panic` or `script`.
    pub rule: String,
    /// What happened, and when.
    pub text: String,
}

impl Broken {
    fn new(rule: &str, text: String) -> Self {
        Self { rule: rule.to_owned(), text }
    }

    /// What two failures have in common that are of the same kind: words without names and numbers.
    #[must_use]
    pub fn kind(&self) -> String {
        let words = self.text.split_whitespace().filter(|word| word.chars().all(|c| c.is_ascii_lowercase()));
        format!("{}: {}", self.rule, words.take(6).collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.text)
    }
}

/// What was seen in a life.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// What decisions met, wanted and waited for.
    pub counts: Counts,
    /// How often each fault struck, with crashes, twins and jumps of clocks.
    pub struck: BTreeMap<&'static str, u64>,
    /// The writes that were struck by rates.
    pub strikes: Vec<(u64, Fault)>,
    /// Requests of users that were not answered.
    pub failed: Failed,
    /// Changes that the controller stored, events aside.
    pub writes: u64,
    /// Decisions.
    pub plans: u64,
    /// The longest time that a Rollout was in each phase.
    pub longest: BTreeMap<String, SignedDuration>,
    /// What was seen of each Rollout, by namespace and name.
    pub rollouts: BTreeMap<(String, String), Seen>,
    /// The fewest ready pods of a Rollout against those that were promised: (ready, promised) where the difference is least.
    pub low_water: Option<(i32, i32)>,
    /// The first and the last line of the trace: worlds that are alike end alike.
    pub trace: Vec<String>,
}

/// A life that was played.
#[derive(Clone, Debug)]
pub struct Played {
    /// With what its commands printed, as far as it came.
    pub script: Script,
    /// What was seen.
    pub record: Record,
    /// What was broken first, if anything.
    pub broken: Option<Broken>,
}

impl Record {
    pub(super) fn of(world: &World) -> Self {
        let low_waters = world.rollouts().into_iter();
        let low_waters = low_waters.filter_map(|key| world.inspector.low_water(&key.namespace, &key.name));
        Self {
            counts: world.inspector.counts(),
            struck: world.struck(),
            strikes: world.faults.strikes(),
            failed: world.inspector.failed(world.now()),
            writes: world.controller_writes(),
            plans: world.inspector.plans(),
            longest: world.inspector.longest_in_phase(),
            rollouts: world.inspector.rollouts(world.now()),
            low_water: low_waters.min_by_key(|(ready, promised)| ready - promised),
            trace: world.inspector.trace(),
        }
    }
}

/// Plays a script whose Rollouts must all get where they are to go, and judges it: every write by the invariants, the requests of
/// users by the meter, the end by being at rest and like that of a world in which the same objects were applied at once.
#[must_use]
pub fn play(script: &Script) -> Played {
    let commands = match scenario::understood(script) {
        Ok(commands) => commands,
        Err(error) => {
            let broken = Some(Broken::new("script", error.to_string()));
            return Played { script: script.clone(), record: Record::default(), broken };
        }
    };
    let act = || {
        run(Pace::Virtual, script.setting.options(), |mut world| async move {
            let mut played = script.clone();
            let mut outcome = scenario::follow(&mut world, &mut played, &commands, Path::new("")).await;
            if outcome.is_ok() {
                outcome = scenario::check_rest(&mut world, QUIET).await;
            }
            let record = Record::of(&world);
            let broken =
                judge(&world, &record).or_else(|| Some(Broken::new("end", outcome.err()?.to_string())));
            let end = end::End::of(&world, &script.setting.namespace).await;
            (Played { script: played, record, broken }, end)
        })
    };
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok((mut played, end)) => {
            played.broken = played.broken.or_else(|| Some(Broken::new("I10", end.difference(script)?)));
            played
        }
        Err(panic) => {
            let broken = Some(Broken::new("panic", panic_text(&*panic)));
            Played { script: script.clone(), record: Record::default(), broken }
        }
    }
}

fn judge(world: &World, record: &Record) -> Option<Broken> {
    if let Some((at, violation)) = world.inspector.violations().first() {
        return Some(Broken::new(&violation.rule, format!("{} (at {at})", violation.text)));
    }
    let lost = record.failed.ours;
    (lost > 0).then(|| {
        let cause = world.inspector.cause_of_failure().unwrap_or_default();
        Broken::new("traffic", format!("writes of the controller failed {lost} requests: {cause}"))
    })
}
