//! What goes wrong between a controller and the cluster: one fault at one write, or a store that falls behind.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use serde_json::json;
use tokio::time::{Instant, Sleep};
use tower::{BoxError, Service};

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The write is refused with 409 Conflict and does not happen.
    Conflict,
    /// A create happens, and is answered by 409 AlreadyExists, as after a repeated request. Other writes pass.
    AlreadyExists,
    /// The write happens; its answer is lost.
    TimeoutAfter,
    /// The write does not happen; the server answers 500.
    ServerError,
    /// Watches deliver nothing for this long after the write.
    StaleStore(Duration),
}

#[derive(Debug, Default)]
struct State {
    /// The fault, and the number of the write that meets it; 1 is the first.
    armed: Option<(u64, Fault)>,
    writes: u64,
    silent_until: Option<Instant>,
}

/// The faults of a world; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    state: Arc<Mutex<State>>,
}

type AnyBody = UnsyncBoxBody<Bytes, BoxError>;

impl Faults {
    /// Nothing goes wrong until told so.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The `n`-th write from now meets `fault`; 1 is the next one.
    pub fn arm(&self, n: u64, fault: Fault) {
        let mut state = self.lock();
        state.armed = Some((state.writes + n, fault));
    }

    /// Whether the armed fault has happened.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.lock().armed.is_none()
    }

    /// Watches deliver nothing for this long.
    pub fn silence_watches(&self, time: Duration) {
        self.lock().silent_until = Some(Instant::now() + time);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the faults in front of a service.
    pub fn layer<S>(&self, inner: S) -> Faulty<S> {
        Faulty { inner, faults: self.clone() }
    }

    /// Counts a write and answers with what goes wrong at it.
    fn next(&self, method: &Method, path: &str) -> Option<Fault> {
        let is_write = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method);
        if !is_write || path.split('/').any(|segment| segment == "events") {
            return None;
        }
        let mut state = self.lock();
        state.writes += 1;
        let (at, fault) = state.armed?;
        if at != state.writes {
            return None;
        }
        state.armed = None;
        if let Fault::StaleStore(time) = fault {
            state.silent_until = Some(Instant::now() + time);
        }
        Some(fault)
    }
}

/// A service that faults may strike.
#[derive(Clone, Debug)]
pub struct Faulty<S> {
    inner: S,
    faults: Faults,
}

impl<S, B, C> Service<Request<B>> for Faulty<S>
where
    S: Service<Request<B>, Response = Response<C>>,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    C: Body<Data = Bytes> + Send + 'static,
    C::Error: Into<BoxError>,
{
    type Response = Response<AnyBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let fault = self.faults.next(request.method(), request.uri().path());
        let is_create = request.method() == Method::POST;
        match fault {
            Some(Fault::Conflict) => return answer(StatusCode::CONFLICT, "Conflict"),
            Some(Fault::ServerError) => return answer(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
            _ => {}
        }
        let faults = self.faults.clone();
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let sent = self.inner.call(request);
        Box::pin(async move {
            let response = sent.await.map_err(Into::into)?;
            match fault {
                Some(Fault::TimeoutAfter) => return Err("the connection was lost".into()),
                Some(Fault::AlreadyExists) if is_create => {
                    return answer(StatusCode::CONFLICT, "AlreadyExists").await;
                }
                _ => {}
            }
            Ok(response.map(|body| {
                let body = body.map_err(Into::into);
                if is_watch {
                    Lagging { inner: Box::pin(body), faults, held: None }.boxed_unsync()
                } else {
                    body.boxed_unsync()
                }
            }))
        })
    }
}

fn answer(code: StatusCode, reason: &str) -> BoxFuture<'static, Result<Response<AnyBody>, BoxError>> {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("injected fault: {reason}"), "reason": reason, "code": code.as_u16(),
    });
    let body = Full::new(Bytes::from(status.to_string())).map_err(|never| match never {}).boxed_unsync();
    let response = Response::builder().status(code).header("content-type", "application/json").body(body);
    Box::pin(async move { response.map_err(Into::into) })
}

/// A frame that waits for its time.
type Held = (Pin<Box<Sleep>>, Option<Result<Frame<Bytes>, BoxError>>);

/// A watch that keeps what it has to say while watches are silent.
struct Lagging<C> {
    inner: Pin<Box<C>>,
    faults: Faults,
    held: Option<Held>,
}

impl<C: Body<Data = Bytes, Error = BoxError>> Body for Lagging<C> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            if let Some((sleep, frame)) = &mut self.held {
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                let frame = frame.take();
                self.held = None;
                return Poll::Ready(frame);
            }
            let Poll::Ready(frame) = self.inner.as_mut().poll_frame(cx) else { return Poll::Pending };
            let silent_until = self.faults.lock().silent_until.filter(|until| *until > Instant::now());
            match silent_until {
                Some(until) => self.held = Some((Box::pin(tokio::time::sleep_until(until)), frame)),
                None => return Poll::Ready(frame),
            }
        }
    }
}
