//! When a ReplicaSet that nobody needs any more may go: proxies and open connections know of it for a while.
//!
//! The instant stands in the annotation `scale-down-deadline` of the ReplicaSet. Each ReplicaSet has its own.

use jiff::{SignedDuration, Timestamp};
use tidegate_api::labels;
use tidegate_api::meta::Time;
use tidegate_api::rollout::{PauseReason, RolloutStatus};

use super::{Deadline, Wish, Wishes, carried_over};
use crate::plan::Timer;
use crate::report::Wait;
use crate::rollout::view::View;
use crate::snapshot::ReplicaSet;

/// The delay where the spec gives none, in seconds.
const DEFAULT_DELAY: i32 = 30;

/// How long replaced ReplicaSets stay up, and how many of them.
pub(super) struct Rules {
    /// 0: they go at once.
    pub(super) seconds: i32,
    /// How many may wait at the same time; `None`: all.
    pub(super) limit: Option<i32>,
    /// The size they have meanwhile; `None`: the one they have.
    pub(super) size: Option<i32>,
}

impl Rules {
    pub(super) fn new(seconds: Option<i32>, limit: Option<i32>) -> Self {
        Self { seconds: seconds.unwrap_or(DEFAULT_DELAY), limit, size: None }
    }
}

/// The recorded deadline. One that cannot be read is over.
pub(super) fn deadline(rs: &ReplicaSet) -> Option<Timestamp> {
    let text = rs.metadata.annotations.get(labels::SCALE_DOWN_DEADLINE)?;
    Some(text.parse::<Time>().map_or(Timestamp::MIN, Time::timestamp))
}

/// The new version was replaced a moment ago, and its pods are still up: going back needs no second look.
pub(in crate::rollout) fn is_fast_track(view: &View<'_>, status: &RolloutStatus) -> bool {
    let (Some(new), Some(stable)) = (view.new, view.old_stable(status)) else { return false };
    // The deadline of an abort is no proof that it ever was stable.
    let is_aborted = status.abort || view.rollout().status.aborted_at.is_some();
    // Nor is one that a retry has not taken away yet: the pause that it began stands.
    let is_paused = status.pause_conditions.iter().any(|it| it.reason == PauseReason::BlueGreenPause);
    !is_aborted
        && !is_paused
        && new.age_key() < stable.age_key()
        && deadline(new).is_some_and(|at| at > view.now)
}

/// Replaced ReplicaSets, newest revision first: those that something still refers to stay, the others go after their delay.
pub(super) fn replaced<'a>(
    view: &View<'a>,
    others: impl IntoIterator<Item = &'a ReplicaSet>,
    rules: &Rules,
    wishes: &mut Wishes<'a>,
) {
    let mut waiting = 0;
    for rs in others.into_iter().filter(|rs| rs.replicas > 0) {
        if let Some(by) = referrer(view, rs.hash()) {
            wishes.waits.push(Wait {
                object: format!("ReplicaSet/{}", rs.metadata.name),
                field: "spec.replicas".into(),
                because: format!("{by} still refers to this replaced version"),
                since: None,
                until: format!("{by} refers to another version"),
            });
            wishes.list.push(Wish::kept(rs, rs.replicas).until(Deadline::Keep));
            continue;
        }
        let may_wait = rules.seconds > 0 && rules.limit.is_none_or(|limit| waiting < limit);
        let end = match deadline(rs) {
            _ if !may_wait => None,
            Some(end) => (end > view.now).then_some((end, Deadline::Keep)),
            None => Some(from_now(view, rules.seconds)),
        };
        let Some((end, deadline)) = end else {
            wishes.list.push(Wish::new(rs, 0));
            continue;
        };
        waiting += 1;
        wishes.timers.push(Timer::ScaleDownDelayEnds(end));
        wishes.list.push(Wish::kept(rs, rules.size.unwrap_or(rs.replicas)).until(deadline));
    }
}

fn from_now(view: &View<'_>, seconds: i32) -> (Timestamp, Deadline) {
    let now = Time::truncated(view.now);
    let end = now.timestamp() + SignedDuration::from_secs(i64::from(seconds));
    (end, Deadline::Set(Time::truncated(end)))
}

/// The new version of an aborted update, once nothing is sent to it.
pub(super) struct Aborted<'w> {
    /// Seconds that it stays up; 0: for ever; `None`: the default.
    pub(super) seconds: Option<i32>,
    /// What it must stay up for until its delay begins.
    pub(super) needed: Option<&'w Wait>,
}

/// It never grows; its deadline is kept when it is gone.
pub(super) fn aborted<'a>(view: &View<'a>, new: &'a ReplicaSet, by: &Aborted<'_>, wishes: &mut Wishes<'a>) {
    let seconds = by.seconds.unwrap_or(DEFAULT_DELAY);
    let size = carried_over(view, new, 0).min(new.replicas);
    let stays = Wish::kept(new, size).until(Deadline::Keep);
    if new.replicas == 0 || seconds == 0 {
        return wishes.list.push(stays);
    }
    if let Some(wait) = by.needed {
        wishes.waits.push(wait.clone());
        return wishes.list.push(stays);
    }
    let (end, deadline) = match deadline(new) {
        Some(end) => (end, Deadline::Keep),
        None => from_now(view, seconds),
    };
    if end > view.now {
        wishes.timers.push(Timer::ScaleDownDelayEnds(end));
        wishes.list.push(stays.until(deadline));
    } else {
        wishes.list.push(Wish::new(new, 0).until(Deadline::Keep));
    }
}

/// Who refers to a version that is neither new nor stable: a Service that selects it, or a recorded route.
fn referrer(view: &View<'_>, hash: &str) -> Option<String> {
    let takes_turns = view.canary().is_some_and(|canary| canary.ping_pong.is_some());
    let names = crate::rollout::validate::service_refs(view.rollout());
    // Of a ping-pong pair, the one without traffic keeps the old version until the next update.
    let idle = if takes_turns { view.canary_service() } else { "" };
    let services = names.iter().filter(|(_, name)| name != idle);
    let service = services.map(|(_, name)| name).find(|name| view.selected_by(name) == Some(hash));
    let weights = view.snapshot.router.found().and_then(|router| router.weights.as_ref());
    let is_routed = weights.is_some_and(|weights| {
        [&weights.canary, &weights.stable].iter().any(|to| to.pod_template_hash == hash)
    });
    service.map(|name| format!("Service/{name}")).or_else(|| is_routed.then(|| "the route".to_owned()))
}
