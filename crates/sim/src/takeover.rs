//! Worlds that begin in the middle: objects that another controller left behind.

use serde_json::{Value, json};

use crate::world::World;

/// In whose name such objects are stored.
const BEFORE: &str = "etcd";

impl World {
    /// A world with our resources and these objects, as they were stored elsewhere, in which a controller begins to work. Their
    /// times are those of the world that they come from: begin this one at the same moment.
    ///
    /// Objects of kinds that the cluster does not serve are left out.
    ///
    /// # Panics
    /// When the cluster refuses one of our resource definitions, or two of the objects have the same name.
    pub async fn take_over(&mut self, objects: &[Value]) {
        self.define_resources();
        for object in objects {
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default");
            if self.server.get("namespaces", "", namespace).is_none() {
                let object =
                    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
                self.server.create(BEFORE, "namespaces", "", object).expect("the namespace has a good name");
            }
        }
        let mut resources = Vec::new();
        for object in objects {
            let (version, kind) = (&object["apiVersion"], &object["kind"]);
            let (version, kind) = (version.as_str().unwrap_or_default(), kind.as_str().unwrap_or_default());
            resources.push(self.collection_of(version, kind).await.map(|collection| collection.resource()));
        }
        // All in one instant: the workload controllers find pods with their ReplicaSets.
        for (object, resource) in objects.iter().zip(resources) {
            if let Some(resource) = resource {
                self.server.restore(BEFORE, &resource, object.clone()).expect("each object is there once");
            }
        }
        self.start_controller();
    }
}
