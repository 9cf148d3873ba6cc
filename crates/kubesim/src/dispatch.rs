//! From a request to its response.

use http::request::Parts;
use http::{HeaderName, Response, header};
use serde_json::Value;

use crate::body::Body;
use crate::field::Cause;
use crate::json::is_terminating;
use crate::negotiation::{self, BodyForm};
use crate::ownership::{self, Configuration, Served};
use crate::patch::{self, PatchKind};
use crate::presentation::{View, present};
use crate::reply::{Answer, Reply};
use crate::request::{Query, Route, Target, route, verb};
use crate::resources::CRDS;
use crate::server::ApiServer;
use crate::state::{Call, State};
use crate::status::ApiError;
use crate::store::Key;
use crate::strict::{self, Directive, Parsed};
use crate::verbs::delete::DeleteOptions;
use crate::verbs::update::Put;
use crate::verbs::{create, delete, evict, list_options, read, scale, update};
use crate::{discovery, openapi, wire};

pub(crate) use crate::reply::failure;

/// Answers a request.
pub(crate) fn answer(server: &ApiServer, parts: &Parts, body: &[u8]) -> Response<Body> {
    let route = server.with(|state| route(parts.uri.path(), &state.registry));
    let result = route.and_then(|route| match route {
        Route::Objects(target) => objects(server, &Request { parts, body, target }),
        Route::Health => Ok(Reply::new(200, Body::text("ok"))),
        Route::OpenApi(path) => server.with(|state| openapi::answer(state, &path, parts)),
        Route::Unserved(name) => Err(unserved(&name)),
        other => server.with(|state| discovery::answer(&state.registry, &other, parts)),
    });
    result.map_or_else(|error| failure(&error), Reply::into_response)
}

/// 501 for what Kubernetes has below a resource and this server has not.
fn unserved(name: &str) -> ApiError {
    let why = match name.rsplit('/').next() {
        Some("log" | "exec" | "attach" | "portforward" | "proxy") => "its pods run no containers",
        _ => "it is not simulated",
    };
    ApiError::new(501, "NotImplemented", format!("this embedded API server does not serve {name}: {why}"))
}

/// A request on objects.
struct Request<'a> {
    parts: &'a Parts,
    body: &'a [u8],
    target: Target,
}

impl Request<'_> {
    fn header(&self, name: HeaderName) -> &str {
        header_of(self.parts, name)
    }

    fn key(&self) -> Key {
        let target = &self.target;
        Key::new(target.namespace.as_deref().unwrap_or(""), target.name.as_deref().unwrap_or(""))
    }

    /// The body, which must be an object.
    fn object(&self) -> Result<Parsed, ApiError> {
        let resource = &self.target.resource;
        // Definitions would need messages that say less than their JSON.
        let protobuf = !resource.is_custom() && !resource.is(CRDS);
        let unrecognized =
            |why: &str| ApiError::bad_request(format!("the object provided is unrecognized ({why})"));
        let parsed = match negotiation::body_form(self.header(header::CONTENT_TYPE), protobuf)? {
            BodyForm::Json => strict::parse(self.body)
                .map_err(|error| unrecognized(&format!("must be of type JSON: {error}")))?,
            BodyForm::Protobuf => {
                let value = wire::decode(self.body).map_err(|error| unrecognized(&error.to_string()))?;
                Parsed { value, duplicates: Vec::new() }
            }
        };
        if parsed.value.is_object() { Ok(parsed) } else { Err(unrecognized("must be a JSON object")) }
    }

    fn is_apply(&self) -> bool {
        patch::is_apply(self.header(header::CONTENT_TYPE))
    }

    fn delete_options(&self, query: &Query) -> Result<DeleteOptions, ApiError> {
        if self.body.is_empty() {
            return DeleteOptions::of_query(query);
        }
        DeleteOptions::decode(self.object()?.value)
    }
}

/// A header's value; empty when there is none.
pub(crate) fn header_of(parts: &Parts, name: HeaderName) -> &str {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn objects(server: &ApiServer, request: &Request<'_>) -> Answer {
    let target = &request.target;
    let query = Query::parse(request.parts.uri.query().unwrap_or(""));
    let verb = verb(&request.parts.method, target, &query)?;
    let view = View::of_request(&target.resource, request.header(header::ACCEPT), &query)?;
    let actor = request.parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let mut call = Call::new(actor.unwrap_or("unknown"), verb, target.subresource);
    let is_read = matches!(verb, "get" | "list" | "watch");
    let fault = if is_read {
        None
    } else {
        let key = request.key();
        server.fault(&call, &target.resource.id, &key.namespace, &key.name)
    };
    server.with(|state| {
        state.warnings.clear();
        let result = match fault {
            Some(error) => Err(error),
            None if is_read => read(server, state, &call, request, &query, view),
            None => options(state.field_ownership, &mut call, request, &query)
                .and_then(|()| write(state, &mut call, request, &query, &view)),
        };
        state.count(&call, &target.resource, result.is_err());
        let reply = result.unwrap_or_else(|error| Reply::failure(&error));
        Ok(reply.warning(&state.warnings))
    })
}

/// What a write's query says of how it is to be made.
fn options(applies: bool, call: &mut Call, request: &Request<'_>, query: &Query) -> Result<(), ApiError> {
    let kind = match call.verb {
        "create" => "CreateOptions",
        "update" => "UpdateOptions",
        "patch" => "PatchOptions",
        _ => "DeleteOptions",
    };
    // A body of delete options stands in for the whole query.
    if call.verb.starts_with("delete") && !request.body.is_empty() {
        return Ok(());
    }
    if call.verb == "patch" && !request.is_apply() {
        let target = &request.target;
        PatchKind::of(request.header(header::CONTENT_TYPE), &target.resource, applies)?;
    }
    let mut causes = match call.verb {
        "create" | "update" => ownership::check_options(query, None),
        "patch" => ownership::check_options(query, Some(request.is_apply())),
        _ => Vec::new(),
    };
    let mut refuse = |cause| causes.push(cause);
    query.get("fieldManager").clone_into(&mut call.field_manager);
    call.dry_run = !query.get("dryRun").is_empty();
    if !matches!(query.get("dryRun"), "" | "All") {
        refuse(Cause::unsupported("dryRun", &Value::from([query.get("dryRun")]), &["All".to_owned()]));
    }
    call.strictness.directive = match query.get("fieldValidation") {
        "Ignore" => Directive::Ignore,
        "" | "Warn" => Directive::Warn,
        "Strict" => Directive::Strict,
        other => {
            let supported = ["", "Ignore", "Strict", "Warn"].map(str::to_owned);
            refuse(Cause::unsupported("fieldValidation", &other.into(), &supported));
            Directive::Warn
        }
    };
    if causes.is_empty() { Ok(()) } else { Err(ApiError::invalid("meta.k8s.io", kind, "", &causes)) }
}

fn read(
    server: &ApiServer,
    state: &mut State,
    call: &Call,
    request: &Request<'_>,
    query: &Query,
    view: View,
) -> Answer {
    let target = &request.target;
    match call.verb {
        "list" => read::list(state, target, query, &view),
        "watch" => read::watch(server, state, target, query, view),
        _ => {
            let object = state.find(&target.resource, &request.key())?;
            match &target.resource.scale {
                Some(paths) if call.subresource == "scale" => {
                    Ok(Reply::document(&scale::scale_of(&object, &target.resource, paths)))
                }
                _ => Ok(shown(state, 200, &object, &view)),
            }
        }
    }
}

fn shown(state: &State, code: u16, object: &Value, view: &View) -> Reply {
    Reply::new(code, Body::document(&view.object(object, true, state.now())))
}

fn write(state: &mut State, call: &mut Call, request: &Request<'_>, query: &Query, view: &View) -> Answer {
    let (resource, key) = (&request.target.resource, request.key());
    match call.verb {
        "create" if call.subresource == "eviction" => {
            let eviction = request.object()?;
            call.strictness.duplicates = eviction.duplicates;
            let answer = evict::evict(state, call, resource, &key, eviction.value)?;
            Ok(Reply::new(201, Body::document(&answer)))
        }
        "create" => {
            let parsed = request.object()?;
            call.strictness.duplicates = parsed.duplicates;
            let created = create::create(state, call, resource, &key.namespace, parsed.value)?;
            Ok(shown(state, 201, &created, view))
        }
        "delete" => {
            let options = request.delete_options(query)?;
            call.dry_run |= options.dry_run;
            let answer = delete::delete(state, call, resource, &key, &options)?;
            // Whoever asked for the dependents to go, too, is told that this goes on.
            let goes_on = options.refuses_orphans && answer["kind"] != "Status" && is_terminating(&answer);
            let is_held = goes_on && state.find(resource, &key).is_ok();
            Ok(Reply::new(if is_held { 202 } else { 200 }, Body::document(&answer)))
        }
        "deletecollection" => {
            read::selector(query, resource)?;
            list_options::check(query, false)?;
            let options = request.delete_options(query)?;
            call.dry_run |= options.dry_run;
            delete::delete_collection(state, call, &request.target, query, &options)
        }
        "patch" if state.field_ownership && request.is_apply() => {
            let configuration = Configuration::parse(request.body, query)?;
            Ok(match ownership::serve(state, call, resource, &key, &configuration)? {
                Served::Created(object) => shown(state, 201, &object, view),
                Served::Changed(object) => shown(state, 200, &object, view),
                Served::Scaled(scale) => Reply::document(&scale),
            })
        }
        "update" if call.subresource != "scale" => {
            let parsed = request.object()?;
            call.strictness.duplicates = parsed.duplicates;
            Ok(match update::put(state, call, resource, &key, parsed.value)? {
                Put::Created(object) => shown(state, 201, &object, view),
                Put::Replaced(object) => shown(state, 200, &object, view),
            })
        }
        _ => {
            let change = change(state, call, request)?;
            if call.subresource == "scale" {
                let object = scale::modify(state, call, resource, &key, change)?;
                return Ok(Reply::document(&object));
            }
            let object =
                update::modify(state, call, resource, &key, |current| change(&present(current, resource)))?;
            Ok(shown(state, 200, &object, view))
        }
    }
}

/// What is to be made of the current object.
type Edit<'a> = Box<dyn FnOnce(&Value) -> Result<Value, ApiError> + 'a>;

/// What an update of a scale or a patch makes of the current object.
fn change<'a>(state: &mut State, call: &mut Call, request: &'a Request<'_>) -> Result<Edit<'a>, ApiError> {
    let target = &request.target;
    if call.verb == "update" {
        let mut parsed = request.object()?;
        call.strictness.duplicates = parsed.duplicates;
        scale::check(state, call, &mut parsed.value, &request.key())?;
        return Ok(Box::new(|_| Ok(parsed.value)));
    }
    let kind = PatchKind::of(request.header(header::CONTENT_TYPE), &target.resource, state.field_ownership)?;
    let patch = kind.parse(request.body, &mut call.strictness)?;
    Ok(Box::new(move |current| patch.apply(current, &target.resource)))
}
