//! The router itself: what it is asked for, as requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;
use http::{Method, Request};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use serde_json::Value;
use tidegate_api::rollout::{Rollout, TrafficWeights};
use tidegate_controller::router::{Router, read_error, write_error};
use tidegate_controller::{Clock, ReadError};
use tidegate_core::{RouterObservation, TrafficIntent, WriteError};

use super::{Routing, config_map, config_map_name, weights_of};

/// The router. What it keeps between two calls is only how often it was asked, for the sake of refusals.
#[derive(Debug)]
pub(crate) struct StandIn {
    clock: Clock,
    routing: Routing,
    asked: AtomicU64,
}

impl StandIn {
    pub(crate) fn new(clock: Clock, routing: Routing) -> Arc<Self> {
        Arc::new(Self { clock, routing, asked: AtomicU64::new(0) })
    }

    /// Whether what was changed at `changed` is confirmed.
    fn confirmed(&self, changed: Option<Timestamp>) -> Option<bool> {
        let delay = SignedDuration::try_from(self.routing.confirmation?).unwrap_or(SignedDuration::MAX);
        Some(changed.is_none_or(|changed| self.clock.now().duration_since(changed) >= delay))
    }

    async fn observed(&self, client: Client, rollout: &Rollout) -> Result<RouterObservation, ReadError> {
        let path = object_path(rollout);
        let kept = match send(&client, (Method::GET, &path), "application/json", None).await {
            Ok(object) => Some(object),
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(error) => return Err(read_error(path, error)),
        };
        let weights = match &kept {
            Some(object) => weights_of(object),
            None => rollout.status.canary.weights.clone(),
        };
        let changed = kept.as_ref().and_then(|object| object["data"]["changed"].as_str()?.parse().ok());
        let weights = weights.map(|weights| TrafficWeights { verified: self.confirmed(changed), ..weights });
        Ok(RouterObservation { weights })
    }

    async fn routed(
        &self,
        client: Client,
        rollout: &Rollout,
        intent: &TrafficIntent,
    ) -> Result<(), WriteError> {
        let count = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        if self.routing.refusal.is_some_and(|every| count.is_multiple_of(every)) {
            return Err(WriteError::Refused("the router is busy".to_owned()));
        }
        let mut object = config_map(rollout, intent, self.clock.now());
        let (path, collection) = (object_path(rollout), collection_path(rollout));
        let (method, at) = match send(&client, (Method::GET, &path), "application/json", None).await {
            Ok(present) => {
                // A request that arrives late meets another version.
                object["metadata"]["resourceVersion"] = present["metadata"]["resourceVersion"].clone();
                (Method::PUT, path)
            }
            Err(kube::Error::Api(status)) if status.code == 404 => (Method::POST, collection),
            Err(error) => return Err(write_error(error)),
        };
        let sent = send(&client, (method, at.as_str()), "application/json", Some(&object)).await;
        sent.map(drop).map_err(write_error)
    }
}

impl Router for StandIn {
    fn observe<'a>(
        &'a self,
        client: Client,
        rollout: &'a Rollout,
    ) -> BoxFuture<'a, Result<RouterObservation, ReadError>> {
        Box::pin(self.observed(client, rollout))
    }

    fn route<'a>(
        &'a self,
        client: Client,
        rollout: &'a Rollout,
        intent: &'a TrafficIntent,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        Box::pin(self.routed(client, rollout, intent))
    }
}

fn collection_path(rollout: &Rollout) -> String {
    format!("/api/v1/namespaces/{}/configmaps", rollout.metadata.namespace)
}

fn object_path(rollout: &Rollout) -> String {
    format!("{}/{}", collection_path(rollout), config_map_name(&rollout.metadata.name))
}

async fn send(
    client: &Client,
    (method, path): (Method, &str),
    content_type: &str,
    body: Option<&Value>,
) -> Result<Value, kube::Error> {
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let request = Request::builder().method(method).uri(path).header("content-type", content_type);
    client.request(request.body(body).map_err(kube::Error::HttpError)?).await
}
