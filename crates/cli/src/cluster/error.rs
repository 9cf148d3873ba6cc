use std::error::Error;
use std::time::Duration;

use http::{Request, Response};
use jiff::SignedDuration;
use kube::client::AuthError;
use kube::config::{KubeconfigError, LoadDataError};
use kube::core::Status;
use kube::runtime::watcher;
use tidegate_api::duration::format_go_duration;

use super::origin::Origin;
use crate::failure::{Failure, Problem};

/// A request, as messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// `get`, `patch`.
    verb: String,
    /// `rollouts.argoproj.io`; empty for what is no object.
    resource: String,
    /// Empty for lists.
    name: String,
}

impl Asked {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let parts: Vec<&str> = request.uri().path().split('/').filter(|part| !part.is_empty()).collect();
        let (group, parts) = match parts.as_slice() {
            ["apis", group, _, rest @ ..] => (*group, rest),
            ["api", _, rest @ ..] => ("", rest),
            _ => ("", &[][..]),
        };
        let parts = if let ["namespaces", _, rest @ ..] = parts { rest } else { parts };
        let plural = parts.first().copied().unwrap_or_default();
        let resource = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
        let name = parts.get(1).copied().unwrap_or_default().to_owned();
        Self { verb: request.method().as_str().to_lowercase(), resource, name }
    }

    /// The list at `path`, to be told of its changes.
    pub(super) fn watch(path: &str) -> Self {
        Self::of(&Request::builder().uri(path).body(()).expect("lists have fixed paths"))
    }
}

/// The request in words: `get rollouts.argoproj.io guestbook`.
impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = [&self.verb, &self.resource, &self.name].map(String::as_str);
        f.write_str(&words.join(" ").trim_end().replace("  ", " "))
    }
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[error("{}", .problem.text)]
pub(crate) struct ClusterError {
    sort: Sort,
    problem: Problem,
}

/// What a caller may want to tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sort {
    /// The server's answer, by its code and reason.
    Answer { code: u16, reason: String, retry_after: Option<Duration> },
    /// The server does not know the resource.
    NoSuchResource,
    /// No answer, or one that cannot be read.
    NoAnswer { is_permanent: bool },
}

impl ClusterError {
    fn without_answer(problem: Problem, is_permanent: bool) -> Self {
        Self { sort: Sort::NoAnswer { is_permanent }, problem }
    }

    /// The object does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self.sort, Sort::Answer { code: 404, .. })
    }

    /// The object has changed since it was read.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self.sort, Sort::Answer { code: 409, .. })
    }

    /// A `test` of a JSON patch does not hold any more.
    pub(crate) fn is_failed_test(&self) -> bool {
        matches!(self.sort, Sort::Answer { code: 422, .. })
    }

    /// The rest of a list, or a watch, begins at a version that the server has forgotten.
    pub(super) fn is_expired(&self) -> bool {
        matches!(self.sort, Sort::Answer { code: 410, .. })
    }

    /// The server has answered, with something else than what was asked for.
    pub(super) fn is_answer(&self) -> bool {
        !matches!(self.sort, Sort::NoAnswer { .. })
    }

    /// Asking again will not help.
    pub(crate) fn is_permanent(&self) -> bool {
        match &self.sort {
            Sort::Answer { code, .. } => matches!(code, 400..=409 | 422) && *code != 408,
            Sort::NoSuchResource => true,
            Sort::NoAnswer { is_permanent } => *is_permanent,
        }
    }

    /// The server was too busy to carry the request out. Where it is not known whether it did, only reads are repeated.
    pub(super) fn may_be_repeated(&self, is_read: bool) -> bool {
        let Sort::Answer { code, .. } = self.sort else { return false };
        code == 429 || is_read && matches!(code, 503 | 504)
    }

    /// When the server wants to be asked again.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let Sort::Answer { retry_after, .. } = self.sort else { return None };
        retry_after.map(|wait| wait.min(Duration::from_secs(10)))
    }

    /// What the user is told.
    pub(crate) fn into_problem(self) -> Problem {
        self.problem
    }

    /// What the user is told of an answer that says no.
    pub(super) fn of_answer(response: &Response<impl AsRef<[u8]>>, asked: &Asked, origin: &Origin) -> Self {
        let code = response.status().as_u16();
        let body = response.body().as_ref();
        let Ok(status) = serde_json::from_slice::<Status>(body) else {
            return Self::of_foreign_answer(code, body, asked, origin);
        };
        let header = response.headers().get(http::header::RETRY_AFTER);
        let seconds = header.and_then(|value| value.to_str().ok()?.parse().ok());
        Self::of_status(&Status { code, ..status }, seconds, asked, origin)
    }

    pub(super) fn of_status(status: &Status, wait: Option<u64>, asked: &Asked, origin: &Origin) -> Self {
        let sort = Sort::Answer {
            code: status.code,
            reason: status.reason.clone(),
            retry_after: wait.map(Duration::from_secs),
        };
        let text = if status.message.is_empty() { status.reason.clone() } else { status.message.clone() };
        let problem = Problem::new(text);
        let problem = match status.code {
            401 => problem.hint(format!("the API server does not know {}; log in again", origin.of_user())),
            403 => problem.hint(format!(
                "ask for the right to {} {}, or act as somebody else with --as or --context",
                permission(&asked.verb, &asked.name),
                asked.resource
            )),
            _ => problem,
        };
        Self { sort, problem }
    }

    /// An answer that is not the Kubernetes API's own: what Go's client makes of it.
    fn of_foreign_answer(code: u16, body: &[u8], asked: &Asked, origin: &Origin) -> Self {
        if code == 404 {
            let text = format!("the server could not find the requested resource ({asked})");
            let kind = asked.resource.split('.').next().unwrap_or_default();
            let problem = Problem::new(text).hint(if kind == "rollouts" {
                "Rollouts are not installed in this cluster: apply their CustomResourceDefinition first"
                    .to_owned()
            } else {
                format!("is {} a Kubernetes API server?", origin.address())
            });
            return Self { sort: Sort::NoSuchResource, problem };
        }
        let said: String = String::from_utf8_lossy(body).chars().take(200).collect();
        let problem = Problem::new(match code {
            401 => "Unauthorized".to_owned(),
            _ => format!(
                "an error on the server ({:?}) has prevented the request from succeeding ({asked})",
                if said.is_empty() { "unknown" } else { said.trim() }
            ),
        });
        let problem = if code == 401 {
            problem.hint(format!("the API server does not know {}; log in again", origin.of_user()))
        } else {
            problem
        };
        Self { sort: Sort::Answer { code, reason: String::new(), retry_after: None }, problem }
    }

    /// An answer that is no object of the kind that was asked for.
    pub(super) fn unreadable(asked: &Asked, error: &serde_json::Error, origin: &Origin) -> Self {
        let text = format!("the answer to {:?} cannot be read: {error}", asked.to_string());
        let hint = format!("is {} a Kubernetes API server?", origin.address());
        Self::without_answer(Problem::new(text).hint(hint), true)
    }

    /// No answer within the time that the user gave.
    pub(super) fn too_late(limit: Duration, origin: &Origin) -> Self {
        let text = format!(
            "the API server at {} did not answer within {}",
            origin.address(),
            format_go_duration(SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX))
        );
        Self::without_answer(Problem::new(text).hint("--request-timeout sets the limit"), false)
    }

    /// Why a watch does not go on.
    pub(super) fn of_watch(error: &watcher::Error, asked: &Asked, origin: &Origin) -> Self {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => Self::of_library(error, asked, origin),
            watcher::Error::WatchError(status) => Self::of_status(status, None, asked, origin),
            watcher::Error::NoResourceVersion => {
                let text = format!("the answer to {:?} has no resourceVersion", asked.to_string());
                Self::without_answer(Problem::new(text), true)
            }
        }
    }

    /// A failure of a request that the client library has sent and read by itself.
    fn of_library(error: &kube::Error, asked: &Asked, origin: &Origin) -> Self {
        match error {
            // What the library makes of an answer that is not the API's own.
            kube::Error::Api(status) if status.reason == "Failed to parse error data" => {
                Self::of_foreign_answer(status.code, status.message.as_bytes(), asked, origin)
            }
            kube::Error::Api(status) => Self::of_status(status, None, asked, origin),
            kube::Error::SerdeError(error) => Self::unreadable(asked, error, origin),
            other => Self::of_transport(other, origin),
        }
    }

    /// No answer at all.
    pub(super) fn of_transport(error: &kube::Error, origin: &Origin) -> Self {
        if let Some(auth) = find::<AuthError>(error) {
            return Self::without_answer(of_credentials(auth, origin), true);
        }
        let address = origin.address();
        let causes = causes(error);
        let says = |text: &str| causes.iter().find_map(|cause| Some(&cause[cause.find(text)?..]));
        if let Some(reason) = says("invalid peer certificate: ") {
            let reason = reason.trim_start_matches("invalid peer certificate: ");
            let (reason, hint) = match reason {
                "UnknownIssuer" | "BadSignature" => (
                    "it is signed by an unknown authority",
                    "trust the right one with --certificate-authority, or in the kubeconfig".to_owned(),
                ),
                other if other.contains("not valid for name") => {
                    (other, "--tls-server-name sets the name that is asked for".to_owned())
                }
                other => (other, format!("the address comes from {}", origin.of_address())),
            };
            let text = format!("the certificate of the API server at {address} is not trusted: {reason}");
            return Self::without_answer(Problem::new(text).hint(hint), true);
        }
        if says("InvalidContentType").is_some() {
            let text = format!("the server at {address} does not speak TLS");
            let hint = format!("the address https:// comes from {}", origin.of_address());
            return Self::without_answer(Problem::new(text).hint(hint), true);
        }
        let cause = causes.last().map_or("no reason is known", |cause| plain(cause));
        let what = if says("(Connect)").is_some() {
            format!("cannot connect to the API server at {address}")
        } else {
            format!("the connection to the API server at {address} was lost")
        };
        let text = format!("{what}: {}", lower_first(cause));
        let hint = format!("the address comes from {}", origin.of_address());
        Self::without_answer(Problem::new(text).hint(hint), false)
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        error.problem.into()
    }
}

/// The verb of a role that allows a request.
fn permission(verb: &str, name: &str) -> &'static str {
    match verb {
        "get" if name.is_empty() => "list and watch",
        "get" => "get",
        _ => "patch",
    }
}

/// Why a connection to the server of a kubeconfig cannot even be tried.
pub(super) fn of_configuration(error: &kube::Error, origin: &Origin) -> Failure {
    let problem = match error {
        kube::Error::Auth(error) => of_credentials(error, origin),
        kube::Error::InferKubeconfig(error) => of_kubeconfig(error, origin),
        kube::Error::RustlsTls(error) => {
            let hint = format!("the certificates come from {}", origin.of_address());
            Problem::new(error.to_string()).hint(hint)
        }
        other => Problem::new(causes(other).pop().unwrap_or_else(|| other.to_string())),
    };
    problem.into()
}

/// What is wrong with what a kubeconfig says.
pub(super) fn of_kubeconfig(error: &KubeconfigError, origin: &Origin) -> Problem {
    let data = |what: &str, error: &LoadDataError| match error {
        LoadDataError::ReadFile(error, path) => {
            format!("unable to read {what} {}: {}", path.display(), plain(&error.to_string()))
        }
        LoadDataError::DecodeBase64(_) => format!("{what}-data is not base64"),
        LoadDataError::NoBase64DataOrFile => format!("{what} is missing"),
    };
    let text = match error {
        KubeconfigError::LoadClientCertificate(error) => data("client-certificate", error),
        KubeconfigError::LoadClientKey(error) => data("client-key", error),
        other => other.to_string(),
    };
    Problem::new(format!("invalid configuration: {}", text.lines().next().unwrap_or_default()))
        .hint(format!("the settings come from {}", origin.of_address()))
}

/// Why the user's credentials cannot be had. What an exec plugin prints is never repeated: it may be a token.
fn of_credentials(error: &AuthError, origin: &Origin) -> Problem {
    let exec = origin.exec.clone().unwrap_or_default();
    let command = exec.command;
    let problem = match error {
        AuthError::AuthExecStart(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Problem::new(format!("getting credentials: exec: executable {command} not found"))
        }
        AuthError::AuthExecStart(error) => Problem::new(format!(
            "getting credentials: exec: executable {command} cannot be run: {}",
            plain(&error.to_string())
        )),
        AuthError::AuthExecRun { out, .. } => {
            let how = match out.status.code() {
                Some(code) => format!("failed with exit code {code}"),
                None => "was ended by a signal".to_owned(),
            };
            Problem::new(format!("getting credentials: exec: executable {command} {how}"))
        }
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => Problem::new(format!(
            "getting credentials: exec: executable {command} did not print an ExecCredential with a status"
        )),
        AuthError::ReadTokenFile(error, path) => Problem::new(format!(
            "getting credentials: unable to read the token in {}: {}",
            path.display(),
            plain(&error.to_string())
        )),
        other => Problem::new(format!("getting credentials: {other}")),
    };
    let is_exec = !command.is_empty();
    let run_for = is_exec.then(|| format!("it is run for {}", origin.of_user()));
    match exec.install_hint.or(run_for) {
        Some(hint) => problem.hint(hint),
        None => problem.hint(format!("they are those of {}", origin.of_user())),
    }
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        at = error.source();
    }
    None
}

/// The texts of an error and of what caused it, the first cause last.
fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut at = error.source();
    while let Some(cause) = at {
        texts.push(cause.to_string());
        at = cause.source();
    }
    texts
}

/// Without `(os error 111)`.
pub(super) fn plain(text: &str) -> &str {
    text.split(" (os error ").next().unwrap_or(text)
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_lowercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        let request = Request::builder().method(Method::GET).uri(path).body(()).unwrap();
        assert_eq!(Asked::of(&request).to_string(), expected);
    }

    #[test]
    fn requests_are_named_as_go_does() {
        let rollouts = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts";
        check(&format!("{rollouts}/x"), "get rollouts.argoproj.io x");
        check(&format!("{rollouts}/x/status"), "get rollouts.argoproj.io x");
        check(rollouts, "get rollouts.argoproj.io");
        check("/apis/argoproj.io/v1alpha1/rollouts?limit=5", "get rollouts.argoproj.io");
        check("/api/v1/namespaces/default/pods", "get pods");
        check("/version", "get");
    }
}
