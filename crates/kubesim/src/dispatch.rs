//! From a request to its response.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderValue, Response, header};
use serde_json::Value;

use crate::body::Body;
use crate::patch::PatchKind;
use crate::request::{Query, Route, Target, route, verb};
use crate::server::ApiServer;
use crate::state::{Call, State};
use crate::status::ApiError;
use crate::store::Key;
use crate::verbs::delete::DeleteOptions;
use crate::verbs::read::present;
use crate::verbs::{create, delete, discovery, read, scale, update};

/// An answer: its code and its body.
pub(crate) type Answer = Result<(u16, Body), ApiError>;

/// Answers a request.
pub(crate) fn answer(server: &ApiServer, parts: &Parts, body: &[u8]) -> Response<Body> {
    let result =
        server.with(|state| route(parts.uri.path(), &state.registry)).and_then(|route| match route {
            Route::Objects(target) => objects(server, parts, &target, body),
            Route::Health => Ok((200, Body::text("ok"))),
            other => server.with(|state| discovery::answer(&state.registry, &other)),
        });
    match result {
        Ok((code, body)) => response(code, body),
        Err(error) => failure(&error),
    }
}

/// The response that tells of a failure.
pub(crate) fn failure(error: &ApiError) -> Response<Body> {
    response(error.code, Body::document(&error.to_value()))
}

fn response(code: u16, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() =
        http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn objects(server: &ApiServer, parts: &Parts, target: &Target, body: &[u8]) -> Answer {
    let query = Query::parse(parts.uri.query().unwrap_or(""));
    let verb = verb(&parts.method, target, &query)?;
    let actor =
        parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("unknown");
    let mut call = Call::new(actor, verb, target.subresource);
    let is_read = matches!(verb, "get" | "list" | "watch");
    let fault = if is_read {
        None
    } else {
        let name = target.name.as_deref().unwrap_or("");
        server.fault(&call, &target.resource.id, target.namespace.as_deref().unwrap_or(""), name)
    };
    server.with(|state| {
        let result = match fault {
            Some(error) => Err(error),
            None if is_read => read(server, state, &call, target, &query),
            None => {
                dry_run(&mut call, &query).and_then(|()| write(state, &call, parts, target, &query, body))
            }
        };
        state.count(&call, &target.resource, result.is_err());
        result
    })
}

fn dry_run(call: &mut Call, query: &Query) -> Result<(), ApiError> {
    call.dry_run = match query.get("dryRun") {
        "" => false,
        "All" => true,
        other => {
            let value = Value::String(other.to_owned());
            let cause = crate::field::Cause::unsupported("dryRun", &value, &["All".to_owned()]);
            return Err(ApiError::invalid("meta.k8s.io", "CreateOptions", "", &[cause]));
        }
    };
    Ok(())
}

fn read(server: &ApiServer, state: &mut State, call: &Call, target: &Target, query: &Query) -> Answer {
    match call.verb {
        "list" => read::list(state, target, query),
        "watch" => read::watch(server, state, target, query),
        _ => {
            let object = state.find(&target.resource, &key(target))?;
            match &target.resource.scale {
                Some(paths) if call.subresource == "scale" => {
                    Ok((200, Body::document(&scale::scale_of(&object, &target.resource, paths))))
                }
                _ => document(200, &object, target),
            }
        }
    }
}

fn write(
    state: &mut State,
    call: &Call,
    parts: &Parts,
    target: &Target,
    query: &Query,
    body: &[u8],
) -> Answer {
    let (resource, key) = (&target.resource, key(target));
    match call.verb {
        "create" => {
            let object = json_body(body)?;
            let created = create::create(state, call, resource, &key.namespace, object)?;
            document(201, &created, target)
        }
        "delete" => {
            let options = DeleteOptions::parse(&optional_body(body)?)?.overridden_by(query)?;
            let call = Call { dry_run: call.dry_run || options.dry_run, ..call.clone() };
            delete::delete(state, &call, resource, &key, &options)
                .map(|answer| (200, Body::document(&answer)))
        }
        "deletecollection" => {
            let options = DeleteOptions::parse(&optional_body(body)?)?.overridden_by(query)?;
            delete::delete_collection(state, call, target, query, &options)
        }
        verb => {
            let change = change(verb, parts, target, body)?;
            if call.subresource == "scale" {
                let object = scale::modify(state, call, resource, &key, change)?;
                return Ok((200, Body::document(&object)));
            }
            let object =
                update::modify(state, call, resource, &key, |current| change(&present(current, resource)))?;
            document(200, &object, target)
        }
    }
}

/// What is to be made of the current object.
type Edit<'a> = Box<dyn FnOnce(&Value) -> Result<Value, ApiError> + 'a>;

/// What an update or patch makes of the current object.
fn change<'a>(verb: &str, parts: &Parts, target: &'a Target, body: &'a [u8]) -> Result<Edit<'a>, ApiError> {
    if verb == "update" {
        let object = json_body(body)?;
        if target.subresource == "scale" {
            return Ok(Box::new(|_| Ok(object)));
        }
        let resource = Arc::clone(&target.resource);
        return Ok(Box::new(move |current| update::replacement(&resource, current, object)));
    }
    let content_type =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = PatchKind::of(content_type, &target.resource)?;
    Ok(Box::new(move |current| kind.apply(body, current, &target.resource)))
}

fn key(target: &Target) -> Key {
    Key::new(target.namespace.as_deref().unwrap_or(""), target.name.as_deref().unwrap_or(""))
}

fn document(code: u16, object: &Arc<Value>, target: &Target) -> Answer {
    Ok((code, Body::document(&present(object, &target.resource))))
}

fn json_body(body: &[u8]) -> Result<Value, ApiError> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!("the object provided is unrecognized (must be of type JSON): {error}"))
    })?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(ApiError::bad_request("the object provided is unrecognized (must be a JSON object)"))
    }
}

fn optional_body(body: &[u8]) -> Result<Value, ApiError> {
    if body.is_empty() { Ok(Value::Null) } else { json_body(body) }
}
