//! What every answer says of the server's clock, and a line about each request.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response, Uri};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use tokio::time::Instant;
use tower::{Layer, Service};

/// Clocks that differ by less are taken for the same: answers tell whole seconds and need time to arrive.
const SAME: SignedDuration = SignedDuration::from_secs(2);

/// Looks at every answer, in a client that it is a layer of.
#[derive(Clone)]
pub(crate) struct Observed {
    address: Uri,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// The server's time, and when it arrived.
    clock: Option<(Timestamp, Instant)>,
    /// The two clocks differ.
    is_off: bool,
    /// The last answer that says yes.
    success: Option<Instant>,
    requests: Vec<String>,
}

impl Observed {
    /// For a server at this address.
    pub(crate) fn new(address: Uri) -> Self {
        Self { address, seen: Arc::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's time if it is not that of the local clock, which shows `local`.
    pub(crate) fn now(&self, local: Timestamp) -> Timestamp {
        let mut seen = self.seen();
        let Some((shown, at)) = seen.clock else { return local };
        let passed = SignedDuration::try_from(at.elapsed()).unwrap_or(SignedDuration::ZERO);
        let there = shown.saturating_add(passed).unwrap_or(shown);
        seen.is_off = there.duration_since(local).abs() > SAME;
        if seen.is_off { there } else { local }
    }

    /// Whether the last look at the time found two clocks that differ.
    pub(crate) fn is_off(&self) -> bool {
        self.seen().is_off
    }

    /// Whether an answer has told the time.
    pub(crate) fn has_seen_an_answer(&self) -> bool {
        self.seen().clock.is_some()
    }

    /// Whether there was an answer that says yes since then.
    pub(crate) fn has_succeeded_since(&self, then: Instant) -> bool {
        self.seen().success.is_some_and(|at| at > then)
    }

    /// A line for each request since the last call.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.seen().requests)
    }

    fn see(&self, what: &str, began: Instant, headers: Option<(&HeaderMap, http::StatusCode)>) {
        let mut seen = self.seen();
        let took = began.elapsed().as_millis();
        let outcome = headers.map_or_else(|| "no answer".to_owned(), |(_, status)| status.to_string());
        if headers.is_some_and(|(_, status)| status.is_success()) {
            seen.success = Some(Instant::now());
        }
        // A watch that is never asked for its requests must not fill the memory.
        if seen.requests.len() < 1_000 {
            seen.requests.push(format!("{what} {outcome} in {took} milliseconds"));
        }
        if let Some(date) = headers.and_then(|(headers, _)| date(headers)) {
            seen.clock = Some((date, Instant::now()));
        }
    }
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    const PARSER: DateTimeParser = DateTimeParser::new();
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    PARSER.parse_timestamp(text).ok()
}

impl<S> Layer<S> for Observed {
    type Service = Observing<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Observing { inner, observed: self.clone() }
    }
}

/// A service whose answers are looked at.
#[derive(Clone)]
pub(crate) struct Observing<S> {
    inner: S,
    observed: Observed,
}

impl<S, B> Service<Request<Body>> for Observing<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let address = self.observed.address.to_string();
        let what = format!("{} {}{}", request.method(), address.trim_end_matches('/'), request.uri());
        let (began, observed) = (Instant::now(), self.observed.clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            let seen = answer.as_ref().ok().map(|response| (response.headers(), response.status()));
            observed.see(&what, began, seen);
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn observed(date: &str) -> Observed {
        let observed = Observed::new(Uri::from_static("https://127.0.0.1:6443/"));
        let mut headers = HeaderMap::new();
        headers.insert(http::header::DATE, date.parse().unwrap());
        observed.see("GET /", Instant::now(), Some((&headers, http::StatusCode::OK)));
        observed
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_of_its_own_counts() {
        let observed = observed("Mon, 23 Nov 2026 05:27:31 GMT");
        let local = time("2026-11-23T06:27:31Z");
        tokio::time::advance(Duration::from_millis(1_500)).await;
        assert_eq!(observed.now(local), time("2026-11-23T05:27:32.5Z"));
        assert!(observed.is_off());
    }

    #[tokio::test(start_paused = true)]
    async fn small_differences_do_not_count() {
        let observed = observed("Mon, 23 Nov 2026 05:27:31 GMT");
        for local in ["2026-11-23T05:27:29Z", "2026-11-23T05:27:33Z"] {
            assert_eq!(observed.now(time(local)), time(local));
            assert!(!observed.is_off());
        }
        assert_eq!(observed.now(time("2026-11-23T05:27:28Z")), time("2026-11-23T05:27:31Z"));
    }

    #[tokio::test]
    async fn without_a_readable_date_the_local_clock_counts() {
        let local = time("2026-11-23T05:27:31Z");
        assert_eq!(observed("yesterday").now(local), local);
        assert!(!observed("yesterday").has_seen_an_answer());
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_told_once() {
        let observed = observed("Mon, 23 Nov 2026 05:27:31 GMT");
        assert_eq!(observed.take_requests(), ["GET / 200 OK in 0 milliseconds"]);
        assert!(observed.take_requests().is_empty());
    }
}
