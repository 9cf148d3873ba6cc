//! What the end of a life must be like: that of a world in which the same objects were applied at once, and nothing went wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_api::labels;
use tidegate_core::invariants::{Essence, essence};

use crate::pace::Pace;
use crate::scenario::{Script, Setting};
use crate::world::{World, run};

/// How long the world of the same objects may take.
const LIMIT: Duration = Duration::from_secs(3_600);

/// The end of a world.
pub(super) struct End {
    /// Its Rollouts and what they refer to, as somebody would apply them.
    objects: Vec<Value>,
    essences: BTreeMap<String, Essence>,
}

impl End {
    pub(super) async fn of(world: &World, namespace: &str) -> Self {
        let mut objects = Vec::new();
        for (resource, version, kind) in [
            ("services", "v1", "Service"),
            ("deployments.apps", "apps/v1", "Deployment"),
            ("podtemplates", "v1", "PodTemplate"),
            ("rollouts.argoproj.io", "argoproj.io/v1alpha1", "Rollout"),
        ] {
            let found = world.objects(resource, namespace).into_iter();
            objects.extend(found.map(|object| manifest(&object, (version, kind))));
        }
        objects.extend(lent_replica_sets(world, namespace));
        let mut essences = BTreeMap::new();
        for name in world.rollout_names(namespace) {
            let observation = world.inspector.observation(namespace, &name);
            essences.extend(observation.map(|it| (name, essence(&it).without_history())));
        }
        Self { objects, essences }
    }

    /// Where the end is not what it is in a world in which its objects are applied at once; `None`: nowhere.
    pub(super) fn difference(&self, script: &Script) -> Option<String> {
        let setting = Setting { reaction: Duration::ZERO, ..script.setting.clone() };
        let (options, namespace) = (setting.options(), setting.namespace.as_str());
        let direct = run(Pace::Virtual, options, |mut world| async move {
            world.prepare().await;
            world.ensure_namespace(namespace).await;
            for object in &self.objects {
                if let Err(error) = world.apply_object(namespace, object.clone()).await {
                    return Err(format!("the objects of the end are refused: {error}"));
                }
            }
            if !world.come_to_rest(LIMIT).await {
                return Err("the objects of the end, applied at once, do not come to rest".to_owned());
            }
            Ok(Self::of(&world, namespace).await.essences)
        });
        let direct = match direct {
            Ok(direct) => direct,
            Err(text) => return Some(text),
        };
        self.essences.iter().find_map(|(name, end)| {
            let Some(direct) = direct.get(name) else {
                return Some(format!("{name} is not there when the same objects are applied at once"));
            };
            let how = end.difference(direct)?;
            Some(format!("the end is not like that of the same objects applied at once: {name}: {how}"))
        })
    }
}

/// ReplicaSets that lend a Rollout their template; all others are somebody's.
fn lent_replica_sets(world: &World, namespace: &str) -> Vec<Value> {
    let rollouts = world.objects("rollouts.argoproj.io", namespace);
    let references = rollouts.iter().map(|rollout| &rollout["spec"]["workloadRef"]);
    let names: Vec<&Value> =
        references.filter(|it| it["kind"] == "ReplicaSet").map(|it| &it["name"]).collect();
    let found = world.objects("replicasets.apps", namespace).into_iter();
    let lent = found.filter(|object| names.contains(&&object["metadata"]["name"]));
    lent.map(|object| manifest(&object, ("apps/v1", "ReplicaSet"))).collect()
}

/// An object as somebody would apply it.
fn manifest(object: &Value, (version, kind): (&str, &str)) -> Value {
    let mut spec = object["spec"].clone();
    if kind == "Service" {
        let mut selector = spec["selector"].take();
        if let Some(members) = selector.as_object_mut() {
            members.remove(labels::POD_TEMPLATE_HASH);
        }
        spec = json!({"selector": selector, "ports": [{"port": 80}]});
    }
    if kind == "PodTemplate" {
        return json!({"apiVersion": version, "kind": kind, "metadata": {"name": object["metadata"]["name"]}, "template": object["template"]});
    }
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": object["metadata"]["name"]}, "spec": spec})
}
