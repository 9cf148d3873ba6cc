//! The seam to routers: who reads and writes the objects in which weights are kept.

use std::fmt::Display;

use futures::future::BoxFuture;
use kube::Client;
use tidegate_api::rollout::Rollout;
use tidegate_core::{RouterObservation, TrafficIntent, WriteError};

use crate::clients::RequestError;
use crate::snapshot::ReadError;

/// Sends the traffic of Rollouts where decisions want it.
///
/// The client that it is given passes the controller's gate and goes before everything else where requests are limited. Nothing
/// may be kept between two calls: what is routed is what the objects say.
pub trait Router: Send + Sync {
    /// What is routed for this Rollout now.
    fn observe<'a>(
        &'a self,
        client: Client,
        rollout: &'a Rollout,
    ) -> BoxFuture<'a, Result<RouterObservation, ReadError>>;

    /// Has the traffic of this Rollout go there. It may have happened before.
    fn route<'a>(
        &'a self,
        client: Client,
        rollout: &'a Rollout,
        intent: &'a TrafficIntent,
    ) -> BoxFuture<'a, Result<(), WriteError>>;
}

/// What a router answers when `path` could not be read.
#[must_use]
pub fn read_error(path: impl Display, error: kube::Error) -> ReadError {
    ReadError::of(&path.to_string(), &RequestError::from(error))
}

/// What a router answers when a request that writes has failed. Objects that another has changed meanwhile are looked at
/// again; every other refusal is told as the API server words it.
#[must_use]
pub fn write_error(error: kube::Error) -> WriteError {
    match error {
        kube::Error::Api(status) if status.code == 409 => WriteError::Conflict,
        error @ kube::Error::Api(_) => WriteError::Refused(RequestError::from(error).text()),
        error => WriteError::Unanswered(RequestError::from(error).text()),
    }
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
