//! Waiting in a scenario: each summary of a Rollout is printed when it comes by.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_ops::operations::PromoteOptions;
use tokio::time::Instant;

use super::command::{CommandError, Wanted};
use crate::world::World;

/// How closely is looked: what changes and changes back within is not seen.
const GRAIN: Duration = Duration::from_millis(100);
/// How long words are waited for.
const LONGEST: Duration = Duration::from_secs(3600);

/// Summaries of all Rollouts as they change, each behind the seconds since the wait began.
struct Watch<'a> {
    world: &'a World,
    namespace: &'a str,
    began: Instant,
    last: BTreeMap<String, String>,
    lines: Vec<String>,
}

impl<'a> Watch<'a> {
    fn begin(world: &'a World, namespace: &'a str) -> Self {
        Self { world, namespace, began: Instant::now(), last: BTreeMap::new(), lines: Vec::new() }
    }

    fn look(&mut self) {
        let names = self.world.rollout_names(self.namespace);
        let passed = self.began.elapsed().as_millis();
        for name in &names {
            let summary = self.world.summary(self.namespace, name);
            if self.last.get(name) == Some(&summary) {
                continue;
            }
            let of = if names.len() > 1 { format!("{name}: ") } else { String::new() };
            self.lines.push(format!("{:>6}.{} s  {of}{summary}", passed / 1000, passed % 1000 / 100));
            self.last.insert(name.clone(), summary);
        }
        self.last.retain(|name, _| names.contains(name));
    }
}

pub(super) async fn wait(world: &World, namespace: &str, time: Duration) -> String {
    let mut watch = Watch::begin(world, namespace);
    let end = watch.began + time;
    watch.look();
    while world.next_look(watch.began, GRAIN, end).await {
        watch.look();
    }
    watch.lines.join("\n")
}

/// How soon, and how late at most, is looked again where nothing has changed: the controller may not have known what is stored.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));

/// Waits, and promotes each Rollout that waits for a person.
pub(super) async fn attend(world: &World, namespace: &str, time: Duration) -> String {
    let mut watch = Watch::begin(world, namespace);
    let end = watch.began + time;
    let mut patience = PATIENCE.0;
    loop {
        watch.look();
        let names = world.rollout_names(namespace);
        let paused = names.iter().filter(|name| world.is_left_paused(namespace, name));
        let paused: Vec<&String> = paused.collect();
        for name in &paused {
            if world.waits_for_a_person(namespace, name).await {
                let passed = watch.began.elapsed().as_millis();
                let said = world.promote(namespace, name, PromoteOptions::default()).await;
                let said = said.unwrap_or_else(|error| format!("Error: {error}"));
                watch.lines.push(format!("{:>6}.{} s  {said}", passed / 1000, passed % 1000 / 100));
            }
        }
        let until = if paused.is_empty() { end } else { end.min(Instant::now() + patience) };
        if world.next_look(watch.began, GRAIN, until).await {
            patience = PATIENCE.0;
        } else if until == end {
            return watch.lines.join("\n");
        } else {
            patience = PATIENCE.1.min(patience * 2);
        }
    }
}

impl World {
    /// Whether a Rollout is in a pause that a promotion would end, as it is stored.
    fn is_left_paused(&self, namespace: &str, name: &str) -> bool {
        let Some(object) = self.server.get("rollouts.argoproj.io", namespace, name) else { return false };
        let (spec, status) = (&object["spec"], &object["status"]);
        let has_conditions = status["pauseConditions"].as_array().is_some_and(|all| !all.is_empty());
        let generation = object["metadata"]["generation"].to_string();
        let is_seen = status["observedGeneration"].as_str() == Some(generation.as_str());
        is_seen && status["phase"] == "Paused" && (has_conditions || spec["paused"] == true)
    }

    /// Whether nothing but a person ends the pause of a Rollout, as far as the controller can tell now.
    pub async fn waits_for_a_person(&self, namespace: &str, name: &str) -> bool {
        if !self.is_left_paused(namespace, name) {
            return false;
        }
        let plan = self.second_plan(namespace, name).await;
        // The plan has taken its time.
        self.is_left_paused(namespace, name)
            && plan.is_some_and(|plan| plan.writes.is_empty() && plan.wake_at.is_none())
    }
}

pub(super) async fn wait_until(
    world: &World,
    namespace: &str,
    wanted: &Wanted,
) -> Result<String, CommandError> {
    let mut watch = Watch::begin(world, namespace);
    let end = watch.began + LONGEST;
    world.pass(GRAIN).await;
    loop {
        watch.look();
        if wanted.is_met(watch.last.values()) {
            return Ok(watch.lines.join("\n"));
        }
        if !world.next_look(watch.began, GRAIN, end).await {
            let (wanted, summaries) = (wanted.to_string(), watch.last.into_values().collect::<Vec<_>>());
            return Err(match summaries.join("; ") {
                none if none.is_empty() => CommandError::NoRollout(wanted),
                summary => CommandError::Waited { wanted, summary },
            });
        }
    }
}
