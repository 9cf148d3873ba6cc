//! Waiting in a scenario: each summary of a Rollout is printed when it comes by.

use std::collections::BTreeMap;
use std::time::Duration;

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
            let summary = watch.last.into_values().collect::<Vec<_>>().join("; ");
            return Err(CommandError::Waited { wanted: wanted.to_string(), summary });
        }
    }
}
