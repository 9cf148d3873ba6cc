//! get, list and watch.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::body::Body;
use crate::presentation::View;
use crate::reply::{Answer, Reply};
use crate::request::{Query, Target};
use crate::resources::Resource;
use crate::selector::{FieldSelector, LabelSelector, Selector};
use crate::server::ApiServer;
use crate::state::State;
use crate::status::ApiError;
use crate::store::Key;
use crate::verbs::list_options;
use crate::watch::{WatchOptions, WatchStream, error_event};

/// What a query selects of a resource.
pub(crate) fn selector(query: &Query, resource: &Resource) -> Result<Selector, ApiError> {
    Ok(Selector {
        labels: LabelSelector::parse(query.get("labelSelector"))?,
        fields: FieldSelector::parse(query.get("fieldSelector"), resource)?,
    })
}

/// A page of objects.
pub(crate) fn list(state: &State, target: &Target, query: &Query, view: &View) -> Answer {
    let resource = &target.resource;
    let selector = selector(query, resource)?;
    list_options::check(query, false)?;
    check_not_ahead(state, query)?;
    let limit = query
        .integer("limit")?
        .filter(|limit| *limit > 0)
        .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    query.integer("timeoutSeconds")?;
    let token = Continue::parse(query.get("continue"))?;
    // Who asks for one name gets that object, which is no page.
    let is_one = selector.fields.names_one() && (target.namespace.is_some() || !resource.namespaced);
    let exact = list_options::exact_version(query, limit < usize::MAX && !is_one)?;
    let floor = state.store.floor(&resource.id);
    if let Some(token) = token.as_ref().filter(|token| token.version < floor) {
        return Err(expired_token(token.version));
    }
    if exact.is_some_and(|version| version < floor) {
        let message = "The resourceVersion for the provided list is too old.";
        return Err(ApiError::new(410, "Expired", message));
    }
    let version = token.as_ref().map(|token| token.version).or(exact).unwrap_or(state.store.version());
    let before = state.store.changed_since(&resource.id, target.namespace.as_deref(), version);
    let mut all: Vec<(&Key, &Arc<Value>)> = state
        .store
        .list(&resource.id, target.namespace.as_deref())
        .filter(|(key, _)| !before.contains_key(*key) && selector.fields.may_be_called(&key.name))
        .collect();
    if !before.is_empty() {
        all.extend(before.iter().filter_map(|(key, object)| Some((key, object.as_ref()?))));
        all.sort_by_key(|(key, _)| *key);
    }
    let mut rest = all.into_iter().filter(|(key, _)| token.as_ref().is_none_or(|token| **key > token.after));
    let selected = rest.by_ref().filter(|(_, object)| selector.matches(object));
    let page: Vec<(&Key, &Arc<Value>)> = selected.take(limit).collect();
    // As there, whether what remains is selected is only known when it is looked at.
    let remaining = rest.count();
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if resource.is_custom() {
        metadata["continue"] = "".into();
    }
    if let (Some((key, _)), true) = (page.last(), remaining > 0) {
        metadata["continue"] = Continue { version, after: (*key).clone() }.encode().into();
        if selector.is_empty() {
            metadata["remainingItemCount"] = remaining.into();
        }
    }
    let objects: Vec<Arc<Value>> = page.into_iter().map(|(_, object)| Arc::clone(object)).collect();
    Ok(Reply::new(200, view.list(&metadata, &objects, state.now())))
}

/// Where the next page starts. Later pages show what was there when the first page was read.
struct Continue {
    version: u64,
    after: Key,
}

impl Continue {
    fn parse(token: &str) -> Result<Option<Self>, ApiError> {
        if token.is_empty() {
            return Ok(None);
        }
        let mut parts = token.splitn(3, ':');
        let version = parts.next().and_then(|version| version.parse().ok());
        match (version, parts.next(), parts.next()) {
            (Some(version), Some(namespace), Some(name)) => {
                Ok(Some(Self { version, after: Key::new(namespace, name) }))
            }
            _ => Err(ApiError::bad_request("invalid continue token: continue key is not valid")),
        }
    }

    fn encode(&self) -> String {
        format!("{}:{}:{}", self.version, self.after.namespace, self.after.name)
    }
}

fn expired_token(version: u64) -> ApiError {
    let message = format!(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list \
         without the continue parameter. (resource version {version} has been compacted)"
    );
    ApiError::new(410, "Expired", message)
}

/// 504, when the client asks for a version that the server has not reached.
fn check_not_ahead(state: &State, query: &Query) -> Result<(), ApiError> {
    let asked = query.number("resourceVersion")?.unwrap_or(0);
    let current = state.store.version();
    if asked <= current {
        return Ok(());
    }
    let mut error =
        ApiError::new(504, "Timeout", format!("Too large resource version: {asked}, current: {current}"));
    let cause = json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
    error.details.insert("causes".to_owned(), json!([cause]));
    error.details.insert("retryAfterSeconds".to_owned(), json!(1));
    Err(error)
}

/// Opens a watch. As on a real server, a version that is too old, or too new to tell what there was then, is told by an ERROR event,
/// not by the response's code. Without such a start a watch waits for what comes after its version.
pub(crate) fn watch(
    server: &ApiServer,
    state: &mut State,
    target: &Target,
    query: &Query,
    view: View,
) -> Answer {
    let resource = &target.resource;
    let selector = selector(query, resource)?;
    list_options::check(query, true)?;
    let sends_initial = query.flag("sendInitialEvents");
    if let (true, Err(error)) = (sends_initial, check_not_ahead(state, query)) {
        return Ok(Reply::new(200, Body::raw(error_event(&error))));
    }
    let asked = query.number("resourceVersion")?.unwrap_or(0);
    let starts_now = asked == 0 || sends_initial;
    let wants_initial = if query.has("sendInitialEvents") { sends_initial } else { asked == 0 };
    let initial = if wants_initial {
        let objects = state.store.list(&resource.id, target.namespace.as_deref()).map(|(_, object)| object);
        objects.filter(|object| selector.matches(object)).map(Arc::clone).collect()
    } else {
        Vec::new()
    };
    let bookmarks = query.flag("allowWatchBookmarks");
    let options = WatchOptions {
        resource: Arc::clone(resource),
        view,
        namespace: target.namespace.clone(),
        selector,
        from: if starts_now { state.store.version() } else { asked },
        initial,
        mark_initial_end: sends_initial && bookmarks,
        bookmarks,
        timeout: timeout(query)?,
    };
    Ok(Reply::new(200, Body::watch(WatchStream::open(server, state, options))))
}

/// How long a watch is to last; nothing for as long as the server likes.
fn timeout(query: &Query) -> Result<Option<Duration>, ApiError> {
    let seconds = query.integer("timeoutSeconds")?.filter(|seconds| *seconds != 0);
    Ok(seconds.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0))))
}
