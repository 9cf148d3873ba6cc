//! Whether the input can be played: every object against its schema, the controller's own validation and the API server, before
//! anything is stored.

use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_api::rollout::{Rollout, condition_type};
use tidegate_core::rollout::validate::{self, Subject};
use tidegate_sim::World;
use tidegate_sim::timeline::Key;

use super::input::Object;
use super::problem::{Problem, Where};
use super::refusal;
use super::repair::Repair;
use super::schema::{self, Finding};

/// The input, sorted.
#[derive(Default)]
pub(super) struct Checked<'a> {
    /// Objects that the cluster serves, in the order in which they are applied: Rollouts last, so that what they refer to is
    /// there.
    pub(super) objects: Vec<&'a Object>,
    /// Objects that it does not serve, each in a sentence.
    pub(super) skipped: Vec<String>,
    pub(super) problems: Vec<Problem>,
}

/// Looks at all objects; `namespace` is of those that name none, and `only` the one that the user has asked for.
pub(super) async fn check<'a>(
    world: &World,
    objects: &'a [Object],
    namespace: &str,
    only: Option<&str>,
) -> Checked<'a> {
    let mut checked = Checked::default();
    for object in objects {
        if let Some(problem) = misnamed(object).or_else(|| elsewhere(object, only)) {
            checked.problems.push(problem);
        } else if is_ours(object) || world.collection_of(&object.api_version, &object.kind).await.is_none() {
            let line = object.node.place.line;
            let (kind, name) = (&object.kind, &object.name);
            checked.skipped.push(format!("{}:{line}: {kind} {name} is not simulated", object.file));
        } else {
            checked.objects.push(object);
        }
    }
    let rank = |object: &&Object| match object.kind.as_str() {
        "Namespace" | "CustomResourceDefinition" => 0,
        _ if object.is_rollout() => 2,
        _ => 1,
    };
    checked.objects.sort_by_key(rank);
    for object in &checked.objects {
        checked.problems.extend(check_object(world, object, namespace).await);
    }
    checked
}

/// Definitions that the embedded cluster has already.
fn is_ours(object: &Object) -> bool {
    object.kind == "CustomResourceDefinition" && object.name.ends_with(".argoproj.io")
}

/// A Rollout whose kind or version is not quite one.
fn misnamed(object: &Object) -> Option<Problem> {
    let version = tidegate_api::rollout::API_VERSION;
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let is_group = object.api_version.split('/').next() == Some(group);
    if object.kind == "Rollout" && object.api_version != version {
        let text = format!("apiVersion: {}: a Rollout is of {version}", object.api_version);
        return Some(Problem::new(object.line_of("apiVersion"), text));
    }
    let is_slip =
        is_group && object.kind != "Rollout" && super::spelling::meant(&object.kind, ["Rollout"]).is_some();
    is_slip.then(|| {
        let text = format!("kind: {}: no such kind in {version}; did you mean Rollout?", object.kind);
        Problem::new(object.line_of("kind"), text)
    })
}

/// Values that the API server cannot decode it names one by one; so often it is asked again.
const MOST_QUESTIONS: usize = 20;

/// An object whose namespace is not the one that was asked for, which kubectl refuses too.
fn elsewhere(object: &Object, only: Option<&str>) -> Option<Problem> {
    let only = only.filter(|only| !object.namespace.is_empty() && *only != object.namespace)?;
    let text = format!("metadata.namespace: is {}, but --namespace is {only}", object.namespace);
    Some(Problem::new(object.line_of("metadata.namespace"), text))
}

async fn check_object(world: &World, object: &Object, namespace: &str) -> Vec<Problem> {
    let mut found = Found::of(object);
    if object.name.is_empty() {
        found.add("metadata.name", "is missing, or no text");
    }
    if let Some(schema) = schema_of(world, object) {
        for finding in schema::check(&object.node, &schema) {
            found.add_finding(finding);
        }
    }
    if object.is_rollout() {
        found.refuse_spec();
        found.ask(world, namespace, replica_set, of_template).await;
    }
    if !object.name.is_empty() {
        found.ask(world, namespace, |object| Some(object.clone()), |path| Some(path.to_owned())).await;
    }
    found.problems
}

/// The schema of a custom resource, as the cluster has it.
fn schema_of(world: &World, object: &Object) -> Option<Value> {
    let (group, version) = object.api_version.split_once('/')?;
    let definitions = world.server.list("customresourcedefinitions", None);
    let definition = definitions.iter().find(|definition| {
        definition["spec"]["group"] == group && definition["spec"]["names"]["kind"] == object.kind.as_str()
    })?;
    let mut versions = definition["spec"]["versions"].as_array()?.iter();
    let version = versions.find(|it| it["name"] == version)?;
    Some(version["schema"]["openAPIV3Schema"].clone())
}

/// A ReplicaSet as the controller would make it: its refusal is the pod template's.
fn replica_set(rollout: &Value) -> Option<Value> {
    let spec = rollout.get("spec")?;
    let template = spec.get("template").filter(|template| template.is_object())?;
    Some(json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "template"},
        "spec": {"selector": spec.get("selector")?, "template": template},
    }))
}

/// The path in the Rollout of something that was said about that ReplicaSet. What is said of no field is said of the template.
fn of_template(path: &str) -> Option<String> {
    match path {
        "" => Some("spec.template".to_owned()),
        path if path.starts_with("spec.template") => Some(path.to_owned()),
        _ => None,
    }
}

/// Problems of one object. What follows from an earlier problem is not said again.
struct Found<'a> {
    object: &'a Object,
    /// The object without what is known to be wrong, so that others can read the rest.
    readable: Value,
    problems: Vec<Problem>,
    /// Paths that problems are about.
    paths: Vec<String>,
}

impl<'a> Found<'a> {
    fn of(object: &'a Object) -> Self {
        Self { object, readable: object.node.to_value(), problems: Vec::new(), paths: Vec::new() }
    }

    fn add(&mut self, path: &str, text: &str) {
        let real = refusal::real_path(&self.object.node, path);
        let is_known = |path: &str| self.paths.iter().any(|known| is_at_or_below(known, path));
        if is_known(path) || is_known(&real) {
            return;
        }
        let text = if real.is_empty() { text.to_owned() } else { format!("{real}: {text}") };
        let mut problem = Problem::new(self.object.line_of(&real), text);
        if real.ends_with(".pause.duration") {
            problem = problem
                .hint("a duration is a number of seconds, or like 30s, 5m or 1h30m; there are no days");
        }
        self.problems.push(problem);
        self.paths.push(real);
    }

    fn add_finding(&mut self, finding: Finding) {
        let at = Where::Line(self.object.file.clone(), finding.place.line);
        self.problems.push(Problem::new(at, format!("{}: {}", finding.path, finding.text)));
        finding.repair.apply(&mut self.readable, &finding.path);
        self.paths.extend(finding.meant);
        self.paths.push(finding.path);
    }

    /// What the controller would say.
    fn refuse_spec(&mut self) {
        let Ok(rollout) = Rollout::deserialize(&self.readable) else { return };
        let spec = &rollout.spec;
        let subject =
            Subject { rollout: &rollout, template: spec.template.as_ref(), selector: spec.selector.as_ref() };
        let mut errors = validate::all(&subject);
        errors.extend(validate::not_yet_supported(&rollout, false));
        for error in errors {
            let (path, text) = refusal::of_spec(&error.to_string());
            self.add(&path, &text);
        }
    }

    /// What the API server would say of what `made` makes of the object; `path_of` gives the path in the object, where there is one.
    async fn ask(
        &mut self,
        world: &World,
        namespace: &str,
        made: impl Fn(&Value) -> Option<Value>,
        path_of: impl Fn(&str) -> Option<String>,
    ) {
        for _ in 0..MOST_QUESTIONS {
            let Some(object) = made(&self.readable) else { return };
            let Err(error) = world.try_object(namespace, object).await else { return };
            let mut says_more = false;
            for said in refusal::of_server(&self.object.node, &error, &self.paths) {
                if let Some(path) = path_of(&said.path) {
                    self.add(&path, &said.text);
                }
                says_more |= said.repair != Repair::Nothing;
                said.repair.apply(&mut self.readable, &said.path);
            }
            if !says_more {
                return;
            }
        }
    }
}

/// A Rollout's namespace and name.
pub(super) fn key(object: &Object, namespace: &str) -> Key {
    let namespace = if object.namespace.is_empty() { namespace } else { &object.namespace };
    Key { namespace: namespace.to_owned(), name: object.name.clone() }
}

/// Rollouts that the controller cannot follow although they passed all checks: for what they refer to.
pub(super) fn invalid_specs(world: &World, objects: &[&Object], namespace: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for object in objects.iter().filter(|object| object.is_rollout()) {
        let key = key(object, namespace);
        let Some(seen) = world.inspector.observation(&key.namespace, &key.name) else { continue };
        let mut conditions = seen.rollout.status.conditions.iter();
        if let Some(invalid) = conditions.find(|condition| condition.type_ == condition_type::INVALID_SPEC) {
            let mut found = Found::of(object);
            let (path, text) = refusal::of_condition(&invalid.message);
            found.add(&path, &text);
            problems.append(&mut found.problems);
        }
    }
    problems
}

fn is_at_or_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidegate_sim::{Options, Pace, run};

    use super::*;
    use crate::simulate::input::{Source, objects};

    #[test]
    fn what_only_the_controller_can_see_has_a_line_too() {
        let text = include_str!("../../../../scenarios/failure/references.yaml").to_owned();
        let (objects, _) = objects(&[Source { name: "f".to_owned(), text }]);
        let objects: Vec<&Object> = objects.iter().collect();
        let problems = run(Pace::Virtual, Options::default(), |mut world| async move {
            world.prepare().await;
            for object in &objects {
                world.apply_object("default", object.node.to_value()).await.unwrap();
            }
            world.pass(Duration::from_millis(100)).await;
            invalid_specs(&world, &objects, "default")
        });
        let texts: Vec<_> =
            problems.iter().map(|problem| format!("{}{}", problem.at, problem.text)).collect();
        assert_eq!(
            texts,
            [
                "f:20: spec.strategy.canary.canaryService: Invalid value: \"rollouts-demo\": service \"rollouts-demo\" not found",
                "f:22: deployments.apps \"default/nobody\" not found",
                "f:35: workload of type batch/Job is not supported",
            ]
        );
    }
}
