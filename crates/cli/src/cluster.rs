//! The way to the API server, and what comes back.
//!
//! Modules in reading order: `kubeconfig` (which server, as whom), `proxy` (by which way), `origin` (where its address comes from), `clock` (what every
//! answer says of the server's clock), `slim` (objects without what no view shows), `error` (why a request failed), `watch`
//! (what changes), `mirror` (a list as a watch tells it), `link` (whether a watch has its server).

mod clock;
mod error;
mod kubeconfig;
mod link;
mod mirror;
mod origin;
mod proxy;
mod slim;
mod watch;

use std::time::Duration;

use http::{Method, Request, Response};
use jiff::Timestamp;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::core::ListMeta;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_ops::{Patch, Target};
use tokio::time::Instant;
use tower::buffer::BufferLayer;

pub(crate) use error::ClusterError;
pub(crate) use kubeconfig::contexts;
pub(crate) use link::Link;
pub(crate) use mirror::{Key, Mirror};
pub use proxy::Proxies;
pub(crate) use slim::Slim;
pub(crate) use watch::{Change, Changes};

use crate::build;
use crate::commands::names;
use crate::failure::{Failure, Problem};
use crate::flags::{Flags, given};
use crate::go;
use crate::surroundings::Surroundings;
use clock::Observed;
use error::Asked;
use origin::Origin;

/// Objects of a list that one request asks for.
const PAGE: usize = 250;
/// How often a request that the server was too busy for is repeated.
const RETRIES: u32 = 4;

/// The kinds of which lists are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Listed {
    /// `argoproj.io/v1alpha1`.
    Rollouts,
    /// `apps/v1`.
    ReplicaSets,
    /// `v1`.
    Pods,
}

impl Listed {
    /// Path of the list, in a namespace or in all.
    fn path(self, namespace: Option<&str>) -> String {
        let (root, plural) = match self {
            Self::Rollouts => ("/apis/argoproj.io/v1alpha1", "rollouts"),
            Self::ReplicaSets => ("/apis/apps/v1", "replicasets"),
            Self::Pods => ("/api/v1", "pods"),
        };
        let within = namespace.map(|namespace| format!("/namespaces/{namespace}")).unwrap_or_default();
        format!("{root}{within}/{plural}")
    }
}

/// Which objects of a list are wanted; empty = all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Label selector.
    pub(crate) labels: String,
    /// Field selector.
    pub(crate) fields: String,
}

impl Selection {
    /// The object of this name.
    pub(crate) fn named(name: &str) -> Self {
        Self { fields: format!("metadata.name={name}"), ..Self::default() }
    }

    fn labels(&self) -> Option<String> {
        Some(self.labels.clone()).filter(|text| !text.is_empty())
    }

    fn fields(&self) -> Option<String> {
        Some(self.fields.clone()).filter(|text| !text.is_empty())
    }
}

/// An API server, spoken to as one user, with a namespace of interest.
pub(crate) struct Cluster {
    client: kube::Client,
    namespace: String,
    origin: Origin,
    limit: Option<Duration>,
    observed: Observed,
    local_now: fn() -> Timestamp,
}

impl Cluster {
    /// The one that flags and kubeconfig name. Nothing is sent yet, but an exec plugin may run.
    pub(crate) fn open(flags: &Flags, surroundings: &Surroundings) -> Result<Self, Failure> {
        let limit = go::timeout(&flags.request_timeout).map_err(Problem::new)?;
        let settings = kubeconfig::settings(flags, surroundings)?;
        let (mut config, origin) = (settings.config, settings.origin);
        let namespace = given(flags.namespace.as_ref()).unwrap_or(&config.default_namespace).to_owned();
        names::check_namespace(&namespace)?;
        let agent = http::HeaderValue::from_str(&build::user_agent()).expect("a version is plain text");
        config.headers.push((http::header::USER_AGENT, agent));
        config.disable_compression |= flags.disable_compression;
        // Its retries take minutes, and repeat writes too; `Cluster::send` has its own.
        config.default_retry = false;
        config.read_timeout = None;
        let observed = Observed::new(config.cluster_url.clone());
        let client = client(config, &observed).map_err(|error| error::of_configuration(&error, &origin))?;
        Ok(Self { client, namespace, origin, limit, observed, local_now: surroundings.now })
    }

    /// The namespace that was asked for, or the context's.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The time there: that of the local clock, unless an answer showed that the two differ.
    pub(crate) fn now(&self) -> Timestamp {
        self.observed.now((self.local_now)())
    }

    /// Whether the server's clock goes its own way, so that ages need to be asked for.
    pub(crate) fn has_own_clock(&self) -> bool {
        self.observed.is_off()
    }

    /// Whether a request was answered with success since then.
    pub(crate) fn has_succeeded_since(&self, then: Instant) -> bool {
        self.observed.has_succeeded_since(then)
    }

    /// Requests that were answered since the last call, a line for each.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        self.observed.take_requests()
    }

    /// Learns the server's time by a small request, if no answer has told it yet or `again`. A server that gives no answer to
    /// that is taken to have the local time.
    pub(crate) async fn look_at_the_clock(&self, again: bool) -> Result<(), ClusterError> {
        if !again && self.observed.has_seen_an_answer() {
            return Ok(());
        }
        match self.send(request(Method::GET, "/version")).await {
            Err(error) if error.is_answer() => Ok(()),
            other => other.map(drop),
        }
    }

    /// An object as it is stored.
    pub(crate) async fn get<T: DeserializeOwned>(&self, target: &Target) -> Result<T, ClusterError> {
        let request = request(Method::GET, &target.path(&self.namespace));
        let asked = Asked::of(&request);
        let body = self.send(request).await?;
        serde_json::from_slice(&body).map_err(|error| self.unreadable(&asked, &error))
    }

    /// Sends a patch, in this plugin's name.
    pub(crate) async fn patch(&self, patch: &Patch) -> Result<(), ClusterError> {
        match self.send_patch(patch, patch.path(&self.namespace)).await {
            Err(error) if error.is_not_found() && patch.fallback_to_main => {
                self.send_patch(patch, patch.target.path(&self.namespace)).await
            }
            outcome => outcome,
        }
    }

    async fn send_patch(&self, patch: &Patch, path: String) -> Result<(), ClusterError> {
        let uri = format!("{path}?fieldManager={}", build::NAME);
        let request = Request::builder()
            .method(Method::PATCH)
            .uri(uri)
            .header(http::header::CONTENT_TYPE, patch.kind.content_type())
            .body(patch.body.to_string().into_bytes())
            .expect("names of objects were checked");
        self.send(request).await.map(drop)
    }

    /// Hands over each object of a list, page by page. If the list has to begin anew, because a page has expired, `begin` is
    /// called again.
    pub(crate) async fn list(
        &self,
        listed: Listed,
        namespace: Option<&str>,
        selection: &Selection,
        collect: &mut dyn Collect,
    ) -> Result<(), ClusterError> {
        let mut limit = PAGE;
        let mut next = None;
        collect.begin();
        loop {
            match self.page(&listed.path(namespace), selection, limit, next.take()).await {
                Ok(page) => {
                    page.items.into_iter().for_each(|item| collect.add(item.0));
                    next = page.metadata.continue_.filter(|token| !token.is_empty());
                    if next.is_none() {
                        return Ok(());
                    }
                }
                // The server has forgotten the state that the first page showed: all at once, then.
                Err(error) if error.is_expired() && limit > 0 => {
                    limit = 0;
                    collect.begin();
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn page(
        &self,
        path: &str,
        selection: &Selection,
        limit: usize,
        next: Option<String>,
    ) -> Result<Page, ClusterError> {
        let parameters = kube::api::ListParams {
            label_selector: selection.labels(),
            field_selector: selection.fields(),
            limit: u32::try_from(limit).ok().filter(|limit| *limit > 0),
            continue_token: next,
            ..kube::api::ListParams::default()
        };
        let request = kube::core::Request::new(path).list(&parameters).expect("limits make a query");
        let asked = Asked::of(&request);
        let body = self.send(request).await?;
        serde_json::from_slice(&body).map_err(|error| self.unreadable(&asked, &error))
    }

    /// Sends a request and reads its whole answer. What the server was too busy for is repeated for a while: reads in any
    /// case, writes only if they were not carried out.
    async fn send(&self, request: Request<Vec<u8>>) -> Result<Vec<u8>, ClusterError> {
        let mut wait = Duration::from_millis(250);
        for _ in 0..RETRIES {
            match self.send_once(request.clone()).await {
                Err(error) if error.may_be_repeated(request.method() == Method::GET) => {
                    tokio::time::sleep(error.retry_after().unwrap_or(wait)).await;
                    wait *= 2;
                }
                outcome => return outcome,
            }
        }
        self.send_once(request).await
    }

    async fn send_once(&self, request: Request<Vec<u8>>) -> Result<Vec<u8>, ClusterError> {
        let asked = Asked::of(&request);
        let exchange = async {
            let response = self.client.send(request.map(Body::from)).await?;
            let (head, body) = response.into_parts();
            Ok::<_, kube::Error>(Response::from_parts(head, body.collect_bytes().await?))
        };
        let outcome = match self.limit {
            Some(limit) => tokio::time::timeout(limit, exchange)
                .await
                .map_err(|_| ClusterError::too_late(limit, &self.origin))?,
            None => exchange.await,
        };
        let response = outcome.map_err(|error| ClusterError::of_transport(&error, &self.origin))?;
        if response.status().is_success() {
            Ok(response.into_body().into())
        } else {
            Err(ClusterError::of_answer(&response, &asked, &self.origin))
        }
    }

    fn unreadable(&self, asked: &Asked, error: &serde_json::Error) -> ClusterError {
        ClusterError::unreadable(asked, error, &self.origin)
    }
}

/// Takes the objects of a list.
pub(crate) trait Collect {
    /// Forgets what was taken.
    fn begin(&mut self);
    /// Takes one.
    fn add(&mut self, object: Value);
}

impl Collect for Vec<Value> {
    fn begin(&mut self) {
        self.clear();
    }

    fn add(&mut self, object: Value) {
        self.push(object);
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: ListMeta,
    items: Vec<Slim>,
}

fn request(method: Method, path: &str) -> Request<Vec<u8>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::ACCEPT, "application/json")
        .body(Vec::new())
        .expect("names of objects were checked")
}

/// The client library runs an exec plugin three times, once for each part of the connection that may need what it prints.
/// Once is enough unless that is a certificate.
fn client(mut config: kube::Config, observed: &Observed) -> Result<kube::Client, kube::Error> {
    if config.auth_info.exec.is_none() || config.auth_info.token.is_some() {
        return Ok(ClientBuilder::try_from(config)?.with_layer(observed).build());
    }
    let authorization = config.auth_layer()?;
    if authorization.is_some() {
        config.auth_info.exec = None;
    }
    let builder = ClientBuilder::try_from(config)?.with_layer(observed);
    Ok(match authorization {
        // What adds the header wants a service that can be cloned.
        Some(authorization) => builder.with_layer(&BufferLayer::new(64)).with_layer(&authorization).build(),
        None => builder.build(),
    })
}
