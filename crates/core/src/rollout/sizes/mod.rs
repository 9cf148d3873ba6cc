//! Which ReplicaSets get which size in this plan, and the writes that make it so.
//!
//! `basic` (a canary without a router), `routed` and `blue_green` say what they wish for; the traffic guard has the last word;
//! `delay` knows when a ReplicaSet that nobody needs any more may go.

mod basic;
mod blue_green;
mod delay;
mod routed;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate_api::labels;
use tidegate_api::meta::Time;
use tidegate_api::rollout::RolloutStatus;

use super::arithmetic::{Pods, Split};
use super::pins::Pin;
use super::restart;
use super::routing;
use super::services;
use super::view::View;
use crate::plan::{Event, Purpose, Request, Timer, Write};
use crate::report::Wait;
use crate::snapshot::{Evidence, ReplicaSet};
use crate::traffic_guard::{self, Resize};

pub(super) use basic::split_in_force as basic_split;
pub(super) use blue_green::wanted as wanted_preview;
pub(super) use delay::is_fast_track;
pub(super) use routed::{split_in_force as routed_split, stage, way_back};

/// A size that a ReplicaSet shall get.
struct Wish<'a> {
    replica_set: &'a ReplicaSet,
    size: i32,
    /// Whether the size is all that the present `spec.replicas` asks of it.
    note_desired: bool,
    deadline: Deadline,
    /// The size is the one that it has, not one that is aimed at.
    is_kept: bool,
}

/// What becomes of the instant at which a ReplicaSet may go to 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deadline {
    /// It stays as it is.
    Keep,
    /// It is taken away: the ReplicaSet is in use, or gone.
    Clear,
    /// It is set.
    Set(Time),
}

impl<'a> Wish<'a> {
    /// A ReplicaSet in use.
    fn new(replica_set: &'a ReplicaSet, size: i32) -> Self {
        Self { replica_set, size, note_desired: true, deadline: Deadline::Clear, is_kept: false }
    }

    /// A ReplicaSet that stays as it is.
    fn kept(replica_set: &'a ReplicaSet, size: i32) -> Self {
        Self { is_kept: true, ..Self::new(replica_set, size) }
    }

    fn until(self, deadline: Deadline) -> Self {
        Self { deadline, ..self }
    }
}

/// What all ReplicaSets shall get, and what is waited for before some get what they shall.
#[derive(Default)]
struct Wishes<'a> {
    list: Vec<Wish<'a>>,
    waits: Vec<Wait>,
    timers: Vec<Timer>,
}

/// The writes of one pass.
#[derive(Default)]
pub(super) struct Sizing {
    pub(super) writes: Vec<Write>,
    /// What holds back a change of size.
    pub(super) waits: Vec<Wait>,
    pub(super) timers: Vec<Timer>,
    /// What must be so for nothing to be lost by it.
    pub(super) rests_on: BTreeSet<Evidence>,
}

/// Writes that move all ReplicaSets one pass towards what `status` (the one that is about to hold) asks for, and what the
/// traffic guard holds back of them.
pub(super) fn guarded(view: &View<'_>, status: &RolloutStatus, pins: &[Pin]) -> Sizing {
    let Wishes { list, waits, timers } = wishes(view, status, pins);
    let all: Vec<Pods> = view.owned.iter().map(|rs| pods(view, rs)).collect();
    let place = |rs: &ReplicaSet| view.owned.iter().position(|other| other.metadata.uid == rs.metadata.uid);
    let resizes: Vec<Resize> = list
        .iter()
        .filter_map(|wish| Some(Resize { index: place(wish.replica_set)?, size: wish.size }))
        .collect();
    let shares_selector = services::leave_versions_apart(view);
    let promised = if shares_selector { view.limits().min_available() } else { 0 };
    let together = traffic_guard::shared_selector(promised, &all, &resizes);
    let uncertain = services::uncertain(view);
    let mut sizing = Sizing { waits, timers, ..Sizing::default() };
    for (wish, size) in list.iter().zip(together) {
        let pin = pins.iter().find(|pin| pin.hash == wish.replica_set.hash());
        let pods = pods(view, wish.replica_set);
        let mut size = pin.map_or(size, |pin| traffic_guard::pinned(pin.least, pods, size));
        if size != wish.size {
            sizing.waits.push(held_back(wish, pods.leaving, pin));
        }
        // Traffic may still go where it went, or where it was to go: to any version.
        if let Some(wait) = uncertain.as_ref().filter(|_| size < wish.replica_set.replicas) {
            sizing.waits.push(wait.clone());
            size = wish.replica_set.replicas;
        }
        if size < wish.replica_set.replicas {
            sizing.rests_on.extend(shrinking_rests_on(view, wish.replica_set, pin, shares_selector));
        }
        sizing.writes.extend(resize(view, wish, size));
    }
    sizing
}

/// That those stay which were counted on, where all share the traffic; and that nothing sends traffic to what seems to get none. Of
/// itself nothing has changed: its write says so.
fn shrinking_rests_on(
    view: &View<'_>,
    rs: &ReplicaSet,
    pin: Option<&Pin>,
    shares_selector: bool,
) -> Vec<Evidence> {
    if rs.possibly_available().max(rs.ready()) == 0 {
        return Vec::new();
    }
    let counts = |other: &&&ReplicaSet| {
        shares_selector && other.metadata.uid != rs.metadata.uid && other.available() > 0
    };
    let others = view.owned.iter().filter(counts).map(|other| other.metadata.name.clone());
    let services = view.services_of_traffic().into_iter().chain(routing::routed_services(view.snapshot));
    let services = services.filter(|_| pin.is_none());
    let services = services.map(|service| Evidence::Service(service.to_owned()));
    others.map(Evidence::ReplicaSet).chain(services).collect()
}

/// One pod more for the ReplicaSet that is being restarted, where none may be missing.
fn surge(view: &View<'_>, status: &RolloutStatus, list: &mut [Wish<'_>]) {
    let Some(hash) = restart::first(view, status) else { return };
    let may_miss = view.limits().max_unavailable > 0;
    let wish = list.iter_mut().find(|wish| wish.replica_set.hash() == hash && !wish.is_kept);
    if let Some(wish) = wish.filter(|wish| wish.size == 1 || (wish.size > 1 && !may_miss)) {
        wish.size += 1;
    }
}

/// What a restart must know of sizes: the ReplicaSet that has one pod more for it, and the size it is to have; and those that
/// only stay as they are.
pub(super) struct Restarted<'a> {
    pub(super) surging: Option<(&'a str, i32)>,
    pub(super) kept: Vec<&'a str>,
}

pub(super) fn restarted<'a>(view: &View<'a>, status: &RolloutStatus) -> Restarted<'a> {
    let mut list = aims(view, status, &[]).list;
    let kept = list.iter().filter(|wish| wish.is_kept).map(|wish| wish.replica_set.hash()).collect();
    let aims: Vec<i32> = list.iter().map(|wish| wish.size).collect();
    surge(view, status, &mut list);
    let surging = list.iter().zip(aims).find(|(wish, aim)| wish.size != *aim);
    Restarted { surging: surging.map(|(wish, aim)| (wish.replica_set.hash(), aim)), kept }
}

fn held_back(wish: &Wish<'_>, leaving: i32, pin: Option<&Pin>) -> Wait {
    let (because, until) = match pin {
        _ if leaving > 0 && wish.size + leaving == wish.replica_set.replicas => (
            format!("nobody answered the eviction of {leaving} of its pods, which may still come"),
            "they are gone, or a minute is over".into(),
        ),
        Some(pin) => (
            format!("{} still sends traffic to it: {} ready pods must remain", pin.by, pin.least),
            format!("{} sends none, or less", pin.by),
        ),
        None => (
            format!("scaling down to {} would leave too few available pods", wish.size),
            "more pods are available".into(),
        ),
    };
    Wait {
        object: format!("ReplicaSet/{}", wish.replica_set.metadata.name),
        field: "spec.replicas".into(),
        because,
        since: None,
        until,
    }
}

fn wishes<'a>(view: &View<'a>, status: &RolloutStatus, pins: &[Pin]) -> Wishes<'a> {
    let mut wishes = aims(view, status, pins);
    surge(view, status, &mut wishes.list);
    wishes
}

/// The same without what is there for a restart alone.
fn aims<'a>(view: &View<'a>, status: &RolloutStatus, pins: &[Pin]) -> Wishes<'a> {
    if view.is_frozen() {
        return Wishes { list: frozen(view), ..Wishes::default() };
    }
    let Some(new) = view.new else {
        // The spec is invalid and what ran it is gone: stable carries everything.
        let stable = view.stable.into_iter();
        let list = stable.map(|rs| Wish::new(rs, view.replicas)).collect();
        return Wishes { list, ..Wishes::default() };
    };
    if let Some(strategy) = view.blue_green() {
        blue_green::wishes(view, new, strategy, (status, pins))
    } else if view.is_routed() {
        routed::wishes(view, new, (status, pins))
    } else {
        Wishes { list: basic::wishes(view, new, status), ..Wishes::default() }
    }
}

/// Traffic or gates follow rules that this version does not know: only what is alone may follow `spec.replicas`.
fn frozen<'a>(view: &View<'a>) -> Vec<Wish<'a>> {
    let Some(new) = view.new.filter(|_| view.is_finished(&view.rollout().status)) else { return Vec::new() };
    // Beside others it may only grow.
    let size = if is_alone(view, new) { view.replicas } else { view.replicas.max(new.replicas) };
    vec![Wish::new(new, size).until(Deadline::Keep)]
}

/// The stable version runs, and no other ReplicaSet has pods.
pub(super) fn is_alone(view: &View<'_>, new: &ReplicaSet) -> bool {
    let mut others = view.owned.iter().filter(|rs| rs.metadata.uid != new.metadata.uid);
    view.is_finished(&view.rollout().status) && others.all(|rs| rs.replicas == 0)
}

/// Neither steps nor the user move anything for now: sizes change only with `spec.replicas`.
///
/// An abort overrules it: whoever aborts wants the traffic back on stable.
fn is_held(view: &View<'_>, status: &RolloutStatus) -> bool {
    !status.abort && (view.is_on_hold() || view.rollout().spec.paused)
}

/// A held ReplicaSet's size, carried over to `spec.replicas` in proportion, rounded up; `goal` where it has none to keep.
fn carried_over(view: &View<'_>, rs: &ReplicaSet, goal: i32) -> i32 {
    match rs.desired_replicas() {
        Some(0) if view.replicas > 0 => goal,
        Some(before) if before > 0 && before != view.replicas => {
            let share = i64::from(rs.replicas) * i64::from(view.replicas);
            i32::try_from((share + i64::from(before) - 1) / i64::from(before)).unwrap_or(view.replicas)
        }
        _ => rs.replicas,
    }
}

/// Canary and stable pods that steps, promotion and abort ask for.
pub(super) fn split_in_force(view: &View<'_>, status: &RolloutStatus) -> Split {
    if view.is_routed() { routed_split(view, status) } else { basic_split(view, status) }
}

/// Pods that a ReplicaSet may be made with: what the first step asks of it, as far as there is room for it beside everything
/// that runs. Whatever depends on the fate of other pods comes later.
pub(super) fn first_size(view: &View<'_>) -> i32 {
    let rollout = view.rollout();
    let is_abort_pending = rollout.status.abort && rollout.status.aborted_at.is_none();
    if view.create_failed || view.is_frozen() || rollout.spec.paused || is_abort_pending {
        return 0;
    }
    let status = &rollout.status;
    let goes_on = status.current_pod_hash == view.wanted_hash && status.current_step_hash == view.step_hash;
    if goes_on && status.abort {
        return 0;
    }
    if let Some(strategy) = view.blue_green() {
        return blue_green::first_size(view, strategy);
    }
    let mut begun = status.clone();
    if !goes_on {
        // As the decision about the status will have it once the ReplicaSet is there.
        begun.current_step_index = view.last_index().map(|last| if view.stable.is_some() { 0 } else { last });
        (begun.abort, begun.promote_full) = (false, false);
    }
    if view.is_routed() {
        return routed_split(view, &begun).canary;
    }
    basic::first_size(view, &begun)
}

/// Nothing has to change its size.
pub(super) fn are_settled(view: &View<'_>, status: &RolloutStatus) -> bool {
    wishes(view, status, &[]).list.iter().all(|wish| wish.size == wish.replica_set.replicas)
}

/// The first thing in which the ReplicaSets are not yet as they shall be.
pub(super) fn first_unmet(view: &View<'_>, status: &RolloutStatus) -> Option<Wait> {
    let unmet = |rs: &ReplicaSet, field: &str, is: i32, wanted: i32| Wait {
        object: format!("ReplicaSet/{}", rs.metadata.name),
        field: field.into(),
        because: format!("is {is}"),
        since: None,
        until: format!("it is {wanted}"),
    };
    let wishes = wishes(view, status, &[]).list;
    let sizes = wishes.iter().find(|wish| wish.size != wish.replica_set.replicas);
    sizes.map(|wish| unmet(wish.replica_set, "spec.replicas", wish.replica_set.replicas, wish.size)).or_else(
        || {
            let rs = view.owned.iter().find(|rs| rs.status.available_replicas != rs.replicas)?;
            Some(unmet(rs, "status.availableReplicas", rs.status.available_replicas, rs.replicas))
        },
    )
}

pub(super) fn pods(view: &View<'_>, rs: &ReplicaSet) -> Pods {
    Pods {
        size: rs.replicas,
        available: rs.available(),
        possible: rs.possibly_available(),
        ready: rs.ready(),
        leaving: restart::leaving(view.snapshot, rs),
    }
}

/// The guarded write of one ReplicaSet's size, of the `spec.replicas` it was made for, and of its deadline.
fn resize(view: &View<'_>, wish: &Wish<'_>, size: i32) -> Option<Write> {
    let rs = wish.replica_set;
    let note_desired = wish.note_desired && size == wish.size;
    let in_use = rs.replicas > 0 || size > 0;
    let outdated = note_desired && in_use && rs.desired_replicas() != Some(view.replicas);
    // Where pods are held back that should be gone, their time is over all the same: a new one would be set without end.
    let is_over = wish.size == 0 && size > 0 && wish.deadline == Deadline::Clear;
    let deadline = deadline_operation(rs, if is_over { Deadline::Keep } else { wish.deadline });
    if size == rs.replicas && !outdated && deadline.is_none() {
        return None;
    }
    let mut patch = vec![
        json!({"op": "test", "path": "/metadata/uid", "value": rs.metadata.uid}),
        json!({"op": "test", "path": "/spec/replicas", "value": rs.replicas}),
    ];
    if size < rs.replicas {
        // What was counted as available must still be so: pods may have come and gone since.
        patch.push(
            json!({"op": "test", "path": "/metadata/resourceVersion", "value": rs.metadata.resource_version}),
        );
    }
    if size != rs.replicas {
        patch.push(json!({"op": "replace", "path": "/spec/replicas", "value": size}));
    }
    let notes = note_desired && rs.desired_replicas() != Some(view.replicas);
    if (notes || deadline.is_some()) && rs.metadata.annotations.is_empty() {
        patch.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
    }
    if notes {
        let path = annotation_path(labels::DESIRED_REPLICAS);
        patch.push(json!({"op": "add", "path": path, "value": view.replicas.to_string()}));
    }
    patch.extend(deadline);
    Some(Write {
        object: view.object("ReplicaSet", &rs.metadata.name),
        request: Request::JsonPatch { body: patch.into(), subresource: None },
        purpose: Purpose::Scale { from: rs.replicas, to: size },
        events: scaling_event((&rs.metadata.name, rs.revision().unwrap_or(0)), rs.replicas, size)
            .into_iter()
            .collect(),
    })
}

fn deadline_operation(rs: &ReplicaSet, deadline: Deadline) -> Option<Value> {
    let path = annotation_path(labels::SCALE_DOWN_DEADLINE);
    let present = rs.metadata.annotations.get(labels::SCALE_DOWN_DEADLINE);
    match deadline {
        Deadline::Keep => None,
        Deadline::Clear => present.map(|_| json!({"op": "remove", "path": path})),
        Deadline::Set(at) => Some(json!({"op": "add", "path": path, "value": at.to_string()})),
    }
}

fn annotation_path(key: &str) -> String {
    format!("/metadata/annotations/{}", key.replace('/', "~1"))
}

/// Tells of another size of a ReplicaSet (name, revision).
pub(super) fn scaling_event((name, revision): (&str, i64), from: i32, to: i32) -> Option<Event> {
    let direction = match to.cmp(&from) {
        std::cmp::Ordering::Greater => "up",
        std::cmp::Ordering::Less => "down",
        std::cmp::Ordering::Equal => return None,
    };
    Some(Event::normal(
        "ScalingReplicaSet",
        format!("Scaled {direction} ReplicaSet {name} (revision {revision}) from {from} to {to}"),
    ))
}
