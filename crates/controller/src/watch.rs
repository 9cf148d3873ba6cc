//! One watch per kind: the only writer of that kind's store.

use std::fmt;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::api::{Api, ApiResource, ObjectMeta};
use kube::core::DynamicResourceScope;
use kube::runtime::watcher::{self, Event};
use kube::{Client, Resource};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::kind::Kind;
use crate::store::{Key, Unreadable, version};

/// Objects per answer to a list. An answer is in memory as a whole, as text and as values: some 25 KB for each object. A
/// thousand Rollouts with two ReplicaSets each take thirty requests, instead of six with kube's 500 at a time.
const PAGE: u32 = 100;
const FIRST_BACK_OFF: Duration = Duration::from_millis(100);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(10);
/// After this long without an error the next one is the first again.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// An object as it came over the wire. kube reads the few members of `meta`; everything else is in `value`.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    meta: ObjectMeta,
    pub(crate) value: Value,
}

impl Watched {
    pub(crate) fn new(value: Value) -> Self {
        let text = |field: &str| value["metadata"][field].as_str().map(str::to_owned);
        let meta = ObjectMeta {
            name: text("name"),
            namespace: text("namespace"),
            uid: text("uid"),
            resource_version: text("resourceVersion"),
            ..ObjectMeta::default()
        };
        Self { meta, value }
    }

    pub(crate) fn key(&self) -> Key {
        Key {
            namespace: self.meta.namespace.clone().unwrap_or_default(),
            name: self.meta.name.clone().unwrap_or_default(),
        }
    }

    pub(crate) fn version(&self) -> u64 {
        version(self.meta.resource_version.as_deref().unwrap_or_default())
    }

    pub(crate) fn unreadable(&self, error: String) -> Unreadable {
        Unreadable {
            uid: self.meta.uid.clone().unwrap_or_default(),
            resource_version: self.meta.resource_version.clone().unwrap_or_default(),
            error,
        }
    }
}

impl<'de> Deserialize<'de> for Watched {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Without { member: None, of: Some("metadata") }.deserialize(deserializer).map(Self::new)
    }
}

/// Reads a value without `metadata.managedFields`, which is often the larger half of an object and which nobody reads.
struct Without {
    /// The member to leave out here.
    member: Option<&'static str>,
    /// The member in which `managedFields` are left out.
    of: Option<&'static str>,
}

impl<'de> DeserializeSeed<'de> for Without {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Without {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if self.member == Some(name.as_str()) {
                members.next_value::<IgnoredAny>()?;
            } else if self.of == Some(name.as_str()) {
                let metadata = Self { member: Some("managedFields"), of: None };
                object.insert(name, members.next_value_seed(metadata)?);
            } else {
                object.insert(name, members.next_value()?);
            }
        }
        Ok(Value::Object(object))
    }
}

impl Resource for Watched {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> std::borrow::Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> std::borrow::Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> std::borrow::Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> std::borrow::Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

/// What to watch.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(crate) kind: Kind,
    /// `None`: every namespace.
    pub(crate) namespace: Option<String>,
    pub(crate) labels: Option<String>,
}

impl Selection {
    /// The events of this selection, for ever. An error is an item; the stream goes on when it is polled again.
    pub(crate) fn events(
        &self,
        client: Client,
    ) -> impl Stream<Item = watcher::Result<Event<Watched>>> + Send + use<> {
        let resource = self.kind.resource();
        let api: Api<Watched> = match &self.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        let config = watcher::Config { label_selector: self.labels.clone(), ..watcher::Config::default() };
        let config = config.page_size(PAGE);
        watcher::watcher(api, config)
    }
}

/// Feeds the events of a selection to `deliver`, for ever. `failed` hears of errors; each is followed by a pause that doubles
/// while they go on.
pub(crate) async fn follow(
    client: Client,
    selection: Selection,
    mut deliver: impl FnMut(Event<Watched>) + Send,
    mut failed: impl FnMut(&watcher::Error) + Send,
) {
    let mut events = std::pin::pin!(selection.events(client));
    let mut back_off = BackOff::default();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                // A list begins with `Init` before anything was answered.
                if !matches!(event, Event::Init) {
                    back_off.reset();
                }
                deliver(event);
            }
            Err(error) => {
                let pause = back_off.next(Instant::now());
                // Whoever hears of it says more.
                tracing::debug!(kind = selection.kind.kind, "watch failed; trying again in {pause:?}");
                failed(&error);
                tokio::time::sleep(pause).await;
            }
        }
    }
}

#[derive(Debug, Default)]
struct BackOff {
    last: Option<(Instant, Duration)>,
}

impl BackOff {
    fn reset(&mut self) {
        self.last = None;
    }

    fn next(&mut self, now: Instant) -> Duration {
        let pause = match self.last {
            Some((at, pause)) if now.duration_since(at) < FORGIVEN_AFTER => (pause * 2).min(LONGEST_BACK_OFF),
            _ => FIRST_BACK_OFF,
        };
        self.last = Some((now, pause));
        pause
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    use bytes::Bytes;
    use http::{Request, Response};
    use http_body::Frame;
    use http_body_util::{Either, Full, StreamBody};
    use kube::client::Body;

    use super::*;
    use crate::gate::Gate;

    /// When a server was asked for lists and for watches, in seconds, if the connection dies in the middle of each.
    async fn asked_while_dead(lists_die: bool) -> (Vec<u64>, Vec<u64>) {
        let (start, asked) = (Instant::now(), Arc::new(Mutex::new((Vec::new(), Vec::new()))));
        let log = asked.clone();
        let server = tower::service_fn(move |request: Request<Body>| {
            let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
            let (lists, watches) = &mut *log.lock().unwrap();
            let asked = if is_watch { watches } else { lists };
            asked.push(start.elapsed().as_secs());
            let body = if is_watch || (lists_die && asked.len() == 1) {
                let silence = futures::stream::pending::<Result<Frame<Bytes>, Infallible>>();
                Either::Right(StreamBody::new(silence))
            } else {
                Either::Left(Full::from(
                    r#"{"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "5"}, "items": []}"#,
                ))
            };
            async { Ok::<_, Infallible>(Response::new(body)) }
        });
        let selection = Selection { kind: crate::kind::SERVICE, namespace: None, labels: None };
        let following = follow(crate::client(server, &Gate::new()), selection, |_| {}, |_| {});
        assert!(tokio::time::timeout(Duration::from_secs(1000), following).await.is_err());
        std::mem::take(&mut *asked.lock().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_on_a_dead_connection_is_opened_anew() {
        let (lists, watches) = asked_while_dead(false).await;
        assert_eq!((lists.len(), watches.len()), (1, 4), "{lists:?} {watches:?}");
        assert!(watches.windows(2).all(|pair| pair[1] - pair[0] <= 320), "{watches:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_on_a_dead_connection_is_asked_for_anew() {
        let (lists, watches) = asked_while_dead(true).await;
        assert_eq!(lists, [0, 320]);
        assert_eq!(watches[0], 320);
    }

    #[test]
    fn managed_fields_are_left_out_and_nothing_else() {
        let text = r#"{"managedFields": 1, "metadata": {"": 5, "name": "x", "managedFields": [{"a": 1}], "metadata": {"b": 2}},
                       "spec": {"managedFields": {"c": 3}, "metadata": {"managedFields": 4}}}"#;
        let watched: Watched = serde_json::from_str(text).unwrap();
        assert_eq!(watched.key().name, "x");
        let expected = serde_json::json!({
            "managedFields": 1, "metadata": {"": 5, "name": "x", "metadata": {"b": 2}},
            "spec": {"managedFields": {"c": 3}, "metadata": {"managedFields": 4}},
        });
        assert_eq!(watched.value, expected);
        let without: Watched = serde_json::from_str(r#"{"metadata": null}"#).unwrap();
        assert_eq!(without.key().name, "");
        for broken in ["7", "{\"metadata\": 7}"] {
            assert!(serde_json::from_str::<Watched>(broken).is_err(), "{broken}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_and_are_forgiven() {
        let (mut back_off, mut now) = (BackOff::default(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..9 {
            let pause = back_off.next(now);
            pauses.push(pause.as_millis());
            now += pause;
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(back_off.next(now + FORGIVEN_AFTER), FIRST_BACK_OFF);
        back_off.next(now + FORGIVEN_AFTER);
        back_off.reset();
        assert_eq!(back_off.next(now + FORGIVEN_AFTER), FIRST_BACK_OFF);
    }
}
