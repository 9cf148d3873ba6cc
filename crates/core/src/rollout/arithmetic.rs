//! How many pods each ReplicaSet shall have: of a basic canary (weights by replica ratio, surge and unavailability limits), and
//! of a routed one (weights are shares of a maximum, and pods follow them).
//!
//! Contract: replica arithmetic of upstream. Counts are pods.

/// Canary and stable sizes that a weight asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Pods of the new version.
    pub canary: i32,
    /// Pods of the stable version.
    pub stable: i32,
}

/// What limits a change of sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `spec.replicas`.
    pub replicas: i32,
    /// Pods allowed above `replicas`.
    pub max_surge: i32,
    /// Available pods allowed to be missing from `replicas`.
    pub max_unavailable: i32,
}

impl Limits {
    /// Available pods that must remain.
    #[must_use]
    pub fn min_available(self) -> i32 {
        self.replicas - self.max_unavailable
    }

    fn max_total(self) -> i32 {
        self.replicas.saturating_add(self.max_surge)
    }
}

/// Size and available pods of one ReplicaSet (or of several together).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    /// `spec.replicas`.
    pub size: i32,
    /// Pods that are available for certain, never more than `size`.
    pub available: i32,
    /// Pods that may be available: at least `available`, never more than `size`.
    pub possible: i32,
    /// Pods that answer requests, be it not for long enough yet: at least `available`, never more than `size`.
    pub ready: i32,
    /// Pods that answer requests and may go at any moment; none of the other numbers but `size` counts them.
    pub leaving: i32,
}

impl Pods {
    /// Pods whose number of available ones is known.
    #[must_use]
    pub fn known(size: i32, available: i32) -> Self {
        Self { size, available, possible: available, ready: available, leaving: 0 }
    }

    /// After being resized. A ReplicaSet that shrinks loses its unavailable pods first, and then perhaps others than those that
    /// are leaving.
    #[must_use]
    pub fn resized(self, size: i32) -> Self {
        let staying = (size - self.leaving).max(0);
        Self {
            size,
            available: self.available.min(staying),
            possible: self.possible.min(staying),
            ready: self.ready.min(staying),
            leaving: self.leaving.min(size),
        }
    }
}

/// The split of `replicas` pods that comes closest to `weight` percent for the canary.
///
/// Below 100 and above 0 both sides keep at least one pod, if there is more than one replica or a surge to pay for it; ties go to
/// the larger canary; the total may exceed `replicas` by one.
#[must_use]
pub fn split(replicas: i32, max_surge: i32, weight: i32) -> Split {
    if replicas <= 0 {
        return Split { canary: 0, stable: 0 };
    }
    let zero_allowed = weight == 0 || weight == 100 || (replicas == 1 && max_surge == 0);
    let share = |total: i32| i64::from(total) * i64::from(weight);
    let floor = narrow(share(replicas) / 100);
    let ceiling = narrow((share(replicas) + 99) / 100);
    let mut options: Vec<(i32, i32)> = Vec::with_capacity(4);
    for total in replicas..=replicas.saturating_add(max_surge.clamp(0, 1)) {
        let rounds_up = ceiling < total || zero_allowed;
        if rounds_up {
            options.push((ceiling, total));
        }
        let tied = rounds_up && share(total) % 100 == 50;
        if !tied && (floor != 0 || zero_allowed) {
            options.push((floor, total));
        }
    }
    let distance = |(canary, total): (i32, i32)| {
        let off = (i64::from(canary) * 100 - i64::from(weight) * i64::from(total)).abs();
        (off, i64::from(total))
    };
    let best = options.into_iter().reduce(|best, option| {
        let ((a, at), (b, bt)) = (distance(best), distance(option));
        if b * at < a * bt { option } else { best }
    });
    let (canary, total) = best.unwrap_or((0, replicas));
    Split { canary, stable: total - canary }
}

fn narrow(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// The next sizes of canary and stable on the way to `target`, within the limits.
///
/// `others` are all further ReplicaSets together: while they have pods, nothing that answers shrinks here, because they shrink first.
/// What does not answer makes room at once: it may be all the room there is.
#[must_use]
pub fn next_sizes(target: Split, limits: Limits, canary: Pods, stable: Pods, others: Pods) -> Split {
    let mut room = (limits.max_total() - canary.size - stable.size - others.size).max(0);
    let stable_growth = (target.stable - stable.size).clamp(0, room);
    room -= stable_growth;
    let canary_growth = (target.canary - canary.size).clamp(0, room);
    let grown = Split { canary: canary.size + canary_growth, stable: stable.size + stable_growth };
    if others.size > 0 {
        let shed = |pods: Pods, grown: i32, target: i32| grown.min(target.max(pods.possible).max(pods.ready));
        return Split {
            canary: shed(canary, grown.canary, target.canary),
            stable: shed(stable, grown.stable, target.stable),
        };
    }
    let increasing = target.canary >= canary.size;
    let stable_now = Pods { size: grown.stable, ..stable };
    let canary_now = Pods { size: grown.canary, ..canary };
    if increasing {
        let (stable, canary) = drain(target.stable, limits, stable_now, canary_now);
        // Stable is written first: the room that it leaves can be used at once.
        let room = (limits.max_total() - canary - stable).max(0);
        Split { canary: canary + (target.canary - canary).clamp(0, room), stable }
    } else {
        let (canary, stable) = drain(target.canary, limits, canary_now, stable_now);
        Split { canary, stable }
    }
}

/// Sizes of (drained, kept) after as much draining as availability permits.
fn drain(target: i32, limits: Limits, drained: Pods, kept: Pods) -> (i32, i32) {
    let counted = kept.available + drained.size;
    let spare = counted - limits.min_available();
    if spare <= 0 {
        return (drained.size, kept.size);
    }
    let drained_size = drained.size.min(target.max(drained.size - spare));
    let excess = drained_size + kept.size - limits.max_total();
    if excess <= 0 {
        return (drained_size, kept.size);
    }
    let needed = (limits.min_available() - drained.resized(drained_size).available).max(0);
    let kept_size = kept.size.min(needed.max(kept.size - excess));
    let rest = (drained_size + kept_size - limits.max_total()).max(0);
    let floor = (limits.min_available() - kept.resized(kept_size).available).max(0);
    (drained_size.min(floor.max(drained_size - rest)), kept_size)
}

/// The next sizes of the other ReplicaSets (newest revision first in `others`): what is not available goes at once, the rest as far as
/// `available` pods of all ReplicaSets exceed what must remain.
#[must_use]
pub fn drain_others(limits: Limits, available: i32, others: &[Pods]) -> Vec<i32> {
    let mut spare = (available - limits.min_available()).max(0);
    others
        .iter()
        .map(|pods| {
            let kept = (pods.possible - spare).max(0);
            spare -= pods.possible - kept;
            kept
        })
        .collect()
}

/// Shares of routed traffic, and the pods that they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// `spec.replicas`.
    pub replicas: i32,
    /// The sum of all weights.
    pub max_weight: i32,
    /// Floor of a count that is not 0.
    pub min_pods: i32,
}

impl Shares {
    /// Pods that a weight asks for: rounded up, and lifted to the floor.
    #[must_use]
    pub fn pods(self, weight: i32) -> i32 {
        match self.exact(weight) {
            0 => 0,
            count => count.max(self.min_pods.min(self.replicas)),
        }
    }

    /// Pods that a weight asks for, rounded up.
    #[must_use]
    pub fn exact(self, weight: i32) -> i32 {
        let max = i64::from(self.max_weight.max(1));
        let weight = i64::from(weight).clamp(0, max);
        narrow((i64::from(self.replicas.max(0)) * weight + max - 1) / max)
    }

    /// The same, rounded down: what a share needs at least.
    #[must_use]
    pub fn needed(self, weight: i32) -> i32 {
        let max = i64::from(self.max_weight.max(1));
        let weight = i64::from(weight).clamp(0, max);
        narrow(i64::from(self.replicas.max(0)) * weight / max)
    }

    /// The largest weight that so many available pods can bear, of all traffic borne by all replicas.
    #[must_use]
    pub fn bearable(self, available: i32) -> i32 {
        if self.replicas <= 0 {
            return self.max_weight;
        }
        let available = i64::from(available.clamp(0, self.replicas));
        narrow(i64::from(self.max_weight) * available / i64::from(self.replicas))
    }
}

/// What the way back of an aborted canary whose stable version has shrunk (`dynamicStableScale`) goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WayBack {
    /// Available pods of stable.
    pub stable: i32,
    /// The canary's weight that is routed now.
    pub routed: i32,
}

impl WayBack {
    /// The weight that sizes go by: back over the weights of the steps, as stable grows in their measure.
    #[must_use]
    pub fn stage(self, shares: Shares, weights_of_steps: impl DoubleEndedIterator<Item = i32>) -> i32 {
        if self.stable >= shares.replicas {
            return 0;
        }
        weights_of_steps.rev().find(|weight| *weight < self.routed).unwrap_or(0).max(0)
    }

    /// The weight to route at a stage: never more than now, and only as much less as stable can bear.
    #[must_use]
    pub fn weight(self, shares: Shares, stage: i32) -> i32 {
        let borne = shares.bearable(self.stable);
        if stage == 0 {
            (shares.max_weight - borne).min(self.routed)
        } else if borne < shares.max_weight - stage {
            self.routed
        } else {
            stage.min(self.routed)
        }
    }
}

#[cfg(test)]
mod tests;
