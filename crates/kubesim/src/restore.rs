//! Objects that come from elsewhere: worlds that begin in the middle.

use std::sync::Arc;

use serde_json::Value;

use crate::server::ApiServer;
use crate::state::Call;
use crate::status::ApiError;
use crate::store::Key;

impl ApiServer {
    /// Stores an object as it stood in another cluster: uid, times, owners and status are what it says; only the resourceVersion is
    /// new. Nothing is defaulted or checked.
    ///
    /// # Errors
    /// When the resource is not known, or there is an object of that name.
    pub fn restore(&self, actor: &str, resource: &str, object: Value) -> Result<Arc<Value>, ApiError> {
        let call = Call::new(actor, "create", "");
        let key = Key::of(&object);
        self.write(&call, resource, &key.namespace, &key.name, |state, resource| {
            if state.store.get(&resource.id, &key).is_some() {
                return Err(ApiError::already_exists(resource, &key.name));
            }
            Ok(state.commit(&call, resource, &key, Some(object)))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{ApiServer, Config};

    #[test]
    fn what_the_object_says_stands() {
        let server = ApiServer::new(Config::default());
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default", "uid": "u",
            "creationTimestamp": "2020-01-01T00:00:00Z", "resourceVersion": "7"}, "status": {"phase": "Running"}});
        let stored = server.restore("etcd", "pods", pod.clone()).unwrap();
        assert_eq!(stored["metadata"]["uid"], "u");
        assert_eq!(stored["metadata"]["creationTimestamp"], "2020-01-01T00:00:00Z");
        assert_eq!(stored["status"], pod["status"]);
        assert_ne!(stored["metadata"]["resourceVersion"], "7");
        assert!(server.restore("etcd", "pods", pod).is_err(), "the name is taken");
    }
}
