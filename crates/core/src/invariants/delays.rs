//! I2: pods that open connections may still go to.

use jiff::{SignedDuration, Timestamp};
use tidegate_api::labels;
use tidegate_api::meta::Time;

use super::{Observation, Violation, violation};
use crate::snapshot::ReplicaSet;

/// The delay where the spec gives none, in seconds.
const DEFAULT_DELAY: i32 = 30;
/// Clocks may be off by so much.
const SLACK: SignedDuration = SignedDuration::from_secs(15);

/// I2: a version that was replaced, or whose update was aborted, loses its last ready pods by our doing only when its delay is over.
#[must_use]
pub fn waits_for_the_delay(before: &Observation, after: &Observation, now: Timestamp) -> Option<Violation> {
    if after.rollout.spec.replicas_or_default() == 0 {
        return None;
    }
    before.replica_sets.iter().find_map(|rs| {
        let is_gone = after.named(&rs.metadata.name).is_some_and(|rs| rs.replicas == 0);
        if !is_gone || before.kept(rs) == 0 || !has_a_delay(after, rs) {
            return None;
        }
        let deadline = rs.metadata.annotations.get(labels::SCALE_DOWN_DEADLINE);
        let over = deadline.and_then(|text| text.parse::<Time>().ok());
        let is_over = over.is_some_and(|at| at.timestamp() <= now + SLACK);
        (!is_over).then(|| {
            let until = deadline.map_or("no delay has begun", String::as_str);
            violation("I2", format!("{} goes before its delay is over: {until}", rs.metadata.name))
        })
    })
}

/// Whether a ReplicaSet must stay for a while after traffic has left it.
fn has_a_delay(now: &Observation, rs: &ReplicaSet) -> bool {
    let status = &now.rollout.status;
    let routed =
        now.canary().filter(|canary| canary.traffic_routing.is_some() && !canary.dynamic_stable_scale);
    let (delay, of_abort, limit) = match (routed, now.blue_green()) {
        (Some(it), _) => (
            it.scale_down_delay_seconds,
            it.abort_scale_down_delay_seconds,
            it.scale_down_delay_revision_limit,
        ),
        (None, Some(it)) => (
            it.scale_down_delay_seconds,
            it.abort_scale_down_delay_seconds,
            it.scale_down_delay_revision_limit,
        ),
        (None, None) => return false,
    };
    match rs.hash() {
        hash if hash == status.stable_rs => false,
        // A step may want none.
        hash if hash == status.current_pod_hash => status.abort && of_abort.unwrap_or(DEFAULT_DELAY) > 0,
        // How many may wait is another rule.
        _ => delay.unwrap_or(DEFAULT_DELAY) > 0 && limit.is_none(),
    }
}
