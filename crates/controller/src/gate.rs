//! A gate between one incarnation of the controller and the API server: once closed, nothing passes in either direction.
//!
//! The simulator closes it to crash the controller between two writes; a leader that has lost its lease closes it to keep its
//! late writes from leaving.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body::{Body, Frame};
use tokio::sync::watch;
use tokio::time::Instant;
use tower::{Layer, Service};

/// A handle on the gate; clones are the same gate. It is open when made.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_closed: watch::Sender<bool>,
    /// Writes that were let through.
    writes: u64,
    /// Writes whose answer has come back.
    effects: u64,
    close_before: Option<u64>,
    close_after: Option<u64>,
    open_until: Option<Instant>,
}

impl Gate {
    /// An open gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Closes at once.
    pub fn close(&self) {
        self.lock().close();
    }

    /// Closes at this instant unless it is told a later one before. Every request and every answer is held against it, so that
    /// a process that slept through the instant sends nothing when it wakes.
    pub fn keep_open_until(&self, until: Instant) {
        let mut state = self.lock();
        if !state.is_closed() {
            state.open_until = Some(until);
        }
    }

    /// Closes instead of letting the `n`-th write through; 1 is the first since the gate was made.
    pub fn close_before_write(&self, n: u64) {
        self.lock().close_before = Some(n);
    }

    /// Lets the `n`-th write happen, and closes instead of delivering its answer.
    pub fn close_after_write(&self, n: u64) {
        self.lock().close_after = Some(n);
    }

    /// Writes let through so far: POST, PUT, PATCH and DELETE, events excepted.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.lock().writes
    }

    /// Writes that the server has answered so far, whatever it answered.
    #[must_use]
    pub fn effects(&self) -> u64 {
        self.lock().effects
    }

    /// Whether it is closed. It never opens again.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed()
    }

    /// Waits until it is closed. That its time is over is noticed by the next request or look.
    pub async fn closed(&self) {
        let mut is_closed = self.lock().is_closed.subscribe();
        is_closed.wait_for(|closed| *closed).await.expect("this handle keeps the sender");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn close(&mut self) {
        self.is_closed.send_replace(true);
    }

    fn is_closed(&mut self) -> bool {
        if self.open_until.is_some_and(|until| Instant::now() >= until) {
            self.close();
        }
        *self.is_closed.borrow()
    }

    /// Whether a request may pass now; counts it.
    fn admits(&mut self, is_write: bool) -> bool {
        if self.is_closed() {
            return false;
        }
        if is_write {
            if self.close_before == Some(self.writes + 1) {
                self.close();
                return false;
            }
            self.writes += 1;
        }
        true
    }

    /// Whether an answer may pass now; counts it.
    fn delivers(&mut self, is_write: bool) -> bool {
        if self.is_closed() {
            return false;
        }
        if is_write {
            self.effects += 1;
            if self.close_after == Some(self.effects) {
                self.close();
                return false;
            }
        }
        true
    }
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { inner, gate: self.clone() }
    }
}

/// A service behind a [`Gate`].
#[derive(Clone, Debug)]
pub struct Gated<S> {
    inner: S,
    gate: Gate,
}

impl<S, B, C: 'static> Service<Request<B>> for Gated<S>
where
    S: Service<Request<B>, Response = Response<C>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response<GatedBody<C>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if self.gate.is_closed() {
            // Ready to take requests that will never be answered.
            return Poll::Ready(Ok(()));
        }
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let is_write = is_write(&request);
        if !self.gate.lock().admits(is_write) {
            return Box::pin(std::future::pending());
        }
        let gate = self.gate.clone();
        let mut answer = Box::pin(self.inner.call(request));
        Box::pin(std::future::poll_fn(move |cx| {
            if gate.is_closed() {
                return Poll::Pending;
            }
            let Poll::Ready(answer) = answer.as_mut().poll(cx) else { return Poll::Pending };
            if !gate.lock().delivers(is_write) {
                return Poll::Pending;
            }
            let gate = gate.clone();
            Poll::Ready(answer.map(|response| response.map(|body| GatedBody { inner: Box::pin(body), gate })))
        }))
    }
}

/// The body of an answer that came through a [`Gate`]; it falls silent when the gate closes.
#[derive(Debug)]
pub struct GatedBody<C> {
    inner: Pin<Box<C>>,
    gate: Gate,
}

impl<C: Body> Body for GatedBody<C> {
    type Data = C::Data;
    type Error = C::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<C::Data>, C::Error>>> {
        if self.gate.is_closed() {
            return Poll::Pending;
        }
        self.inner.as_mut().poll_frame(cx)
    }
}

fn is_write<B>(request: &Request<B>) -> bool {
    let writes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(request.method());
    writes && resource(request.uri().path()) != Some("events")
}

/// `replicasets` of `/apis/apps/v1/namespaces/a/replicasets/b`.
fn resource(path: &str) -> Option<&str> {
    path.split('/').skip_while(|segment| *segment != "namespaces").nth(2)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures::FutureExt;
    use kube::client::Body as KubeBody;
    use tower::{ServiceExt, service_fn};

    use super::*;

    /// Sends `method` to `path` through the gate; `None`: never answered.
    fn send(gate: &Gate, served: &Arc<AtomicU64>, method: Method, path: &str) -> Option<u16> {
        let counter = served.clone();
        let server = service_fn(move |_: Request<KubeBody>| {
            counter.fetch_add(1, Ordering::Relaxed);
            async { Ok::<_, Infallible>(Response::new(KubeBody::empty())) }
        });
        let request = Request::builder().method(method).uri(path).body(KubeBody::empty()).unwrap();
        let answer = gate.layer(server).oneshot(request).now_or_never()?;
        Some(answer.unwrap().status().as_u16())
    }

    const PATH: &str = "/apis/apps/v1/namespaces/a/replicasets/b";

    #[test]
    fn counts_writes_but_neither_reads_nor_events() {
        let (gate, served) = (Gate::new(), Arc::default());
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::GET] {
            assert_eq!(send(&gate, &served, method, PATH), Some(200));
        }
        assert_eq!(send(&gate, &served, Method::POST, "/api/v1/namespaces/a/events"), Some(200));
        assert_eq!(send(&gate, &served, Method::PATCH, "/api/v1/namespaces/a/events/e"), Some(200));
        assert_eq!((gate.writes(), gate.effects(), served.load(Ordering::Relaxed)), (4, 4, 7));
        let rollout = "/apis/argoproj.io/v1alpha1/namespaces/events/rollouts/events";
        assert_eq!(send(&gate, &served, Method::PATCH, rollout), Some(200));
        assert_eq!(gate.writes(), 5);
    }

    #[test]
    fn closes_before_a_write() {
        let (gate, served) = (Gate::new(), Arc::default());
        gate.close_before_write(2);
        assert_eq!(send(&gate, &served, Method::PATCH, PATH), Some(200));
        assert_eq!(send(&gate, &served, Method::GET, PATH), Some(200));
        assert!(!gate.is_closed());
        assert_eq!(send(&gate, &served, Method::PATCH, PATH), None);
        assert!(gate.is_closed());
        assert_eq!(send(&gate, &served, Method::GET, PATH), None);
        assert_eq!((gate.writes(), served.load(Ordering::Relaxed)), (1, 2));
    }

    #[test]
    fn closes_after_a_write_took_effect() {
        let (gate, served) = (Gate::new(), Arc::default());
        gate.close_after_write(2);
        assert_eq!(send(&gate, &served, Method::PATCH, PATH), Some(200));
        assert_eq!(send(&gate, &served, Method::PATCH, PATH), None);
        assert_eq!((gate.writes(), gate.effects(), served.load(Ordering::Relaxed)), (2, 2, 2));
        assert!(gate.closed().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn closes_when_its_time_is_over_and_never_opens_again() {
        let (gate, served) = (Gate::new(), Arc::default());
        let second = std::time::Duration::from_secs(1);
        gate.keep_open_until(Instant::now() + second);
        gate.keep_open_until(Instant::now() + 3 * second);
        tokio::time::advance(2 * second).await;
        assert_eq!(send(&gate, &served, Method::PATCH, PATH), Some(200));
        tokio::time::advance(second).await;
        gate.keep_open_until(Instant::now() + second);
        assert_eq!(send(&gate, &served, Method::PATCH, PATH), None);
        assert_eq!(send(&gate, &served, Method::GET, PATH), None);
        assert!(gate.closed().now_or_never().is_some());
        assert_eq!(served.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn many_looks_of_one_waiter_leave_one_trace() {
        let gate = Gate::new();
        let mut closed = Box::pin(gate.closed());
        for _ in 0..100 {
            assert!(futures::poll!(&mut closed).is_pending());
        }
        assert_eq!(gate.lock().is_closed.receiver_count(), 1);
        gate.close();
        assert!(futures::poll!(&mut closed).is_ready());
    }

    #[tokio::test]
    async fn open_bodies_fall_silent() {
        let gate = Gate::new();
        let server = service_fn(|_: Request<KubeBody>| async {
            Ok::<_, Infallible>(Response::new(KubeBody::from(b"line".to_vec())))
        });
        let request = Request::get(PATH).body(KubeBody::empty()).unwrap();
        let mut body = gate.layer(server).oneshot(request).await.unwrap().into_body();
        gate.close();
        let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        assert!(frame.now_or_never().is_none());
    }
}
