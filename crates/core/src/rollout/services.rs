//! Which version each Service selects, and when it may select another.
//!
//! A Service moves only to a version that can take its traffic over, so that it never loses its endpoints to a write of ours.

use serde_json::{Value, json};
use tidegate_api::labels::{MANAGED_BY_ROLLOUTS, POD_TEMPLATE_HASH};
use tidegate_api::rollout::RolloutStatus;

use super::blue_green;
use super::routing::{self, Role};
use super::view::View;
use crate::plan::{Event, Purpose, Request, Write};
use crate::report::Wait;
use crate::snapshot::{ReplicaSet, Service, Snapshot};

/// What becomes of the Services.
#[derive(Default)]
pub(super) struct Switches {
    pub(super) writes: Vec<Write>,
    /// Why others stay as they are.
    pub(super) waits: Vec<Wait>,
    /// Versions that production traffic is moved to, with the Service that moves it.
    pub(super) gaining: Vec<(String, String)>,
}

/// The writes that point Services at versions, and what others wait for.
pub(super) fn switch(view: &View<'_>, status: &RolloutStatus) -> Switches {
    let mut switches = Switches::default();
    let Some(new) = view.new.filter(|_| !view.is_frozen()) else { return switches };
    let mut moves: Vec<(&str, Option<&str>)> = Vec::new();
    if let Some(strategy) = view.blue_green() {
        moves.push((&strategy.preview_service, blue_green::preview_target(view, new)));
        moves.push((&strategy.active_service, blue_green::active_target(view, new, strategy, status)));
    } else {
        moves.push((view.stable_service(), stable_target(view, new, status)));
        moves.push((view.canary_service(), canary_target(view, new, status)));
    }
    for (service, target) in moves.into_iter().filter(|(service, _)| !service.is_empty()) {
        let Some(found) = view.snapshot.services.get(service).and_then(|it| it.found()) else { continue };
        match target {
            Some(hash) => {
                let Some(write) = point(view, found, hash) else { continue };
                switches.writes.push(write);
                let is_preview = view.blue_green().is_some_and(|it| it.active_service != service);
                if !is_preview && view.selected_by(service) != Some(hash) {
                    switches.gaining.push((service.to_owned(), hash.to_owned()));
                }
            }
            None => switches.waits.extend(kept(view, new, service, status)),
        }
    }
    switches
}

/// Whether traffic reaches pods of all versions alike: what carries it, or a part of it, selects none.
pub(super) fn leave_versions_apart(view: &View<'_>) -> bool {
    if let Some(strategy) = view.blue_green() {
        return view.selected_by(&strategy.active_service).is_none();
    }
    let reaches_all =
        |role: Role| role.version(view).is_none() && (role == Role::Stable || role.weight(view) > 0);
    !view.is_routed() || Role::BOTH.into_iter().any(reaches_all)
}

/// Why traffic may go to another version than it seems to.
pub(super) fn uncertain(view: &View<'_>) -> Option<Wait> {
    routing::unconfirmed(view).or_else(|| under_way(view))
}

/// A Service that may still be switched by a request of ours.
fn under_way(view: &View<'_>) -> Option<Wait> {
    let Snapshot { services, switches_under_way, .. } = view.snapshot;
    let (name, _) = switches_under_way.iter().find(|(name, version)| {
        let service = services.get(*name).and_then(|service| service.found());
        service.is_some_and(|service| service.metadata.resource_version == **version)
    })?;
    Some(Wait {
        object: format!("Service/{name}"),
        field: "spec.selector".into(),
        because: "nobody answered a switch of it, which may still come".into(),
        since: None,
        until: "it has come, or cannot any longer".into(),
    })
}

/// Why a Service of a canary does not yet select what it shall.
fn kept(view: &View<'_>, new: &ReplicaSet, service: &str, status: &RolloutStatus) -> Option<Wait> {
    view.canary()?;
    let present = view.selected_by(service);
    let is_stables = service == view.stable_service();
    let wanted = match status.stable_rs.as_str() {
        stable if is_stables && (present.is_none() || view.with_hash(stable).is_some()) => stable,
        _ => new.hash(),
    };
    Some(Wait {
        object: format!("Service/{service}"),
        field: "spec.selector".into(),
        because: match present {
            Some(hash) => format!("selects version {hash}"),
            None => "selects pods of any version".into(),
        },
        since: None,
        until: match wanted {
            "" => "a version is stable".into(),
            wanted => format!("version {wanted} has the available pods that its traffic needs"),
        },
    })
}

/// The version that stable's Service shall select now; `None`: it stays as it is, and waits.
fn stable_target<'v>(view: &'v View<'_>, new: &'v ReplicaSet, status: &'v RolloutStatus) -> Option<&'v str> {
    let service = view.stable_service();
    let Some(stable) = view.with_hash(&status.stable_rs) else {
        // None is there to go to. Another version than the new one makes way: that may wait for its room.
        view.selected_by(service)?;
        return moves_to(view, service, new, routing::weight_by(view, service, new.hash()));
    };
    let leaves = !view.is_routed()
        && !status.abort
        && stable.hash() != new.hash()
        && super::sizes::split_in_force(view, status).stable == 0
        && may_come_to(view, new, service);
    // The last old pod goes before the promotion: what comes then is there already.
    let target = if leaves { new } else { stable };
    let weight = routing::weight_by(view, service, target.hash());
    moves_to(view, service, target, weight)
}

/// Whether the new version has the pods for stable's traffic. What it has already stays as long as it may have them: its status lags
/// behind each size.
fn may_come_to(view: &View<'_>, new: &ReplicaSet, service: &str) -> bool {
    let is_there = view.selected_by(service) == Some(new.hash());
    let available = if is_there { new.possibly_available() } else { new.available() };
    available >= view.limits().min_available()
}

/// The version that the canary's Service shall select now; `None`: it stays as it is, and waits.
fn canary_target<'v>(view: &'v View<'_>, new: &'v ReplicaSet, status: &'v RolloutStatus) -> Option<&'v str> {
    let service = view.canary_service();
    if !status.abort && routing::takes_from_stable(view, service, new, status) {
        // Stable's traffic has yet to leave it.
        return view.selected_by(service);
    }
    let weight = routing::weight_at(view, service);
    if status.abort {
        if view.stable_is_dynamic() && weight > 0 {
            return view.selected_by(service);
        }
        let all = view.shares().max_weight;
        return moves_to(view, service, view.with_hash(&status.stable_rs)?, all);
    }
    let is_under_way = !view.is_routed() && !view.is_finished(status);
    if is_under_way && super::sizes::split_in_force(view, status).canary == 0 {
        // A step takes all its pods away, which wait for nothing to select them.
        return moves_to(view, service, view.with_hash(&status.stable_rs)?, weight);
    }
    let takes_turns = view.canary().is_some_and(|canary| canary.ping_pong.is_some());
    if takes_turns && view.is_finished(status) {
        // The old version drains behind it.
        return view.selected_by(service);
    }
    if takes_turns && weight == 0 && !status.stable_rs.is_empty() && routing::is_told(view) {
        return Some(new.hash());
    }
    let selected = view.selected_by(service).filter(|hash| *hash != new.hash() && *hash != status.stable_rs);
    if selected.is_some() && new.possibly_available() == 0 {
        // A version that was superseded must not be kept up by its Service until the next one runs, which may wait for its room.
        let all = view.shares().max_weight;
        return moves_to(view, service, view.with_hash(&status.stable_rs)?, all);
    }
    moves_to(view, service, new, weight)
}

/// The version itself, if it can take over what the Service sends, else what the Service selects already, if that is the same.
fn moves_to<'v>(view: &View<'_>, service: &str, to: &'v ReplicaSet, weight: i32) -> Option<&'v str> {
    let present = view.selected_by(service);
    if present == Some(to.hash()) {
        return Some(to.hash());
    }
    // Of pods that have outlived their ReplicaSet nobody knows how many there are.
    let answering =
        present.and_then(|hash| view.with_hash(hash)).map_or(i32::MAX, ReplicaSet::possibly_available);
    let may_move = if present.is_none() {
        // It sends to pods of any version: better to all of them than to the first.
        let is_complete = to.replicas > 0 && to.available() >= to.replicas;
        is_complete && (!view.is_routed() || routing::can_bear(view, to, weight))
    } else if answering > 0 && view.is_routed() {
        routing::can_bear(view, to, weight)
    } else if answering > 0 && service == view.stable_service() {
        to.available() >= view.limits().min_available().max(1).min(answering)
    } else {
        to.available() > 0
    };
    may_move.then_some(to.hash())
}

/// The guarded write of a Service's selector and of our mark on it, unless both are there.
fn point(view: &View<'_>, service: &Service, hash: &str) -> Option<Write> {
    let present = service.selector.get(POD_TEMPLATE_HASH);
    let rollout = &view.rollout().metadata.name;
    let mark = service.metadata.annotations.get(MANAGED_BY_ROLLOUTS);
    if mark.is_some_and(|owner| owner != rollout) || (present.is_some_and(|it| it == hash) && mark.is_some())
    {
        return None;
    }
    let selector_path = format!("/spec/selector/{POD_TEMPLATE_HASH}");
    let metadata = &service.metadata;
    // The version, not the selector: a request that arrives late may find the old selector again, in another world.
    let mut patch = vec![
        json!({"op": "test", "path": "/metadata/uid", "value": metadata.uid}),
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": metadata.resource_version}),
    ];
    if service.selector.is_empty() {
        patch.push(json!({"op": "add", "path": "/spec/selector", "value": {}}));
    }
    patch.push(json!({"op": "add", "path": selector_path, "value": hash}));
    if mark.is_none() {
        patch.extend(mark_operations(service, rollout));
    }
    let from = present.map_or("", String::as_str);
    let name = &metadata.name;
    Some(Write {
        object: view.object("Service", name),
        request: Request::JsonPatch { body: patch.into(), subresource: None },
        purpose: Purpose::SwitchService,
        events: vec![Event::normal(
            "SwitchService",
            format!("Switched selector for service '{name}' from '{from}' to '{hash}'"),
        )],
    })
}

fn mark_operations(service: &Service, rollout: &str) -> Vec<Value> {
    let path = format!("/metadata/annotations/{}", MANAGED_BY_ROLLOUTS.replace('/', "~1"));
    let mark = json!({"op": "add", "path": path, "value": rollout});
    if service.metadata.annotations.is_empty() {
        // Nobody else can have added one meanwhile: that would have changed the version.
        return vec![json!({"op": "add", "path": "/metadata/annotations", "value": {}}), mark];
    }
    vec![mark]
}
