//! How many pods each ReplicaSet of a Deployment has.

use serde_json::Value;

use super::{DESIRED, MAX, Set, Work};
use crate::controllers::share;
use crate::json::{at, set, text};

fn wanted(deployment: &Value) -> i64 {
    at(deployment, &["spec", "replicas"]).as_i64().unwrap_or(1)
}

/// How many pods there may be too many, and too few.
fn bounds(deployment: &Value) -> (i64, i64) {
    if text(deployment, &["spec", "strategy", "type"]) == "Recreate" {
        return (0, 0);
    }
    let rolling = at(deployment, &["spec", "strategy", "rollingUpdate"]);
    let wanted = wanted(deployment);
    let surge = share(at(rolling, &["maxSurge"]), wanted, true);
    let unavailable = share(at(rolling, &["maxUnavailable"]), wanted, false);
    // With neither nothing would ever move.
    let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
    (surge, unavailable.min(wanted))
}

pub(super) fn max_unavailable(deployment: &Value) -> i64 {
    bounds(deployment).1
}

/// What the annotations of a ReplicaSet say: pods wanted, and pods at most.
pub(super) fn promised(deployment: &Value) -> (i64, i64) {
    let wanted = wanted(deployment);
    (wanted, wanted + bounds(deployment).0)
}

fn resize(work: &mut Work<'_>, index: usize, size: i64) {
    let (desired, max) = promised(work.deployment);
    let this = &mut work.sets[index];
    if this.replicas() != size {
        set(&mut this.object, &["spec", "replicas"], size.into());
        this.annotate(DESIRED, desired);
        this.annotate(MAX, max);
    }
}

fn total(sets: &[Set]) -> i64 {
    sets.iter().map(Set::replicas).sum()
}

fn active(work: &Work<'_>) -> Vec<usize> {
    (0..work.sets.len()).filter(|index| work.sets[*index].replicas() > 0).collect()
}

fn old(work: &Work<'_>) -> Vec<usize> {
    (0..work.sets.len()).filter(|index| Some(*index) != work.new).collect()
}

/// Whether the Deployment has another size than its ReplicaSets were made for.
pub(super) fn is_scaled(work: &Work<'_>) -> bool {
    let wanted = wanted(work.deployment);
    let differs = |index: &usize| work.sets[*index].annotation(DESIRED).is_some_and(|known| known != wanted);
    active(work).iter().any(differs)
}

/// Brings the ReplicaSets to the Deployment's size without moving pods from one to another.
pub(super) fn scale(work: &mut Work<'_>) {
    let wanted = wanted(work.deployment);
    let active = active(work);
    let one = match active.as_slice() {
        [] => work.new.or(work.sets.len().checked_sub(1)),
        [one] => Some(*one),
        _ => None,
    };
    if let Some(one) = one {
        return resize(work, one, wanted);
    }
    if work.new.is_some_and(|new| is_saturated(&work.sets[new], wanted)) {
        old(work).into_iter().for_each(|index| resize(work, index, 0));
        return;
    }
    in_proportion(work, active);
}

fn is_saturated(new: &Set, wanted: i64) -> bool {
    new.replicas() == wanted
        && new.annotation(DESIRED) == Some(wanted)
        && new.counted("availableReplicas") == wanted
}

fn in_proportion(work: &mut Work<'_>, mut active: Vec<usize>) {
    let (wanted, max) = promised(work.deployment);
    let allowed = if wanted > 0 { max } else { 0 };
    let mut missing = allowed - total(&work.sets);
    let grows = missing > 0;
    // The largest first; of equals the youngest when growing, the oldest when shrinking.
    active.sort_by_key(|index| {
        let age = i64::try_from(*index).unwrap_or(0);
        (-work.sets[*index].replicas(), if grows { -age } else { age })
    });
    let mut sizes = Vec::new();
    for index in &active {
        let this = &work.sets[*index];
        let base = this.annotation(MAX).filter(|max| *max > 0).unwrap_or(max);
        let fair = (2 * this.replicas() * allowed + base) / (2 * base) - this.replicas();
        let change = if grows { fair.clamp(0, missing) } else { fair.clamp(missing, 0) };
        missing -= change;
        sizes.push(this.replicas() + change);
    }
    if let Some(first) = sizes.first_mut() {
        *first = (*first + missing).max(0);
    }
    for (index, size) in active.into_iter().zip(sizes) {
        resize(work, index, size);
    }
}

/// One step of a rolling update.
pub(super) fn roll(work: &mut Work<'_>) {
    if !grow_new(work) {
        shrink_old(work);
    }
}

/// Gives the new ReplicaSet what there is room for; tells whether that changed it.
pub(super) fn grow_new(work: &mut Work<'_>) -> bool {
    let Some(new) = work.new else { return false };
    let (wanted, max) = promised(work.deployment);
    let present = work.sets[new].replicas();
    let room = if text(work.deployment, &["spec", "strategy", "type"]) == "Recreate" {
        wanted
    } else {
        (max - total(&work.sets)).max(0)
    };
    let size = if present > wanted { wanted } else { (present + room).min(wanted) };
    resize(work, new, size);
    size != present
}

/// Takes all pods from the old ReplicaSets; tells whether there were any.
pub(super) fn drain_old(work: &mut Work<'_>) -> bool {
    let full: Vec<usize> = old(work).into_iter().filter(|index| work.sets[*index].replicas() > 0).collect();
    full.iter().for_each(|index| resize(work, *index, 0));
    !full.is_empty()
}

fn shrink_old(work: &mut Work<'_>) {
    let Some(new) = work.new else { return };
    let min_available = wanted(work.deployment) - max_unavailable(work.deployment);
    let new_unavailable = work.sets[new].replicas() - work.sets[new].counted("availableReplicas");
    let mut spare = total(&work.sets) - min_available - new_unavailable;
    // Those that are of no use go first.
    for index in old(work) {
        let this = &work.sets[index];
        let useless = (this.replicas() - this.counted("availableReplicas")).min(spare).max(0);
        spare -= useless;
        let size = this.replicas() - useless;
        resize(work, index, size);
    }
    let available: i64 = work.sets.iter().map(|set| set.counted("availableReplicas")).sum();
    let mut spare = spare.min(available - min_available);
    for index in old(work) {
        let going = work.sets[index].replicas().min(spare).max(0);
        spare -= going;
        let size = work.sets[index].replicas() - going;
        resize(work, index, size);
    }
}
