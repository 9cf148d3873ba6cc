//! `spec.restartAt`: pods that are older than it are evicted, a few at a time, and replaced by their ReplicaSets.
//!
//! Scaling and restarting share one budget of pods that may be missing. Where there is none, and for a ReplicaSet of a single
//! pod, the successor comes first: the ReplicaSet has one pod more meanwhile.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use tidegate_api::meta::Time;
use tidegate_api::rollout::RolloutStatus;

use super::draft::Draft;
use super::phase::is_restart_due;
use super::pins;
use super::services;
use super::sizes::{self, Restarted};
use super::view::View;
use crate::plan::{Purpose, Request, Timer, Write};
use crate::report::Wait;
use crate::snapshot::{Observed, Pod, ReplicaSet, Snapshot};

/// After this time pods that could not be evicted are tried again; upstream's interval.
const TRY_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// A pod that is not available is given this time. A server whose clock is behind would make pods that are old from the
/// beginning, and they would be replaced without end.
const YOUTH: SignedDuration = SignedDuration::from_secs(10);

/// Whether a decision needs to know single pods for it.
pub(super) fn needs_pods(snapshot: &Snapshot, now: Timestamp) -> bool {
    let rollout = &snapshot.rollout;
    let is_due = is_restart_due(&rollout.spec, &rollout.status, now);
    !rollout.status.current_pod_hash.is_empty() && (is_due || !snapshot.evictions_under_way.is_empty())
}

/// What a snapshot says of pods, put right.
pub(super) struct Counted<'a> {
    pub(super) snapshot: Cow<'a, Snapshot>,
    /// ReplicaSets have counted pods that are not there any more.
    pub(super) statuses_lag: bool,
}

/// What is known while a restart is under way. Its own evictions take pods that the statuses of ReplicaSets count until their
/// controller has heard of it: where a status counts more than will be there, it is put right.
pub(super) fn counted(snapshot: &Snapshot, now: Timestamp) -> Counted<'_> {
    let mut counted = Counted { snapshot: Cow::Borrowed(snapshot), statuses_lag: false };
    let (Observed::Found(pods), true) = (&snapshot.pods, needs_pods(snapshot, now)) else { return counted };
    let is_ours =
        |rs: &ReplicaSet| rs.metadata.controller_uid() == Some(snapshot.rollout.metadata.uid.as_str());
    for (index, rs) in snapshot.replica_sets.iter().enumerate().filter(|(_, rs)| is_ours(rs)) {
        let ready = number(pods.iter().filter(|pod| is_its_own(rs, pod) && pod.ready_since.is_some()));
        let staying = ready - leaving(snapshot, rs);
        let published = rs.status.ready_replicas.max(rs.status.available_replicas);
        counted.statuses_lag |= published > ready;
        if published > staying {
            let status = &mut counted.snapshot.to_mut().replica_sets[index].status;
            status.ready_replicas = status.ready_replicas.min(staying);
            status.available_replicas = status.available_replicas.min(staying);
        }
    }
    counted
}

/// Its ready pods that an eviction may take which nobody has answered.
pub(super) fn leaving(snapshot: &Snapshot, rs: &ReplicaSet) -> i32 {
    let pods = snapshot.pods.found().into_iter().flatten();
    number(pods.filter(|pod| is_its_own(rs, pod) && pod.ready_since.is_some() && is_leaving(snapshot, pod)))
}

fn is_leaving(snapshot: &Snapshot, pod: &Pod) -> bool {
    snapshot.evictions_under_way.contains(&pod.metadata.uid)
}

fn number<'a>(pods: impl Iterator<Item = &'a Pod>) -> i32 {
    i32::try_from(pods.count()).unwrap_or(i32::MAX)
}

/// A pod of this ReplicaSet that is not on its way out.
fn is_its_own(rs: &ReplicaSet, pod: &Pod) -> bool {
    pod.metadata.controller_uid() == Some(rs.metadata.uid.as_str())
        && pod.metadata.deletion_timestamp.is_none()
}

/// A ReplicaSet and its pods that are not on their way out.
struct Group<'a> {
    replica_set: &'a ReplicaSet,
    pods: Vec<&'a Pod>,
    /// Those that have to go.
    old: Vec<&'a Pod>,
}

/// ReplicaSets in the order in which they are restarted: stable, new, then by age. `None`: no restart is due.
fn groups<'a>(view: &View<'a>, status: &RolloutStatus) -> Option<Vec<Group<'a>>> {
    let spec = &view.rollout().spec;
    let at = spec.restart_at.filter(|_| is_restart_due(spec, status, view.now))?;
    let pods: &[Pod] = match &view.snapshot.pods {
        Observed::Found(pods) => pods,
        _ if view.owned.iter().all(|rs| rs.is_idle()) => &[],
        _ => return None,
    };
    let mut order: Vec<&ReplicaSet> = view.owned.clone();
    order.sort_by_key(|rs| {
        let is_new = view.new.is_some_and(|new| new.metadata.uid == rs.metadata.uid);
        (rs.hash() != status.stable_rs, !is_new)
    });
    let group = |replica_set: &'a ReplicaSet| {
        let pods: Vec<&Pod> = pods.iter().filter(|pod| is_its_own(replica_set, pod)).collect();
        let is_old = |pod: &&Pod| pod.metadata.creation_timestamp < Some(at);
        let mut old: Vec<&Pod> = pods.iter().copied().filter(is_old).collect();
        old.sort_by_key(|pod| (pod.metadata.creation_timestamp, pod.metadata.name.clone()));
        Group { replica_set, pods, old }
    };
    Some(order.into_iter().map(group).collect())
}

/// Notes that the restart is complete, or when it is due.
pub(super) fn note(view: &View<'_>, draft: &mut Draft) {
    let restart_at = view.rollout().spec.restart_at.filter(|at| Some(*at) != draft.status.restarted_at);
    let Some(at) = restart_at.map(Time::timestamp) else { return };
    if at > view.now {
        return draft.timer(Timer::RestartDue(at));
    }
    let Some(groups) = groups(view, &draft.status) else { return };
    let left: usize = groups.iter().map(|group| group.old.len()).sum();
    if left == 0 && !view.statuses_lag {
        draft.status.restarted_at = restart_at;
        return;
    }
    let (because, until) = if left == 0 {
        // Once the restart is over, single pods are not looked at any more.
        draft.timer(Timer::RestartGoesOn(view.now + TRY_AGAIN));
        ("pods that were evicted are still counted".to_owned(), "their ReplicaSets say that they are gone")
    } else {
        (format!("{left} pods are older"), "all of them are replaced")
    };
    draft.waits.push(Wait {
        object: format!("Rollout/{}", view.rollout().metadata.name),
        field: "spec.restartAt".into(),
        because,
        since: Some(at),
        until: until.into(),
    });
}

/// The version that is being restarted now.
pub(super) fn first<'a>(view: &View<'a>, status: &RolloutStatus) -> Option<&'a str> {
    let group = groups(view, status)?.into_iter().find(|group| !group.old.is_empty())?;
    Some(group.replica_set.hash())
}

/// Evicts as many old pods as may be missing. Only while nothing else changes.
pub(super) fn evictions(view: &View<'_>, draft: &mut Draft) -> Vec<Write> {
    let Some(groups) = groups(view, &draft.status) else { return Vec::new() };
    if groups.iter().any(|group| !group.replica_set.is_observed())
        || groups.iter().all(|it| it.old.is_empty())
    {
        return Vec::new();
    }
    draft.timer(Timer::RestartGoesOn(view.now + TRY_AGAIN));
    let Restarted { surging, kept } = sizes::restarted(view, &draft.status);
    let (pins, may_miss) = (pins::pins(view), view.limits().max_unavailable);
    let is_available = |pod: &Pod| pod.is_available(view.rollout().spec.min_ready_seconds, view.now);
    let is_asked = |pod: &Pod| is_leaving(view.snapshot, pod);
    let available = |group: &Group<'_>| {
        number(group.pods.iter().copied().filter(|pod| is_available(pod) && !is_asked(pod)))
    };
    // Then each pod may be needed: nothing tells one that is there for the restart alone.
    let uncertain = services::uncertain(view);
    // A size without the pod that is there for the restart alone.
    let size = |rs: &ReplicaSet| match surging {
        Some((hash, aim)) if hash == rs.hash() && uncertain.is_none() => aim,
        _ => rs.replicas,
    };
    // What only stays up for a while is no part of what all others share, unless they share their traffic.
    let is_shared = services::leave_versions_apart(view);
    let is_apart = |group: &&Group<'_>| !is_shared && kept.contains(&group.replica_set.hash());
    let shared = groups.iter().filter(|group| !is_apart(group));
    let (sizes, there) = shared.fold((0_i32, 0_i32), |(sizes, there), group| {
        (sizes + size(group.replica_set), there + available(group))
    });
    let mut spare = there - (view.replicas.max(sizes) - may_miss);
    let mut writes = Vec::new();
    for group in &groups {
        let rs = group.replica_set;
        let pinned = pins.iter().find(|pin| pin.hash == rs.hash()).map_or(0, |pin| pin.least);
        let least = if uncertain.is_some() {
            (rs.replicas - may_miss).max(1)
        } else if is_apart(&group) {
            rs.replicas - may_miss.max(1)
        } else {
            i32::from(size(rs) == 1)
        };
        let least = least.max(pinned);
        let mut spare_here = available(group) - least;
        for pod in &group.old {
            if is_available(pod) {
                // One that was asked to go is counted as gone.
                let cost = i32::from(!is_asked(pod));
                if spare_here < cost || (spare < cost && !is_apart(&group)) {
                    continue;
                }
                spare_here -= cost;
                spare -= if is_apart(&group) { 0 } else { cost };
            } else if pod.ready_since.is_some() || is_young(pod, view.now) {
                // It may answer requests already, perhaps alone.
                continue;
            }
            writes.push(evict(view, pod));
        }
    }
    if writes.is_empty() {
        draft.waits.extend(uncertain);
    }
    writes
}

fn is_young(pod: &Pod, now: Timestamp) -> bool {
    pod.metadata.creation_timestamp.is_some_and(|created| now.duration_since(created.timestamp()) < YOUTH)
}

fn evict(view: &View<'_>, pod: &Pod) -> Write {
    Write {
        object: view.object("Pod", &pod.metadata.name),
        request: Request::Evict { uid: pod.metadata.uid.clone() },
        purpose: Purpose::Evict,
        events: Vec::new(),
    }
}
