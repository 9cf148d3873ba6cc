//! What a request asks for: its path, query and headers, taken apart.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use http::Method;

use crate::resources::{Registry, Resource};
use crate::status::ApiError;

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Route {
    /// `/healthz`, `/readyz`, `/livez`.
    Health,
    /// `/version`.
    Version,
    /// `/api`.
    CoreVersions,
    /// `/apis`.
    Groups,
    /// `/apis/apps`.
    Group(String),
    /// `/api/v1`, `/apis/apps/v1`: group and version.
    Resources(String, String),
    /// `/openapi/v3`, `/openapi/v3/apis/apps/v1`: what follows after the version.
    OpenApi(String),
    /// `pods/log`: what Kubernetes has and this server has not.
    Unserved(String),
    /// Objects of a resource.
    Objects(Target),
}

/// The objects that a path names.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) resource: Arc<Resource>,
    /// Nothing for cluster-scoped resources and for all namespaces.
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: &'static str,
}

/// Finds out what `path` leads to.
pub(crate) fn route(path: &str, registry: &Registry) -> Result<Route, ApiError> {
    let segments: Vec<String> =
        path.split('/').filter(|segment| !segment.is_empty()).map(|segment| decode(segment, false)).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["healthz" | "readyz" | "livez", ..] => Ok(Route::Health),
        ["version"] => Ok(Route::Version),
        ["openapi", "v3", rest @ ..] => Ok(Route::OpenApi(rest.join("/"))),
        ["api"] => Ok(Route::CoreVersions),
        ["apis"] => Ok(Route::Groups),
        ["apis", group] => Ok(Route::Group((*group).to_owned())),
        ["api", version] => Ok(Route::Resources(String::new(), (*version).to_owned())),
        ["apis", group, version] => Ok(Route::Resources((*group).to_owned(), (*version).to_owned())),
        ["api", version, rest @ ..] => objects(registry, "", version, rest),
        ["apis", group, version, rest @ ..] => objects(registry, group, version, rest),
        _ => Err(ApiError::no_such_path()),
    }
}

fn objects(registry: &Registry, group: &str, version: &str, rest: &[&str]) -> Result<Route, ApiError> {
    let (namespace, rest) = match rest {
        ["namespaces", _, "status" | "finalize"] => (None, rest),
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
        _ => (None, rest),
    };
    let (plural, name, subresource) = match rest {
        [plural] => (*plural, None, ""),
        [plural, name] => (*plural, Some(*name), ""),
        [plural, name, subresource] => (*plural, Some(*name), *subresource),
        [plural, name, "proxy", ..] => (*plural, Some(*name), "proxy"),
        _ => return Err(ApiError::no_such_path()),
    };
    let resource = registry.get(group, version, plural).ok_or_else(ApiError::no_such_path)?;
    let is_misplaced = match (resource.namespaced, &namespace) {
        (true, None) => name.is_some(),
        (namespaced, namespace) => !namespaced && namespace.is_some(),
    };
    if is_misplaced {
        return Err(ApiError::no_such_path());
    }
    let Some(subresource) = served_subresource(&resource, subresource) else {
        let is_known = resource.subresources.iter().any(|known| known == subresource);
        if let (true, "status" | "scale", Some(name)) = (resource.is_custom(), subresource, name) {
            return Err(ApiError::not_found(&resource, name));
        }
        let name = format!("{plural}/{subresource}");
        return is_known.then_some(Route::Unserved(name)).ok_or_else(ApiError::no_such_path);
    };
    Ok(Route::Objects(Target { resource, namespace, name: name.map(str::to_owned), subresource }))
}

fn served_subresource(resource: &Resource, name: &str) -> Option<&'static str> {
    match name {
        "" => Some(""),
        "status" if resource.status => Some("status"),
        "scale" if resource.scale.is_some() => Some("scale"),
        "eviction" if resource.is("pods") => Some("eviction"),
        _ => None,
    }
}

/// The verb of a request on objects.
pub(crate) fn verb(method: &Method, target: &Target, query: &Query) -> Result<&'static str, ApiError> {
    let is_one = target.name.is_some();
    if target.subresource == "eviction" {
        return if method == Method::POST { Ok("create") } else { Err(ApiError::method_not_allowed()) };
    }
    let verb = match method.as_str() {
        "GET" if is_one => Ok("get"),
        "GET" if query.flag("watch") => Ok("watch"),
        "GET" => Ok("list"),
        "POST" if !is_one && (target.namespace.is_some() || !target.resource.namespaced) => Ok("create"),
        "PUT" if is_one => Ok("update"),
        "PATCH" if is_one => Ok("patch"),
        "DELETE" if is_one && target.subresource.is_empty() => Ok("delete"),
        "DELETE" if !is_one && (target.namespace.is_some() || !target.resource.namespaced) => {
            Ok("deletecollection")
        }
        _ => Err(ApiError::method_not_allowed()),
    }?;
    let is_served = !target.subresource.is_empty() || target.resource.verbs.iter().any(|known| known == verb);
    is_served.then_some(verb).ok_or_else(ApiError::method_not_allowed)
}

/// The parameters of a query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    parameters: BTreeMap<String, String>,
}

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let parameters = pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(key, value)| (decode(key, true), decode(value, true)))
            .collect();
        Self { parameters }
    }

    pub(crate) fn get(&self, key: &str) -> &str {
        self.parameters.get(key).map_or("", String::as_str)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.parameters.contains_key(key)
    }

    /// Whether a flag is set. All but `false` and `0` means yes, even nothing: `?watch`.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.has(key) && self.get(key) != "0" && !self.get(key).eq_ignore_ascii_case("false")
    }

    /// A number of seconds or objects; nothing when absent.
    pub(crate) fn integer(&self, key: &str) -> Result<Option<i64>, ApiError> {
        self.parsed(key, "ParseInt")
    }

    /// A whole number; nothing when absent.
    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>, ApiError> {
        self.parsed(key, "ParseUint")
    }

    fn parsed<T: FromStr>(&self, key: &str, by: &str) -> Result<Option<T>, ApiError> {
        match self.get(key) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                ApiError::bad_request(format!("strconv.{by}: parsing \"{text}\": invalid syntax"))
            }),
        }
    }
}

/// Undoes percent-encoding; what is no valid escape stays as it is.
fn decode(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(if *first == b'+' && plus_is_space { b' ' } else { *first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects_of(path: &str) -> Option<(String, Option<String>, Option<String>, &'static str)> {
        match route(path, &Registry::with_built_ins()) {
            Ok(Route::Objects(target)) => {
                Some((target.resource.id.clone(), target.namespace, target.name, target.subresource))
            }
            _ => None,
        }
    }

    #[test]
    fn paths_name_objects() {
        let some = |text: &str| Some(text.to_owned());
        for (path, expected) in [
            ("/api/v1/pods", Some(("pods".to_owned(), None, None, ""))),
            ("/api/v1/namespaces/a/pods", Some(("pods".to_owned(), some("a"), None, ""))),
            ("/api/v1/namespaces/a/pods/b/status", Some(("pods".to_owned(), some("a"), some("b"), "status"))),
            ("/api/v1/namespaces/a", Some(("namespaces".to_owned(), None, some("a"), ""))),
            ("/api/v1/namespaces/a/status", Some(("namespaces".to_owned(), None, some("a"), "status"))),
            (
                "/apis/apps/v1/namespaces/a/replicasets/b/scale",
                Some(("replicasets.apps".to_owned(), some("a"), some("b"), "scale")),
            ),
            ("/apis/apps/v1/replicasets/b", None),
            ("/api/v1/namespaces/a/configmaps/b/status", None),
            ("/api/v1/nothing", None),
            ("/api/v2/pods", None),
        ] {
            assert_eq!(objects_of(path), expected, "{path}");
        }
    }

    #[test]
    fn queries_are_decoded() {
        let query = Query::parse("labelSelector=app%20in%20(a%2Cb)&x=1+2&watch=true&limit=5&bad=%zz");
        assert_eq!(query.get("labelSelector"), "app in (a,b)");
        assert_eq!(query.get("x"), "1 2");
        assert_eq!(query.get("bad"), "%zz");
        assert!(query.flag("watch"));
        assert_eq!(query.number("limit").unwrap(), Some(5));
        assert_eq!(query.number("x").unwrap_err().code, 400);
        let flags = Query::parse("a&b=&c=yes&d=TRUE&e=0&f=false&g=False");
        for (flag, expected) in ["a", "b", "c", "d", "e", "f", "g", "h"]
            .into_iter()
            .zip([true, true, true, true, false, false, false, false])
        {
            assert_eq!(flags.flag(flag), expected, "{flag}");
        }
        let query = Query::parse("less=-1&more=9223372036854775808");
        assert_eq!(query.integer("less").unwrap(), Some(-1));
        assert_eq!(query.integer("more").unwrap_err().code, 400);
    }
}
