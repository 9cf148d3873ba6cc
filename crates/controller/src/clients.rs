//! Requests to the API server by importance, with a time limit on each.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body::{Body as HttpBody, Frame};
use kube::Client;
use kube::client::Body;
use kube::core::response::reason;
use serde_json::Value;
use tokio::time::{Instant, Sleep, sleep};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

use crate::gate::Gate;
use crate::rate::{Bucket, Priority, RateLimit};
use crate::watch_state::without_answer;

/// How long the API server may take over one request.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How long the body of an answer may stay silent. A watch lasts 290 s unless the server ends it before.
const SILENCE: Duration = Duration::from_secs(290 + 30);

/// A client of `service` behind `gate`. Must be called inside the runtime that will run the controller.
///
/// A request whose answer does not begin within 30 seconds fails; watches may then go on as long as they like, but a
/// connection on which nothing comes for longer than a watch lasts is taken for dead.
pub fn client<S, B>(service: S, gate: &Gate) -> Client
where
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError> + Send + 'static,
    B: HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let limited = service.map_err(S::Error::into).map_future(|answer| async move {
        match tokio::time::timeout(TIME_LIMIT, answer).await {
            Ok(answer) => answer.map(|response| response.map(Wakeful::new)),
            Err(late) => Err(BoxError::from(late)),
        }
    });
    Client::new(gate.layer(limited), "default")
}

/// A body that fails when nothing has come for [`SILENCE`]: half of a broken connection never ends by itself.
struct Wakeful<B> {
    inner: Pin<Box<B>>,
    silence: Pin<Box<Sleep>>,
}

impl<B> Wakeful<B> {
    fn new(inner: B) -> Self {
        Self { inner: Box::pin(inner), silence: Box::pin(sleep(SILENCE)) }
    }
}

impl<B: HttpBody<Error: Into<BoxError>>> HttpBody for Wakeful<B> {
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        if let Poll::Ready(frame) = self.inner.as_mut().poll_frame(cx) {
            self.silence.as_mut().reset(Instant::now() + SILENCE);
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let silence = self.silence.as_mut().poll(cx);
        silence.map(|()| Some(Err(format!("nothing came for {} s", SILENCE.as_secs()).into())))
    }
}

/// A request to the API server that brought no object.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// kube's account of it.
    #[error(transparent)]
    Kube(#[from] kube::Error),
    /// The time limit is over.
    #[error("no answer within {} s", TIME_LIMIT.as_secs())]
    Late,
}

impl RequestError {
    /// Whether the server says that there is no such object.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Kube(kube::Error::Api(status)) if status.code == 404)
    }

    /// What can be told of it: the server's own text, or what came instead. Never what a credential plugin has printed.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Kube(kube::Error::Api(status)) if status.message.is_empty() => status.reason.clone(),
            Self::Kube(kube::Error::Api(status)) => status.message.clone(),
            Self::Kube(error) => without_answer(error),
            Self::Late => self.to_string(),
        }
    }

    /// Whether the same request may well succeed a little later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Kube(kube::Error::Api(status)) => matches!(status.code, 429 | 500 | 502..=504),
            Self::Kube(_) | Self::Late => true,
        }
    }

    /// What the server says to somebody who may not ask this.
    pub(crate) fn refusal(&self) -> Option<&str> {
        match self {
            Self::Kube(kube::Error::Api(status)) if status.code == 403 => Some(&status.message),
            _ => None,
        }
    }

    /// Whether the server says that there is such an object already.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(
            self,
            Self::Kube(kube::Error::Api(status)) if status.code == 409 && status.reason == reason::ALREADY_EXISTS
        )
    }
}

/// The ways to the API server: watches are free, all other requests share one rate limit by importance.
#[derive(Clone)]
pub(crate) struct Clients {
    unlimited: Client,
    bucket: Option<Arc<Bucket>>,
}

impl Clients {
    pub(crate) fn new(client: Client, limit: Option<RateLimit>) -> Self {
        Self { unlimited: client, bucket: limit.map(|limit| Arc::new(Bucket::new(limit))) }
    }

    /// For watches, which are not limited.
    pub(crate) fn unlimited(&self) -> Client {
        self.unlimited.clone()
    }

    /// A client each of whose requests waits for its turn, and whose answers are complete within the time limit.
    pub(crate) fn at(&self, priority: Priority) -> Client {
        let clients = self.clone();
        let service = service_fn(move |request: Request<Body>| {
            let clients = clients.clone();
            async move {
                clients.turn(priority).await;
                let answer = async {
                    let (parts, body) = clients.unlimited.send(request).await?.into_parts();
                    let body = Body::from(body.collect_bytes().await?.to_vec());
                    Ok::<_, BoxError>(Response::from_parts(parts, body))
                };
                tokio::time::timeout(TIME_LIMIT, answer).await.map_err(|_| RequestError::Late)?
            }
        });
        Client::new(service, "default")
    }

    async fn turn(&self, priority: Priority) {
        if let Some(bucket) = &self.bucket {
            bucket.take(priority).await;
        }
    }

    /// Sends a request when its turn comes and reads the object that answers it.
    pub(crate) async fn send(
        &self,
        priority: Priority,
        request: Request<Vec<u8>>,
    ) -> Result<Value, RequestError> {
        self.turn(priority).await;
        match tokio::time::timeout(TIME_LIMIT, self.unlimited.request(request)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(RequestError::Late),
        }
    }

    /// Reads an object or a list live; `None`: there is none.
    pub(crate) async fn get(&self, path: &str) -> Result<Option<Value>, RequestError> {
        let request = Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?;
        match self.send(Priority::Traffic, request).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
