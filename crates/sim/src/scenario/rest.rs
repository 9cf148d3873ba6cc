//! What must hold once a world has come to rest.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tidegate_api::rollout::Rollout;
use tidegate_core::invariants::{self, Violation};
use tidegate_core::{Plan, Purpose, Service};

use super::script::ScriptError;
use crate::world::World;

/// How long nothing may be done at the end of a scenario.
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// How long a world may take to come to rest.
const LIMIT: Duration = Duration::from_secs(3_600);

/// Nothing was broken, nothing is left to do, and nothing is done for `quiet`; nor is there anything to do after that.
pub(crate) async fn check_rest(world: &mut World, quiet: Duration) -> Result<(), ScriptError> {
    let end = |text: String| Err(ScriptError::End(text));
    if world.gate().is_none() {
        world.start_controller();
    }
    if !world.come_to_rest(LIMIT).await {
        return end("the world does not come to rest within an hour".into());
    }
    if world.controller_has_ended() {
        return end("the controller has ended".into());
    }
    rests(world).await?;
    let before = (world.controller_writes(), world.live_reads());
    world.pass(quiet).await;
    let writes = world.controller_writes() - before.0;
    if writes > 0 {
        return end(format!("{writes} writes in {} h at rest", quiet.as_secs() / 3600));
    }
    let reads = world.live_reads() - before.1;
    if reads > 0 {
        return end(format!("waits for a write of its own to be told, and has looked {reads} times"));
    }
    rests(world).await?;
    if let Some((at, violation)) = world.inspector.violations().first() {
        return end(format!("broken at {at}: {violation}"));
    }
    match world.inspector.failed(world.now()).ours {
        0 => Ok(()),
        failed => {
            let cause = world.inspector.cause_of_failure().unwrap_or_default();
            end(format!("writes of the controller failed {failed} requests: {cause}"))
        }
    }
}

/// Each Rollout has nothing left to do, and says so.
async fn rests(world: &World) -> Result<(), ScriptError> {
    let objects = world.server.list("rollouts.argoproj.io", None);
    for object in &objects {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
        let end = |text: String| Err(ScriptError::End(format!("{namespace}/{name}: {text}")));
        let Some(plan) = world.second_plan(&namespace, &name).await else {
            return end("the controller does not know it".into());
        };
        if let Some(violation) = judged(world, (&namespace, &name), plan) {
            return end(violation.to_string());
        }
    }
    let rollouts: Vec<Rollout> = objects.iter().filter_map(|it| Rollout::deserialize(&**it).ok()).collect();
    let services = world.server.list("services", None);
    let services: Vec<Service> = services.iter().filter_map(|object| Service::parse(object).ok()).collect();
    match invariants::marks_are_kept(&services, &rollouts) {
        Some(violation) => Err(ScriptError::End(violation.to_string())),
        None => Ok(()),
    }
}

fn judged(world: &World, (namespace, name): (&str, &str), mut plan: Plan) -> Option<Violation> {
    let rest = world.inspector.observation(namespace, name)?;
    // What a disruption budget refuses is asked for again and again.
    plan.writes
        .retain(|write| write.purpose != Purpose::Evict || !is_refused(world, namespace, &write.object.name));
    invariants::is_at_rest(&plan, &rest)
        .or_else(|| invariants::nothing_is_overdue(&plan, world.now()))
        .or_else(|| invariants::abort_has_ended(&rest))
        .or_else(|| invariants::counters_agree(&rest))
}

/// A disruption budget lets no pod go that is like this one.
fn is_refused(world: &World, namespace: &str, pod: &str) -> bool {
    let Some(pod) = world.server.get("pods", namespace, pod) else { return false };
    let budgets = world.server.list("poddisruptionbudgets.policy", Some(namespace));
    let is_its = |budget: &Value| {
        let labels = budget["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
        labels.into_iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value)
    };
    let mut binding = budgets.iter().filter(|budget| is_its(budget));
    binding.any(|budget| budget["status"]["disruptionsAllowed"].as_i64().unwrap_or(0) == 0)
}
