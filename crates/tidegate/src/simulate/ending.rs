//! How a play ended, for one Rollout.

use std::time::Duration;

use tidegate_sim::World;
use tidegate_sim::timeline::{Key, Timeline};
use tokio::time::Instant;

use super::play::LIMIT;
use super::table::time;

/// How it ended for one Rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    /// Phase and message; `None`: it was deleted.
    pub(super) state: Option<(String, String)>,
    /// When it became so, since the beginning.
    pub(super) after: Duration,
    /// Time was up.
    pub(super) is_cut_short: bool,
    /// Fewest ready pods since it was first complete, and how many its strategy promised then.
    pub(super) fewest_ready: Option<(i32, i32)>,
    /// What it waits for; nothing when it is Healthy.
    pub(super) waits: Vec<String>,
}

impl Ending {
    pub(super) fn is_healthy(&self) -> bool {
        self.state.as_ref().is_some_and(|(phase, _)| phase == "Healthy")
    }

    /// How it stands for one Rollout now.
    pub(super) async fn of(world: &World, timeline: &Timeline, key: &Key) -> Self {
        let last = timeline.last(key);
        let state = last.map(|(moment, _)| (moment.phase.clone(), moment.message.clone()));
        let deleted = || timeline.entries_of(key).last().map_or(Duration::ZERO, |entry| entry.at);
        let mut ending = Self {
            state,
            after: last.map_or_else(deleted, |(_, changed)| changed - timeline.began),
            is_cut_short: Instant::now() >= timeline.began + LIMIT,
            fewest_ready: world.inspector.low_water(&key.namespace, &key.name),
            waits: Vec::new(),
        };
        if ending.state.is_some() && !ending.is_healthy() {
            ending.waits = waits(world, timeline, key).await;
        }
        ending
    }
}

async fn waits(world: &World, timeline: &Timeline, key: &Key) -> Vec<String> {
    if world.gate().is_none() {
        return vec!["the controller, which was crashed and not started again".to_owned()];
    }
    let Some(plan) = world.second_plan(&key.namespace, &key.name).await else { return Vec::new() };
    let moment = timeline.last(key);
    // The calendar of the play means nothing to anybody: instants are told as the table tells them.
    let instant = plan.wake_at.map(|at| {
        let from_now = Duration::try_from(at.duration_since(world.now())).unwrap_or_default();
        (at.to_string(), time(timeline.began.elapsed() + from_now))
    });
    let waits = plan.report.waits.iter().map(|wait| {
        // An invalid spec is told by the message already.
        let is_told = moment.is_some_and(|(moment, _)| moment.message.ends_with(&wait.because));
        let because = if is_told { String::new() } else { format!(": {}", wait.because) };
        let until =
            instant.as_ref().filter(|(at, _)| *at == wait.until).map_or(&wait.until, |(_, time)| time);
        format!("{} {}{because}, until {until}", wait.object, wait.field)
    });
    waits.collect()
}
