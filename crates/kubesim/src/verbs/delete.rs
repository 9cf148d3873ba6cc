//! delete and deletecollection: preconditions, grace, propagation, finalizers.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::clock::{after, api_time, parse_time};
use crate::field::Cause;
use crate::json::{at, fields, is_terminating, list, name, set, text, uid};
use crate::reply::{Answer, Reply};
use crate::request::{Query, Target};
use crate::resources::Resource;
use crate::state::{Call, State};
use crate::status::ApiError;
use crate::store::Key;
use crate::types;
use crate::verbs::read::selector;

/// Waits for dependents.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// Waits until dependents are let go.
pub(crate) const ORPHAN: &str = "orphan";

/// What happens to the dependents of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

impl Propagation {
    fn parse(text: &str) -> Result<Option<Self>, ApiError> {
        match text {
            "" => Ok(None),
            "Background" => Ok(Some(Self::Background)),
            "Foreground" => Ok(Some(Self::Foreground)),
            "Orphan" => Ok(Some(Self::Orphan)),
            other => {
                let supported = ["Foreground", "Background", "Orphan", "nil"].map(str::to_owned);
                let cause = Cause::unsupported("propagationPolicy", &other.into(), &supported);
                Err(ApiError::invalid("meta.k8s.io", "DeleteOptions", "", &[cause]))
            }
        }
    }
}

/// `DeleteOptions`.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) grace_seconds: Option<i64>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
    pub(crate) dry_run: bool,
    /// `orphanDependents` is false.
    pub(crate) refuses_orphans: bool,
}

impl DeleteOptions {
    /// Reads options that a client sends; null means none. 400, when they are no `DeleteOptions`: nothing is deleted by guesswork.
    pub(crate) fn decode(mut options: Value) -> Result<Self, ApiError> {
        let kind = at(&options, &["kind"]);
        let is_of_kind = kind.is_null() || matches!(kind.as_str(), Some("" | "DeleteOptions"));
        // Each group has them in its own version.
        let version = at(&options, &["apiVersion"]);
        if !is_of_kind || !(version.is_null() || version.is_string()) {
            let message = format!("{kind} in version {version} cannot be handled as a DeleteOptions");
            return Err(ApiError::bad_request(message));
        }
        if let Some(ty) = types::named("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions") {
            types::decode(&mut options, ty).map_err(|error| ApiError::bad_request(error.to_string()))?;
        }
        Self::parse(&options)
    }

    /// Reads the options of a request without a body.
    pub(crate) fn of_query(query: &Query) -> Result<Self, ApiError> {
        let mut options = json!({});
        if let Some(seconds) = query.integer("gracePeriodSeconds")? {
            options["gracePeriodSeconds"] = seconds.into();
        }
        if query.has("orphanDependents") {
            options["orphanDependents"] = query.flag("orphanDependents").into();
        }
        if !query.get("propagationPolicy").is_empty() {
            options["propagationPolicy"] = query.get("propagationPolicy").into();
        }
        Self::parse(&options)
    }

    /// Reads the options; null means none.
    pub(crate) fn parse(options: &Value) -> Result<Self, ApiError> {
        let causes = option_faults(options);
        if !causes.is_empty() {
            return Err(ApiError::invalid("meta.k8s.io", "DeleteOptions", "", &causes));
        }
        let word = |path: &[&str]| Some(text(options, path).to_owned()).filter(|word| !word.is_empty());
        let orphans = at(options, &["orphanDependents"]).as_bool();
        let policy = text(options, &["propagationPolicy"]);
        let of_orphans = |orphans: bool| if orphans { Propagation::Orphan } else { Propagation::Background };
        Ok(Self {
            grace_seconds: at(options, &["gracePeriodSeconds"]).as_i64(),
            propagation: Propagation::parse(policy)?.or(orphans.map(of_orphans)),
            refuses_orphans: orphans == Some(false),
            uid: word(&["preconditions", "uid"]),
            resource_version: word(&["preconditions", "resourceVersion"]),
            dry_run: !list(options, &["dryRun"]).is_empty(),
        })
    }
}

/// What is wrong with the options in themselves.
fn option_faults(options: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let policy = at(options, &["propagationPolicy"]);
    if !policy.is_null() && !at(options, &["orphanDependents"]).is_null() {
        let detail = "orphanDependents and deletionPropagation cannot be both set";
        causes.push(Cause::invalid("propagationPolicy", policy, detail));
    }
    if policy == "" || Propagation::parse(policy.as_str().unwrap_or("")).is_err() {
        let supported = ["Foreground", "Background", "Orphan", "nil"].map(str::to_owned);
        causes.push(Cause::unsupported("propagationPolicy", policy, &supported));
    }
    let dry_run = at(options, &["dryRun"]);
    if list(options, &["dryRun"]).iter().any(|value| value != "All") {
        causes.push(Cause::unsupported("dryRun", dry_run, &["All".to_owned()]));
    }
    causes
}

/// Deletes an object, or marks it as being deleted while grace or finalizers hold it. Returns the answer's document.
pub(crate) fn delete(
    state: &mut State,
    call: &Call,
    resource: &Arc<Resource>,
    key: &Key,
    options: &DeleteOptions,
) -> Result<Value, ApiError> {
    let current = state.find(resource, key)?;
    check_preconditions(resource, key, &current, options)?;
    let mut marked = (*current).clone();
    let course = if resource.is("pods") { begin(state, &mut marked, options) } else { Course::AtOnce };
    if course == Course::Begun {
        return Ok(marked);
    }
    // Events have no dependents.
    if !resource.is("events") {
        set_finalizers(&mut marked, options.propagation);
    }
    let waits_for_others = !list(&marked, &["metadata", "finalizers"]).is_empty()
        || (resource.is("namespaces") && !list(&marked, &["spec", "finalizers"]).is_empty());
    let is_held = waits_for_others || course == Course::WithGrace;
    if is_held && course == Course::AtOnce {
        mark_deleted(state, &mut marked, 0);
    }
    if is_held {
        if resource.is("namespaces") {
            set(&mut marked, &["status", "phase"], "Terminating".into());
        }
        if marked != *current && !call.dry_run {
            marked = (*state.commit(call, resource, key, Some(marked))).clone();
        }
        return Ok(marked);
    }
    if !call.dry_run {
        if resource.is(crate::resources::CRDS) {
            delete_custom_resources(state, call, &key.name);
        }
        // Pods are marked in the storage, too, unless they were.
        if resource.is("pods") && marked != *current {
            marked = (*state.commit(call, resource, key, Some(marked))).clone();
        }
        state.commit(call, resource, key, None);
    }
    // Kubernetes answers with the object itself for these, and with a Status for the others.
    // Only pods are marked before they go.
    let mut gone = match resource.id.as_str() {
        "pods" => marked,
        "services" | "podtemplates" => (*current).clone(),
        _ => return Ok(success(resource, &current)),
    };
    if !call.dry_run {
        set(&mut gone, &["metadata", "resourceVersion"], state.store.version().to_string().into());
    }
    Ok(gone)
}

fn success(resource: &Resource, object: &Value) -> Value {
    let mut details = json!({"name": name(object), "kind": resource.plural, "uid": uid(object)});
    if !resource.group.is_empty() {
        details["group"] = resource.group.clone().into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// 409, when the object is not the one that is to go.
pub(crate) fn check_preconditions(
    resource: &Resource,
    key: &Key,
    current: &Value,
    options: &DeleteOptions,
) -> Result<(), ApiError> {
    let why = match (&options.uid, &options.resource_version) {
        (Some(asked), _) if asked != uid(current) => format!(
            "the UID in the precondition ({asked}) does not match the UID in record ({}). The object might have been \
             deleted and then recreated",
            uid(current)
        ),
        (_, Some(asked)) if asked != text(current, &["metadata", "resourceVersion"]) => format!(
            "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record ({}). \
             The object might have been modified",
            text(current, &["metadata", "resourceVersion"])
        ),
        _ => return Ok(()),
    };
    Err(ApiError::precondition(resource, &key.name, &why))
}

/// How the deletion of a pod goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// It is under way, and this request changes nothing of it.
    Begun,
    /// The pod has time to end.
    WithGrace,
    /// The pod has been marked, and goes.
    Marked,
    AtOnce,
}

/// Begins the deletion of a pod, or shortens its grace period. Only pods that run get any time.
fn begin(state: &State, pod: &mut Value, options: &DeleteOptions) -> Course {
    // Less than nothing is the least that there is.
    let least = |seconds: i64| if seconds < 0 { 1 } else { seconds };
    let asked = options.grace_seconds.map(least);
    let given = at(pod, &["metadata", "deletionGracePeriodSeconds"]).as_i64().map_or(0, least);
    if is_terminating(pod) {
        return match asked {
            _ if given == 0 => Course::AtOnce,
            Some(asked) if asked < given => shorten(state, pod, given, asked),
            _ => Course::Begun,
        };
    }
    let has_ended = matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
    let configured = at(pod, &["spec", "terminationGracePeriodSeconds"]).as_i64().unwrap_or(0);
    let grace = match asked {
        _ if has_ended || text(pod, &["spec", "nodeName"]).is_empty() => 0,
        Some(asked) => asked,
        None => least(configured),
    };
    mark_deleted(state, pod, grace);
    if grace > 0 { Course::WithGrace } else { Course::Marked }
}

/// Moves the end of a grace period back by the old period and forward by the new one, but not into the past.
fn shorten(state: &State, pod: &mut Value, given: i64, asked: i64) -> Course {
    let end = parse_time(text(pod, &["metadata", "deletionTimestamp"])).unwrap_or(state.now());
    let less = SignedDuration::from_secs(asked.saturating_sub(given));
    let end = end.saturating_add(less).unwrap_or(end);
    let has_passed = end < state.now();
    // The pod's own node is to end it all the same, unless nobody is to wait for that.
    let grace = if has_passed { asked.min(1) } else { asked };
    set(pod, &["metadata", "deletionTimestamp"], api_time(end.max(state.now())).into());
    set(pod, &["metadata", "deletionGracePeriodSeconds"], grace.into());
    if asked > 0 { Course::WithGrace } else { Course::Marked }
}

fn set_finalizers(object: &mut Value, propagation: Option<Propagation>) {
    let mut finalizers: Vec<Value> = list(object, &["metadata", "finalizers"]).to_vec();
    let Some(propagation) = propagation else { return };
    finalizers.retain(|finalizer| finalizer != FOREGROUND && finalizer != ORPHAN);
    match propagation {
        Propagation::Background => {}
        Propagation::Foreground => finalizers.push(FOREGROUND.into()),
        Propagation::Orphan => finalizers.push(ORPHAN.into()),
    }
    let finalizers = if finalizers.is_empty() { Value::Null } else { Value::Array(finalizers) };
    set(object, &["metadata", "finalizers"], finalizers);
}

fn mark_deleted(state: &State, object: &mut Value, grace: i64) {
    let generation = at(object, &["metadata", "generation"]).as_i64();
    if let (Some(generation), false) = (generation, is_terminating(object)) {
        set(object, &["metadata", "generation"], generation.saturating_add(1).into());
    }
    let wait = std::time::Duration::from_secs(u64::try_from(grace).unwrap_or(0));
    let end = after(state.now(), wait);
    let known = parse_time(text(object, &["metadata", "deletionTimestamp"]));
    if known.is_none_or(|known| known > end) {
        set(object, &["metadata", "deletionTimestamp"], api_time(end).into());
    }
    set(object, &["metadata", "deletionGracePeriodSeconds"], grace.into());
}

/// A CustomResourceDefinition takes its objects with it.
fn delete_custom_resources(state: &mut State, call: &Call, id: &str) {
    let Some(resource) = state.registry.named(id).filter(|resource| resource.is_custom()) else { return };
    let keys: Vec<Key> = state.store.list(id, None).map(|(key, _)| key.clone()).collect();
    for key in keys {
        state.commit(call, &resource, &key, None);
    }
}

/// Deletes what the query selects, and answers with the list of it.
pub(crate) fn delete_collection(
    state: &mut State,
    call: &Call,
    target: &Target,
    query: &Query,
    options: &DeleteOptions,
) -> Answer {
    let resource = &target.resource;
    let selector = selector(query, resource)?;
    let selected: Vec<(Key, Arc<Value>)> = state
        .store
        .list(&resource.id, target.namespace.as_deref())
        .filter(|(_, object)| selector.matches(object))
        .map(|(key, object)| (key.clone(), Arc::clone(object)))
        .collect();
    for (key, _) in &selected {
        delete(state, call, resource, key, options)?;
    }
    let mut items: Vec<Value> = selected.iter().map(|(_, object)| (**object).clone()).collect();
    let mut list = json!({
        "kind": resource.list_kind, "apiVersion": resource.api_version(),
        "metadata": {"resourceVersion": state.store.version().to_string()},
    });
    if resource.is_custom() {
        set(&mut list, &["metadata", "continue"], "".into());
    } else {
        // Items of a typed list do not say what they are.
        for item in &mut items {
            fields(item).retain(|key, _| key != "apiVersion" && key != "kind");
        }
    }
    list["items"] = items.into();
    Ok(Reply::document(&list))
}
