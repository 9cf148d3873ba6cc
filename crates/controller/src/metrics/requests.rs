//! Requests to the API server, counted where they leave.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Method, Request, Response};
use tower::{Layer, Service};

use super::text::{Text, Type};
use crate::kind;
use crate::store::Key;

/// Counts requests. Clones count together: one is given to [`crate::Config`], one layered over the service that
/// [`crate::client`] is made of.
#[derive(Clone, Debug, Default)]
pub struct Requests(Arc<Mutex<BTreeMap<Asked, u64>>>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    kind: Box<str>,
    namespace: Box<str>,
    name: Box<str>,
    verb: &'static str,
    /// 0: there was no answer.
    status: u16,
}

impl Requests {
    /// Counts one request.
    fn count(&self, mut asked: Asked, status: u16) {
        asked.status = status;
        *self.lock().entry(asked).or_insert(0) += 1;
    }

    /// Forgets requests about Rollouts that are gone.
    pub(crate) fn forget(&self, gone: &[Key]) {
        if gone.is_empty() {
            return;
        }
        let gone: BTreeSet<_> = gone.iter().map(|key| (key.namespace.as_str(), key.name.as_str())).collect();
        self.lock().retain(|asked, _| {
            *asked.kind != *kind::ROLLOUT.plural() || !gone.contains(&(&*asked.namespace, &*asked.name))
        });
    }

    pub(super) fn write(&self, text: &mut Text) {
        let counts = self.lock().clone();
        let help = "Requests to the API server.";
        text.metric("controller_clientset_k8s_request_total", Type::Counter, help, |samples| {
            for (asked, count) in &counts {
                let status = asked.status.to_string();
                let labels = [
                    ("kind", &*asked.kind),
                    ("name", &*asked.name),
                    ("namespace", &*asked.namespace),
                    ("status_code", &status),
                    ("verb", asked.verb),
                ];
                #[allow(clippy::cast_precision_loss, reason = "a count of requests")]
                samples.put(&labels, *count as f64);
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Asked, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// What a request is about. Objects that there are many of have no name here, nor have lists and creations.
    fn of<B>(request: &Request<B>) -> Self {
        let (kind, namespace, name) = place(request.uri().path());
        let watches =
            request.uri().query().is_some_and(|query| query.split('&').any(|it| it == "watch=true"));
        let verb = match *request.method() {
            Method::GET if watches => "Watch",
            Method::GET if name.is_empty() => "List",
            Method::GET => "Get",
            Method::POST => "Create",
            Method::DELETE => "Delete",
            Method::PATCH => "Patch",
            Method::PUT => "Update",
            _ => "Unknown",
        };
        let is_one_of_many =
            ["analysisruns", "deployments", "events", "experiments", "jobs", "podtemplates", "replicasets"]
                .contains(&kind);
        let (kind, namespace, name) = match verb {
            "Unknown" => ("Unknown", "Unknown", "Unknown"),
            "List" | "Create" => (kind, namespace, "N/A"),
            _ if is_one_of_many => (kind, namespace, "N/A"),
            _ => (kind, namespace, name),
        };
        Self { kind: kind.into(), namespace: namespace.into(), name: name.into(), verb, status: 0 }
    }
}

/// Resource, namespace and name in `/api/v1/...` or `/apis/<group>/<version>/...`; a subresource is not told apart.
fn place(path: &str) -> (&str, &str, &str) {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let skipped = if parts.next() == Some("apis") { 2 } else { 1 };
    let mut parts = parts.skip(skipped);
    let mut next = || parts.next().unwrap_or_default();
    match (next(), next(), next(), next()) {
        ("namespaces", namespace, kind, name) if !kind.is_empty() => (kind, namespace, name),
        (kind, name, _, _) => (kind, "", name),
    }
}

impl<S> Layer<S> for Requests {
    type Service = Counting<S>;

    fn layer(&self, inner: S) -> Counting<S> {
        Counting { inner, requests: self.clone() }
    }
}

/// A service whose requests are counted.
#[derive(Clone, Debug)]
pub struct Counting<S> {
    inner: S,
    requests: Requests,
}

impl<S, A, B> Service<Request<A>> for Counting<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<B>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (asked, requests) = (Asked::of(&request), self.requests.clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            requests.count(asked, answer.as_ref().map_or(0, |response| response.status().as_u16()));
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, uri: &str, expected: [&str; 4]) {
        let request = Request::builder().method(method).uri(uri).body(()).unwrap();
        let asked = Asked::of(&request);
        assert_eq!([asked.verb, &asked.kind, &asked.namespace, &asked.name], expected, "{uri}");
    }

    #[test]
    fn verbs_kinds_and_names() {
        let rollouts = "/apis/argoproj.io/v1alpha1/rollouts";
        let rollout = "/apis/argoproj.io/v1alpha1/namespaces/a/rollouts/x";
        check(Method::GET, &format!("{rollouts}?limit=100"), ["List", "rollouts", "", "N/A"]);
        check(Method::GET, &format!("{rollouts}?limit=1&watch=true"), ["Watch", "rollouts", "", ""]);
        check(Method::GET, rollout, ["Get", "rollouts", "a", "x"]);
        check(Method::PATCH, &format!("{rollout}/status?fieldManager=m"), ["Patch", "rollouts", "a", "x"]);
        check(Method::PUT, rollout, ["Update", "rollouts", "a", "x"]);
        check(Method::OPTIONS, rollout, ["Unknown", "Unknown", "Unknown", "Unknown"]);
        check(Method::POST, "/api/v1/namespaces/a/events?x=y", ["Create", "events", "a", "N/A"]);
        check(Method::PATCH, "/api/v1/namespaces/a/events/x.1", ["Patch", "events", "a", "N/A"]);
        check(
            Method::DELETE,
            "/apis/apps/v1/namespaces/a/replicasets/x-1",
            ["Delete", "replicasets", "a", "N/A"],
        );
        check(Method::GET, "/api/v1/namespaces/a/services", ["List", "services", "a", "N/A"]);
        check(Method::GET, "/api/v1/namespaces/a", ["Get", "namespaces", "", "a"]);
        check(
            Method::PUT,
            "/apis/coordination.k8s.io/v1/namespaces/argo/leases/lock",
            ["Update", "leases", "argo", "lock"],
        );
    }

    #[test]
    fn requests_about_a_rollout_are_forgotten_with_it() {
        let requests = Requests::default();
        for name in ["x", "y"] {
            let uri = format!("/apis/argoproj.io/v1alpha1/namespaces/a/rollouts/{name}");
            let request = Request::patch(uri).body(()).unwrap();
            requests.count(Asked::of(&request), 200);
            requests.count(Asked::of(&request), 200);
        }
        requests.forget(&[Key::new("a", "x")]);
        let mut text = Text::default();
        requests.write(&mut text);
        let text = text.finish();
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = r#"controller_clientset_k8s_request_total{kind="rollouts",name="y",namespace="a",status_code="200",verb="Patch"} 2"#;
        assert_eq!(samples, [expected]);
    }
}
