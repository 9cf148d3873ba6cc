//! The decisions about one Rollout.
//!
//! [`needs`] says what must be read first, [`plan`] answers with writes, [`after_failure`] says how to go on when one of
//! them failed, [`report`] says why it waits. In reading order: `view` (who is new, who is stable), `decide` (the next
//! status, a list of what happens in order), `steps` and `blue_green`, `attempt`, `conditions`, `phase`; `routing`, `services`
//! and `pins` (where the traffic goes, and what it needs), `sizes` over `arithmetic`; `revisions` (creation, revision numbers, clean-up) with `affinity` and
//! `roles`; `restart`, `workload`, `claims` (adoption and release), `status` (the patch), `failure`, `ended` (what metrics say of
//! an update that is over); `validate` checks the spec.
//!
//! Words: *new* runs the wanted template, *stable* is what an abort returns to, *others* are neither. `available` counts what is
//! certain and is 0 where nothing is known; `possibly_available` counts what may be.

mod affinity;
pub mod arithmetic;
mod attempt;
mod blue_green;
mod claims;
mod conditions;
mod decide;
mod draft;
mod ended;
mod failure;
pub mod phase;
mod pins;
mod restart;
mod revisions;
mod roles;
mod routing;
mod services;
mod sizes;
mod status;
mod steps;
#[cfg(test)]
mod tests;
pub mod validate;
mod view;
mod workload;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tidegate_api::rollout::{CanaryStrategy, Phase, RolloutStatus};

pub use ended::{EndedUpdate, ended_updates};
pub use failure::{after_failure, reconciliation_error};
use view::View;

use crate::plan::{Plan, Purpose, Request, Timer, Write};
use crate::report::Report;
use crate::snapshot::{Evidence, Need, Observed, Snapshot};

/// After this time a router that has not confirmed is asked again; upstream's interval.
const UNCONFIRMED: SignedDuration = SignedDuration::from_secs(10);

/// What must be read before [`plan`] can decide. Empty once everything is known.
#[must_use]
pub fn needs(snapshot: &Snapshot, now: Timestamp) -> Vec<Need> {
    let rollout = &snapshot.rollout;
    let mut needs = Vec::new();
    if let Some(reference) = &rollout.spec.workload_ref
        && snapshot.workload == Observed::Unread
        && validate::workload_kind_is_supported(reference)
    {
        needs.push(Need::Workload(reference.clone()));
    }
    let named = validate::service_refs(rollout).into_iter().map(|(_, name)| name);
    let names: BTreeSet<String> =
        named.chain(routing::routed_services(snapshot).map(str::to_owned)).collect();
    for name in names {
        if matches!(snapshot.services.get(&name), None | Some(Observed::Unread)) {
            needs.push(Need::Service(name));
        }
    }
    let is_routed = |canary: &CanaryStrategy| canary.traffic_routing.is_some();
    if snapshot.router == Observed::Unread
        && rollout.spec.strategy.as_ref().and_then(|it| it.canary.as_ref()).is_some_and(is_routed)
    {
        needs.push(Need::Router);
    }
    if snapshot.live_uid == Observed::Unread && claims::wants_to_adopt(snapshot) {
        needs.push(Need::LiveUid);
    }
    if !snapshot.replica_sets_are_live && conditions::may_be_late(rollout, now) {
        needs.push(Need::ReplicaSets);
    }
    needs.extend(pods(snapshot, now));
    needs
}

/// Single pods are looked at only for what concerns single pods.
fn pods(snapshot: &Snapshot, now: Timestamp) -> Option<Need> {
    if snapshot.pods != Observed::Unread {
        return None;
    }
    let hashes: Vec<String> = if restart::needs_pods(snapshot, now) {
        let uid = Some(snapshot.rollout.metadata.uid.as_str());
        let own = snapshot.replica_sets.iter().filter(|rs| rs.metadata.controller_uid() == uid);
        own.filter(|rs| !rs.is_idle()).map(|rs| rs.hash().to_owned()).collect()
    } else {
        roles::pending(snapshot).collect()
    };
    (!hashes.is_empty()).then_some(Need::Pods(hashes))
}

/// The writes that bring the world one pass closer to what the Rollout asks for, and when to ask again.
///
/// Calling it again on the world that its writes lead to ends, after finitely many passes, in a plan without writes.
#[must_use]
pub fn plan(snapshot: &Snapshot, now: Timestamp) -> Plan {
    if snapshot.rollout.metadata.deletion_timestamp.is_some() {
        return Plan::default();
    }
    let needs = needs(snapshot, now);
    if !needs.is_empty() {
        return Plan { needs, ..Plan::default() };
    }
    if let Some(wait) = claims::gone(snapshot) {
        return Plan { report: Report::because(wait), ..Plan::default() };
    }
    let counted = restart::counted(snapshot, now);
    let mut view = View::new(&counted.snapshot, now);
    view.statuses_lag = counted.statuses_lag;
    if let Some(plan) = workload::note_generation(&view) {
        return plan;
    }
    if view.invalid.is_some() {
        return progress(&view);
    }
    let first = [default_replicas, claims::claim];
    if let Some(plan) = first.iter().find_map(|phase| phase(&view)) {
        return plan;
    }
    match revisions::create(&view) {
        Some(creation) if view.create_failed => after_present(progress(&view), creation),
        Some(creation) => creation,
        None => match revisions::renumber(&view) {
            // Whoever knows an older template would take the number back, and so on.
            Some(_) if !snapshot.is_fresh(&Evidence::Rollout) => {
                Plan { needs: vec![Need::Fresh(vec![Evidence::Rollout])], ..Plan::default() }
            }
            Some(renumbering) => renumbering,
            None => progress(&view),
        },
    }
}

/// The creation is tried again once the present version needs nothing: its refusal is told in the status as it stands.
fn after_present(present: Plan, creation: Plan) -> Plan {
    if present.writes.is_empty() && present.needs.is_empty() {
        Plan { wake_at: present.wake_at, timers: present.timers, report: present.report, ..creation }
    } else {
        present
    }
}

/// Why the Rollout waits. Computed from live objects, never stored.
#[must_use]
pub fn report(snapshot: &Snapshot, now: Timestamp) -> Report {
    plan(snapshot, now).report
}

/// Upstream stores the default of `spec.replicas`, so that an autoscaler finds a number.
fn default_replicas(view: &View<'_>) -> Option<Plan> {
    let rollout = view.rollout();
    if rollout.spec.replicas.is_some() {
        return None;
    }
    let write = Write {
        object: view.object("Rollout", &rollout.metadata.name),
        request: Request::MergePatch {
            body: json!({"spec": {"replicas": 1}}),
            resource_version: rollout.metadata.resource_version.clone(),
            subresource: None,
        },
        purpose: Purpose::DefaultReplicas,
        events: Vec::new(),
    };
    Some(Plan { writes: vec![write], ..Plan::default() })
}

/// What a decision rests on that cannot be taken back, and that was not read live: pods may have gone since their ReplicaSet was last
/// heard of, and somebody may have pointed a Service elsewhere. `gaining`: versions that traffic is moved to; `rests_on`: what sizes
/// need.
fn stale_evidence(
    view: &View<'_>,
    status: &RolloutStatus,
    gaining: Vec<String>,
    rests_on: BTreeSet<Evidence>,
) -> Vec<Evidence> {
    let becomes_stable = view.stable_moves(status);
    let hashes = gaining.into_iter().chain(becomes_stable.then(|| status.stable_rs.clone()));
    let mut evidence = rests_on;
    evidence.extend(hashes.filter_map(|hash| {
        let replica_set = view.with_hash(&hash)?;
        Some(Evidence::ReplicaSet(replica_set.metadata.name.clone()))
    }));
    let active = view.blue_green().filter(|_| becomes_stable);
    evidence.extend(active.map(|it| Evidence::Service(it.active_service.clone())));
    evidence.into_iter().filter(|evidence| !view.snapshot.is_fresh(evidence)).collect()
}

/// Decision first, then what follows from it: where the traffic goes, how many pods there are, and last what nobody waits for.
fn progress(view: &View<'_>) -> Plan {
    let mut draft = decide::next_status(view);
    let mut writes: Vec<Write> = revisions::note_revision(view).into_iter().collect();
    let (mut lent, answers) = workload::scale_down(view, &draft.status).unzip();
    if workload::is_last_chance(view, &draft.status) {
        // What is noted as done must be done.
        writes.extend(lent.take());
    }
    writes.extend(status::write(view, &mut draft));
    let takes_turns = draft.status.canary.stable_ping_pong != view.rollout().status.canary.stable_ping_pong;
    let (mut kept, mut gaining, mut services) = (Vec::new(), Vec::new(), Vec::new());
    let mut pins = pins::pins(view);
    if !takes_turns {
        // Which Service is whose must be written before anything goes by it.
        let switches = services::switch(view, &draft.status);
        kept = switches.waits;
        writes.extend(switches.writes);
        let route = routing::route(view, &draft.status);
        if let Some(write) = &route {
            for to in routing::gaining(view, write) {
                // Requests go where its Service selects, whatever the route says of versions.
                services.extend(Some(to.service_name).filter(|name| !name.is_empty()));
                gaining.push(to.pod_template_hash);
            }
        }
        pins::add_to_come(view, &switches.gaining, route.as_ref(), &mut pins);
        gaining.extend(switches.gaining.into_iter().map(|(_, hash)| hash));
        writes.extend(route);
    }
    let sizing = sizes::guarded(view, &draft.status, &pins);
    writes.extend(sizing.writes);
    writes.extend(revisions::note(view));
    let is_quiet = writes.is_empty();
    if is_quiet {
        writes.extend(restart::evictions(view, &mut draft));
    }
    writes.extend(lent);
    if writes.is_empty() {
        writes.extend(roles::writes(view, &draft.status));
        writes.extend(revisions::clean_up(view));
    }
    sizing.timers.into_iter().for_each(|timer| draft.timer(timer));
    draft.waits.extend(sizing.waits);
    if routing::unconfirmed(view).is_some() {
        draft.timer(Timer::LookAgain(view.now + UNCONFIRMED));
    }
    draft.waits.extend(kept);
    draft.waits.extend(routing::waits_for_services(view));
    if draft.waits.is_empty() && draft.status.phase != Some(Phase::Healthy) {
        draft.waits.extend(sizes::first_unmet(view, &draft.status));
    }
    let services = services.into_iter().map(Evidence::Service);
    let rests_on = sizing.rests_on.into_iter().chain(answers).chain(services).collect();
    let stale = stale_evidence(view, &draft.status, gaining, rests_on);
    let mut needs = Vec::new();
    if !stale.is_empty() {
        writes.clear();
        needs.push(Need::Fresh(stale));
    }
    let report = Report::of(std::mem::take(&mut draft.waits));
    let timers = draft.timers();
    Plan {
        wake_at: timers.iter().map(|timer| timer.at()).min(),
        timers,
        needs,
        report,
        writes,
        decided_at: Some(view.now),
        ..Plan::default()
    }
}
