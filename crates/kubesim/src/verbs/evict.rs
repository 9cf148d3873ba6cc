//! The `eviction` subresource of pods: a deletion that disruption budgets may refuse.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::admission;
use crate::controllers::disruption::{covers, is_ready, note_allowance};
use crate::json::{at, is_terminating, list, set, text};
use crate::ownership::{self, Given};
use crate::resources::Resource;
use crate::selector::LabelSelector;
use crate::state::{Call, State};
use crate::status::ApiError;
use crate::store::Key;
use crate::types;
use crate::verbs::delete::{self, DeleteOptions};

const BUDGETS: &str = "poddisruptionbudgets.policy";

/// Evicts a pod and returns the answer's document. `eviction` is the request's body.
pub(crate) fn evict(
    state: &mut State,
    call: &mut Call,
    pods: &Arc<Resource>,
    key: &Key,
    mut eviction: Value,
) -> Result<Value, ApiError> {
    decode(state, call, &mut eviction)?;
    check(&eviction, key)?;
    let mut options = DeleteOptions::parse(at(&eviction, &["deleteOptions"]))?;
    call.dry_run |= options.dry_run;
    let pod = state.find(pods, key)?;
    let phase = text(&pod, &["status", "phase"]);
    let has_no_use = matches!(phase, "Succeeded" | "Failed" | "Pending") || is_terminating(&pod);
    if !has_no_use {
        match budget_of(state, &pod)? {
            Some(budget) if may_go_unready(&budget, &pod) => {
                // Unless it becomes ready meanwhile.
                let version = text(&pod, &["metadata", "resourceVersion"]).to_owned();
                options.resource_version.get_or_insert(version);
            }
            Some(budget) => spend(state, call, &budget, &key.name)?,
            None => {}
        }
    }
    delete::check_preconditions(pods, key, &pod, &options)?;
    if !call.dry_run && options.resource_version.is_none() {
        tell(state, call, pods, key, &pod);
    }
    delete::delete(state, call, pods, key, &options)?;
    Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}

/// Writes into the pod's status why it goes.
fn tell(state: &mut State, call: &Call, pods: &Arc<Resource>, key: &Key, pod: &Value) {
    let mut told = pod.clone();
    let mut conditions = list(pod, &["status", "conditions"]).to_vec();
    if conditions.iter().any(|condition| text(condition, &["type"]) == "DisruptionTarget") {
        return;
    }
    let mut condition = json!({
        "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting", "lastProbeTime": null, "lastTransitionTime": state.api_now(),
    });
    let generation = at(pod, &["metadata", "generation"]);
    if !at(pod, &["status", "observedGeneration"]).is_null() {
        condition["observedGeneration"] = generation.clone();
    }
    conditions.push(condition);
    set(&mut told, &["status", "conditions"], conditions.into());
    state.commit(call, pods, key, Some(told));
}

/// Brings an eviction into the shape of its type.
fn decode(state: &mut State, call: &Call, eviction: &mut Value) -> Result<(), ApiError> {
    let Some(ty) = types::named("io.k8s.api.policy.v1.Eviction") else { return Ok(()) };
    types::decode(eviction, ty)
        .map_err(|error| error.to_string())
        .and_then(|unknown| admission::complain(state, call, &unknown))
        .map_err(|why| {
            ApiError::bad_request(format!(
                "Eviction in version \"v1\" cannot be handled as a Eviction: {why}"
            ))
        })
}

fn check(eviction: &Value, key: &Key) -> Result<(), ApiError> {
    let (version, kind) = (text(eviction, &["apiVersion"]), text(eviction, &["kind"]));
    if !matches!((version, kind), ("policy/v1" | "policy/v1beta1" | "", "Eviction" | "")) {
        let message = format!(
            "{kind} in version \"v1\" cannot be handled as a Eviction: no kind \"{kind}\" is registered for version \
             \"{version}\" in this resource"
        );
        return Err(ApiError::bad_request(message));
    }
    if crate::json::name(eviction) != key.name {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let namespace = crate::json::namespace(eviction);
    if !namespace.is_empty() && namespace != key.namespace {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(ApiError::bad_request(message));
    }
    Ok(())
}

/// The one budget that speaks of the pod.
fn budget_of(state: &State, pod: &Value) -> Result<Option<Arc<Value>>, ApiError> {
    let is_empty = |budget: &Value| LabelSelector::from_spec(at(budget, &["spec", "selector"])).is_empty();
    let budgets = state.store.list(BUDGETS, Some(crate::json::namespace(pod)));
    let mut found = budgets.map(|(_, budget)| budget).filter(|it| !is_empty(it) && covers(it, pod));
    let budget = found.next().map(Arc::clone);
    if found.next().is_some() {
        let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
        return Err(ApiError::new(500, "", message));
    }
    Ok(budget)
}

fn count(budget: &Value, field: &str) -> i64 {
    at(budget, &["status", field]).as_i64().unwrap_or(0)
}

/// Whether the pod does not count, so that nobody misses it.
fn may_go_unready(budget: &Value, pod: &Value) -> bool {
    let desired = count(budget, "desiredHealthy");
    let is_budget_healthy = desired > 0 && count(budget, "currentHealthy") >= desired;
    let always = text(budget, &["spec", "unhealthyPodEvictionPolicy"]) == "AlwaysAllow";
    !is_ready(pod) && (always || is_budget_healthy)
}

/// Takes one disruption from the budget.
fn spend(state: &mut State, call: &Call, budget: &Value, pod: &str) -> Result<(), ApiError> {
    let name = crate::json::name(budget);
    let generation = at(budget, &["metadata", "generation"]).as_i64().unwrap_or(0);
    if count(budget, "observedGeneration") < generation {
        let why = format!("The disruption budget {name} is still being processed by the server.");
        return Err(refused(&why, 10));
    }
    let allowed = count(budget, "disruptionsAllowed");
    if allowed <= 0 {
        let (desired, healthy) = (count(budget, "desiredHealthy"), count(budget, "currentHealthy"));
        let why = if healthy <= desired {
            format!("The disruption budget {name} needs {desired} healthy pods and has {healthy} currently")
        } else {
            // A disruption was granted that has not happened yet.
            format!("The disruption budget {name} does not allow evicting pods currently")
        };
        return Err(refused(&why, 0));
    }
    let Some(budgets) = state.registry.named(BUDGETS).filter(|_| !call.dry_run) else { return Ok(()) };
    let mut spent = budget.clone();
    let now = state.now();
    set(&mut spent, &["status", "disruptionsAllowed"], (allowed - 1).into());
    set(&mut spent, &["status", "disruptedPods", pod], state.api_now().into());
    if allowed == 1 {
        note_allowance(&mut spent["status"], now);
    }
    let update = Call::new("kube-apiserver", "update", "status");
    if let Some(owners) = ownership::track(state, &update, &budgets, Some(budget), &spent, Given::Entries) {
        set(&mut spent, &["metadata", "managedFields"], owners);
    }
    state.commit(&update, &budgets, &Key::of(budget), Some(spent));
    Ok(())
}

fn refused(why: &str, retry_after: u64) -> ApiError {
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    let mut error = ApiError::new(429, "TooManyRequests", message);
    error.details.insert("causes".to_owned(), json!([{"reason": "DisruptionBudget", "message": why}]));
    if retry_after > 0 {
        error.details.insert("retryAfterSeconds".to_owned(), retry_after.into());
    }
    error
}
