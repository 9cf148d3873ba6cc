use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;

/// What the process runs in: the one value that is read of clock, host, chance and environment. (Inside a pod the client
/// library reads certificate and token of the service account by itself, again and again, for they change.)
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The local clock, at the start.
    pub now: Timestamp,
    /// The host's name; in a pod that of the pod.
    pub hostname: String,
    /// A name that no other process has.
    pub uuid: String,
    /// `POD_NAMESPACE`.
    pub pod_namespace: Option<String>,
    /// The namespace of the pod's service account, from the file that Kubernetes puts there.
    pub account_namespace: Option<String>,
    /// `KUBECONFIG`: kubeconfig files, merged; the first of them has the last word.
    pub kubeconfig: Option<OsString>,
    /// The user's folder, where `.kube/config` is.
    pub home: Option<PathBuf>,
    /// The process runs in a pod that knows its API server.
    pub is_in_cluster: bool,
}

const ACCOUNT_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let text = |name: &str| variable(name).and_then(|value| value.into_string().ok());
        let account_namespace = fs::read_to_string(ACCOUNT_NAMESPACE).ok();
        let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        Self {
            now: now(),
            hostname: hostname::get().ok().and_then(|name| name.into_string().ok()).unwrap_or_default(),
            uuid: uuid(),
            pod_namespace: text("POD_NAMESPACE"),
            account_namespace: account_namespace
                .map(|name| name.trim().to_owned())
                .filter(|it| !it.is_empty()),
            kubeconfig: variable("KUBECONFIG"),
            home: variable(home).map(PathBuf::from),
            is_in_cluster: variable("KUBERNETES_SERVICE_HOST").is_some()
                && variable("KUBERNETES_SERVICE_PORT").is_some(),
        }
    }

    /// The namespace in which the controller keeps its Lease.
    pub(crate) fn own_namespace(&self) -> &str {
        let known = self.pod_namespace.as_deref().or(self.account_namespace.as_deref());
        known.unwrap_or("argo-rollouts")
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place where this process looks at its clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// A random UUID; where the system has no randomness, one of time and process.
fn uuid() -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        bytes = (now().as_nanosecond() ^ (i128::from(std::process::id()) << 96)).to_be_bytes();
    }
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
