//! The service that faults strike.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use serde_json::{Value, json};
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tower::{BoxError, Service, ServiceExt};

use super::{Fault, Faults, RequestKind};

/// The longest delay of a slow request before it is carried out, and of its answer after that.
const SLOWNESS: Duration = Duration::from_secs(3);
/// The longest time that a write stays on its way after its answer was given up.
const LATENESS: Duration = Duration::from_secs(10);
/// The longest time that a watch falls silent, and that a lost event goes unnoticed.
const LAG: Duration = Duration::from_secs(5);

type AnyBody = UnsyncBoxBody<Bytes, BoxError>;
type Answer = BoxFuture<'static, Result<Response<AnyBody>, BoxError>>;

impl Faults {
    /// Puts the faults in front of a service.
    pub fn layer<S>(&self, inner: S) -> Faulty<S> {
        Faulty { inner, faults: self.clone() }
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
    S: Service<Request<B>, Response = Response<C>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: Send + 'static,
    C: Body<Data = Bytes> + Send + 'static,
    C::Error: Into<BoxError>,
{
    type Response = Response<AnyBody>;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Each request is sent by a clone, which waits until it is ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answer {
        let (inner, faults) = (self.inner.clone(), self.faults.clone());
        if faults.is_away() {
            return lost("connection refused");
        }
        let kind = kind(&request);
        match faults.at_request(kind) {
            Some(Fault::Conflict) => refused(StatusCode::CONFLICT, "Conflict"),
            Some(Fault::ServerError) => refused(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
            Some(Fault::TooManyRequests) => refused(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"),
            Some(Fault::TimeoutBefore) => lost("the connection was lost"),
            Some(Fault::TimeoutAfter) => Box::pin(async move {
                send(inner, request).await?;
                lost("the connection was lost").await
            }),
            Some(Fault::AlreadyExists) if kind == RequestKind::Create => Box::pin(async move {
                send(inner, request).await?;
                refused(StatusCode::CONFLICT, "AlreadyExists").await
            }),
            Some(Fault::LateWrite) => {
                // Who has sent it may be gone by then.
                tokio::spawn(async move {
                    drop(send_late(&faults, LATENESS, inner, request).await);
                });
                lost("the connection was lost")
            }
            Some(Fault::Slow) => Box::pin(async move {
                let response = send_late(&faults, SLOWNESS, inner, request).await?;
                sleep(faults.delay(SLOWNESS)).await;
                Ok(with_faults(response, kind, faults))
            }),
            _ => Box::pin(async move { Ok(with_faults(send(inner, request).await?, kind, faults)) }),
        }
    }
}

fn kind<B>(request: &Request<B>) -> RequestKind {
    let is_write = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(request.method());
    if is_write && request.uri().path().split('/').any(|segment| segment == "events") {
        RequestKind::Telling
    } else if request.method() == Method::POST {
        RequestKind::Create
    } else if is_write {
        RequestKind::Write
    } else if request.uri().query().is_some_and(|query| query.contains("watch=true")) {
        RequestKind::Watch
    } else {
        RequestKind::Read
    }
}

async fn send<S, B, C>(inner: S, request: Request<B>) -> Result<Response<C>, BoxError>
where
    S: Service<Request<B>, Response = Response<C>>,
    S::Error: Into<BoxError>,
{
    inner.oneshot(request).await.map_err(Into::into)
}

/// Sends a request after a delay up to `most`. What is stored while it is carried out was sent before.
async fn send_late<S, B, C>(
    faults: &Faults,
    most: Duration,
    inner: S,
    request: Request<B>,
) -> Result<Response<C>, BoxError>
where
    S: Service<Request<B>, Response = Response<C>>,
    S::Error: Into<BoxError>,
{
    let began = Instant::now();
    sleep(faults.delay(most)).await;
    // The server answers at the first look, so nobody else's request is taken for this one.
    faults.lock().sent = Some(began);
    let response = send(inner, request).await;
    faults.lock().sent = None;
    response
}

fn with_faults<C>(response: Response<C>, kind: RequestKind, faults: Faults) -> Response<AnyBody>
where
    C: Body<Data = Bytes> + Send + 'static,
    C::Error: Into<BoxError>,
{
    response.map(|body| {
        let body = body.map_err(Into::into);
        if kind == RequestKind::Watch {
            FaultyWatch::new(body, faults).boxed_unsync()
        } else {
            body.boxed_unsync()
        }
    })
}

fn lost(why: &'static str) -> Answer {
    Box::pin(async move { Err(why.into()) })
}

fn refused(code: StatusCode, reason: &str) -> Answer {
    let body = status(code.as_u16(), reason).to_string();
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
    let response = Response::builder().status(code).header("content-type", "application/json").body(body);
    Box::pin(async move { response.map_err(Into::into) })
}

fn status(code: u16, reason: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("injected fault: {reason}"), "reason": reason, "code": code,
    })
}

type Next = Option<Result<Frame<Bytes>, BoxError>>;

/// A watch that delays, loses and repeats what it has to say. One frame is one event.
struct FaultyWatch<C> {
    inner: Pin<Box<C>>,
    faults: Faults,
    /// What is delivered next, and when; `None` inside ends the watch.
    held: VecDeque<Next>,
    until: Option<Pin<Box<Sleep>>>,
    /// When it is noticed that an event was lost.
    noticed: Option<Pin<Box<Sleep>>>,
    has_ended: bool,
}

impl<C: Body<Data = Bytes, Error = BoxError>> FaultyWatch<C> {
    fn new(inner: C, faults: Faults) -> Self {
        let inner = Box::pin(inner);
        Self { inner, faults, held: VecDeque::new(), until: None, noticed: None, has_ended: false }
    }

    fn expire(&mut self) {
        let error = json!({"type": "ERROR", "object": status(410, "Expired")});
        self.held.extend([Some(Ok(Frame::data(Bytes::from(format!("{error}\n"))))), None]);
    }

    /// Decides what becomes of a frame.
    fn take(&mut self, frame: Next) {
        match self.faults.at_event() {
            Some(Fault::WatchLag) => {
                self.until = Some(Box::pin(sleep(self.faults.delay(LAG))));
                self.held.push_back(frame);
            }
            Some(Fault::EventLost) if frame.is_some() => {
                let time = self.faults.delay(LAG);
                self.noticed.get_or_insert_with(|| Box::pin(sleep(time)));
            }
            Some(Fault::EventTwice) => {
                let again = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref().cloned());
                self.held.push_back(frame);
                self.held.extend(again.map(|data| Some(Ok(Frame::data(data)))));
            }
            Some(Fault::WatchCut) => self.held.push_back(None),
            Some(Fault::WatchExpired) => self.expire(),
            _ => self.held.push_back(frame),
        }
        if let Some(until) = self.faults.silent_until() {
            self.until = Some(Box::pin(sleep_until(until)));
        }
    }
}

impl<C: Body<Data = Bytes, Error = BoxError>> Body for FaultyWatch<C> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next> {
        loop {
            if self.has_ended {
                return Poll::Ready(None);
            }
            if let Some(sleep) = &mut self.until {
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                self.until = None;
            }
            if let Some(frame) = self.held.pop_front() {
                // The next watch would begin after the event that was lost, and nobody would ever notice.
                if frame.is_none() && self.noticed.take().is_some() {
                    self.expire();
                    continue;
                }
                self.has_ended = frame.is_none();
                return Poll::Ready(frame);
            }
            if self.noticed.as_mut().is_some_and(|noticed| noticed.as_mut().poll(cx).is_ready()) {
                self.noticed = None;
                self.expire();
                continue;
            }
            let Poll::Ready(frame) = self.inner.as_mut().poll_frame(cx) else { return Poll::Pending };
            self.take(frame);
        }
    }
}
