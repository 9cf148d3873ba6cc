//! Serving an apply: the configuration, its merge into the object, and creation of what is not there.

use std::sync::Arc;

use serde::de::DeserializeSeed;
use serde_json::Value;

use super::managed::{self, Managed, Manager, Operation};
use super::options::is_forced;
use super::subject::Subject;
use super::{ENTRIES, conflict, last_applied, transfer, validate};
use crate::json::{at, name, namespace, set, text, uid};
use crate::presentation::present;
use crate::request::Query;
use crate::resources::Resource;
use crate::state::{Call, State};
use crate::status::ApiError;
use crate::store::Key;
use crate::strict::{self, Directive, Parsed};
use crate::verbs::{create, scale, update};

/// What a client applies.
pub(crate) struct Configuration {
    value: Value,
    duplicates: Vec<String>,
    manager: String,
    force: bool,
}

/// What an apply made.
pub(crate) enum Served {
    Created(Arc<Value>),
    Changed(Arc<Value>),
    Scaled(Value),
}

impl Configuration {
    /// Reads a body in YAML, of which JSON is a part.
    pub(crate) fn parse(body: &[u8], query: &Query) -> Result<Self, ApiError> {
        let Parsed { value, duplicates } =
            parse(body).map_err(|why| ApiError::bad_request(format!("error decoding YAML: {why}")))?;
        let value = if value.is_null() { Value::Object(serde_json::Map::new()) } else { value };
        if !value.is_object() {
            let found = match &value {
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                _ => "array",
            };
            let why = format!(
                "error decoding YAML: json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
            );
            return Err(ApiError::bad_request(why));
        }
        Ok(Self { value, duplicates, manager: query.get("fieldManager").to_owned(), force: is_forced(query) })
    }

    #[cfg(test)]
    pub(super) fn of(value: Value, manager: &str, force: bool) -> Self {
        Self { value, duplicates: Vec::new(), manager: manager.to_owned(), force }
    }

    /// Refuses members that are given twice, or tells of them, once the configuration could be applied.
    fn complain(&self, state: &mut State, directive: Directive) -> Result<(), ApiError> {
        if self.duplicates.is_empty() || directive == Directive::Ignore {
            return Ok(());
        }
        let lines = self.duplicates.iter().map(|path| {
            let key = path.rsplit('.').next().unwrap_or(path);
            format!("\n  line 1: key \"{key}\" already set in map")
        });
        let why =
            format!("error converting YAML to JSON: yaml: unmarshal errors:{}", lines.collect::<String>());
        if directive == Directive::Strict {
            return Err(ApiError::bad_request(format!("error strict decoding YAML: {why}")));
        }
        state.warnings.push(why);
        Ok(())
    }

    /// The object that it makes of `live`, with its owners.
    pub(super) fn applied_to(
        &self,
        live: &Value,
        mut managed: Managed,
        subject: &Subject,
        now: &str,
    ) -> Result<(Value, Managed), ApiError> {
        self.check(subject)?;
        if let Some(why) = validate::fault(&self.value, subject.ty()) {
            let shown = described(&self.value, subject);
            return Err(ApiError::new(
                500,
                "",
                format!("failed to create typed patch object ({shown}): {why}"),
            ));
        }
        if managed.is_empty() {
            managed = transfer::update(subject, [&subject.empty, live], managed, "before-first-apply", now);
        }
        let manager = Manager::new(&self.manager, Operation::Apply, &subject.version, subject.subresource);
        let apply = |force| transfer::apply(subject, [live, &self.value], managed.clone(), &manager, force);
        let outcome = match apply(self.force) {
            Err(conflicts) if self.manager == last_applied::APPLIER => {
                let left = last_applied::left(conflicts, subject, live);
                if left.is_empty() { apply(true) } else { Err(left) }
            }
            outcome => outcome,
        };
        let mut outcome = outcome.map_err(|conflicts| conflict::refusal(&conflicts))?;
        let mut object = match outcome.object {
            Some(object) => {
                if let Some(owned) = outcome.managed.get_mut(&manager) {
                    owned.time = Some(now.to_owned());
                }
                object
            }
            None => live.clone(),
        };
        if self.manager == last_applied::APPLIER {
            last_applied::renew(&mut object, &self.value);
        }
        Ok((object, outcome.managed))
    }

    fn check(&self, subject: &Subject) -> Result<(), ApiError> {
        let (version, kind) = (text(&self.value, &["apiVersion"]), text(&self.value, &["kind"]));
        if version != subject.version || kind != subject.kind {
            let found = go_kind(version, kind);
            return Err(ApiError::bad_request(format!("invalid object type: {found}")));
        }
        if self
            .value
            .get("metadata")
            .and_then(|metadata| metadata.get("managedFields"))
            .is_some_and(Value::is_array)
        {
            return Err(ApiError::bad_request("metadata.managedFields must be nil"));
        }
        Ok(())
    }
}

/// `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`.
fn go_kind(version: &str, kind: &str) -> String {
    let slash = if version.contains('/') { "" } else { "/" };
    format!("{slash}{version}, Kind={kind}")
}

/// `default/web; apps/v1, Kind=Deployment`.
fn described(object: &Value, subject: &Subject) -> String {
    format!("{}/{}; {}", namespace(object), name(object), go_kind(&subject.version, &subject.kind))
}

fn parse(body: &[u8]) -> Result<Parsed, String> {
    if let Ok(parsed) = strict::parse(body) {
        return Ok(parsed);
    }
    let mut duplicates = Vec::new();
    let deserializer = serde_yaml_ng::Deserializer::from_slice(body);
    let value = strict::seed(&mut duplicates)
        .deserialize(deserializer)
        .map_err(|error| format!("error converting YAML to JSON: yaml: {error}"))?;
    Ok(Parsed { value, duplicates })
}

/// Applies a configuration to an object, to its status or to its scale.
pub(crate) fn serve(
    state: &mut State,
    call: &mut Call,
    resource: &Arc<Resource>,
    key: &Key,
    configuration: &Configuration,
) -> Result<Served, ApiError> {
    call.applies = true;
    configuration_applies(state, call, resource, key, configuration)
}

fn configuration_applies(
    state: &mut State,
    call: &Call,
    resource: &Arc<Resource>,
    key: &Key,
    configuration: &Configuration,
) -> Result<Served, ApiError> {
    if call.subresource == "scale" {
        let applied = scale::apply(state, call, resource, key, configuration)?;
        configuration.complain(state, call.strictness.directive)?;
        return Ok(Served::Scaled(applied));
    }
    let subject = Subject::of(state, resource, call.subresource);
    let now = state.api_now();
    let Some(live) = state.store.get(&resource.id, key).map(Arc::clone) else {
        let makes_all = update::CREATED_BY_PUT.contains(&resource.id.as_str());
        if !call.subresource.is_empty() && !makes_all {
            return Err(ApiError::not_found(resource, &key.name));
        }
        let (object, managed) = configuration.applied_to(&subject.empty, Managed::new(), &subject, &now)?;
        configuration.complain(state, call.strictness.directive)?;
        let object = to_create(object, &managed, resource, key)?;
        return create::create(state, call, resource, &key.namespace, object).map(Served::Created);
    };
    let shown = present(&live, resource);
    let owners = managed::decode(at(&shown, &ENTRIES)).unwrap_or_default();
    let (mut object, managed) =
        configuration.applied_to(&super::without_entries(&shown), owners, &subject, &now)?;
    configuration.complain(state, call.strictness.directive)?;
    set(&mut object, &ENTRIES, managed::encode(&managed));
    update::modify(state, call, resource, key, |_| Ok(object)).map(Served::Changed)
}

/// The object that an apply creates, if it is the one that the path names.
fn to_create(
    mut object: Value,
    managed: &Managed,
    resource: &Resource,
    key: &Key,
) -> Result<Value, ApiError> {
    if !uid(&object).is_empty() {
        let why = format!(
            "uid mismatch: the provided object specified uid {}, and no existing object was found",
            uid(&object)
        );
        return Err(ApiError::conflict(resource, &key.name, &why));
    }
    if name(&object) != key.name {
        let message = match name(&object) {
            "" => format!(
                "the name of the object ({} based on URL) was undeterminable: name must be provided",
                key.name
            ),
            given => {
                format!("the name of the object ({given}) does not match the name on the URL ({})", key.name)
            }
        };
        return Err(ApiError::bad_request(message));
    }
    set(&mut object, &ENTRIES, managed::encode(managed));
    Ok(object)
}

/// 500 for a merged object that does not have its type's form where schemas cannot tell.
pub(crate) fn unconvertible(why: &str, resource: &Resource, key: &Key) -> ApiError {
    let kind = go_kind(&resource.api_version(), &resource.kind);
    let (namespace, name) = (&key.namespace, &key.name);
    // What is left for Go's types to find fault with is fractions and what is no time; they say it otherwise than its decoder.
    let why = match why.rsplit_once(" of type ") {
        Some((_, "v1.Time")) => "json: cannot unmarshal number into Go value of type string".to_owned(),
        Some((_, wanted)) if wanted.starts_with("int") => format!("cannot convert float64 to {wanted}"),
        _ => why.to_owned(),
    };
    let message = format!(
        "failed to convert new object ({namespace}/{name}; {kind}) to proper version: unable to convert unstructured object \
         to {kind}: {why}"
    );
    ApiError::new(500, "", message)
}
