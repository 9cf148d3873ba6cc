//! What the flags come to, checked.

use tidegate_api::labels;
use tracing::level_filters::LevelFilter;

use super::flags::{Flags, given};
use super::surroundings::Surroundings;
use crate::config::Scope;
use crate::leader::{Candidate, Times};
use crate::rate::RateLimit;

/// Upstream's name of the Lease; with an instance id `-<id>` follows.
const LOCK: &str = "argo-rollouts-controller-lock";
/// Kubernetes' limits.
const LONGEST_LABEL: usize = 63;

/// What the process is to do.
pub(crate) struct Settings {
    pub(crate) scope: Scope,
    pub(crate) workers: usize,
    pub(crate) rate_limit: RateLimit,
    /// `None`: `--leader-elect=false`.
    pub(crate) candidate: Option<Candidate>,
}

/// A level of the log by its name in upstream's library.
///
/// # Errors
/// When it is none.
pub(crate) fn log_level(name: &str) -> Result<LevelFilter, String> {
    match name.to_ascii_lowercase().as_str() {
        "panic" | "fatal" | "error" => Ok(LevelFilter::ERROR),
        "warn" | "warning" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(format!("not a valid logrus Level: {name:?}; --loglevel is debug, info, warn or error")),
    }
}

/// Refuses what must not wait for a connection.
///
/// # Errors
/// When flags make no sense together, or ask for what this version does not have.
pub(crate) fn check(flags: &Flags) -> Result<(), String> {
    match flags.controllers.iter().find(|name| *name != "analysis") {
        Some(other) => return Err(format!("unsupported controller: {other}")),
        None if !flags.controllers.is_empty() => {
            return Err(
                "--controllers analysis: this version has no controller for AnalysisRuns yet; leave the \
                        flag out to run the one for Rollouts"
                    .to_owned(),
            );
        }
        None => {}
    }
    check_instance_id(&flags.instance_id, flags.leader_elect)?;
    if flags.leader_elect {
        times(flags).check().map_err(|error| {
            let times = times(flags);
            format!(
                "the flags --leader-election-* do not fit together: {error} (lease duration {}s, renew deadline {}s, \
                 retry period {}s)",
                times.lease_duration.as_secs_f64(),
                times.renew_deadline.as_secs_f64(),
                times.retry_period.as_secs_f64()
            )
        })?;
    }
    Ok(())
}

/// It is the value of a label, and part of the name of a Lease.
fn check_instance_id(id: &str, is_in_a_name: bool) -> Result<(), String> {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_end = |c: char| c.is_ascii_alphanumeric();
    let is_label = id.chars().all(is_inside)
        && id.chars().next().is_none_or(is_end)
        && id.chars().next_back().is_none_or(is_end)
        && id.len() <= LONGEST_LABEL;
    if !is_label {
        return Err(format!(
            "--instance-id {id:?} cannot be a value of the label {}: at most {LONGEST_LABEL} letters, digits, '-', '_' \
             and '.', with a letter or digit at both ends",
            labels::CONTROLLER_INSTANCE_ID
        ));
    }
    if is_in_a_name && id.contains(|c: char| c.is_ascii_uppercase() || c == '_') {
        return Err(format!(
            "--instance-id {id:?} cannot be part of the name of the Lease {LOCK}-{id}: use small letters, digits, '-' \
             and '.', or --leader-elect=false"
        ));
    }
    Ok(())
}

fn times(flags: &Flags) -> Times {
    Times {
        lease_duration: flags.leader_election_lease_duration,
        renew_deadline: flags.leader_election_renew_deadline,
        retry_period: flags.leader_election_retry_period,
    }
}

impl Settings {
    /// What flags that passed [`check`] mean here.
    /// `default_namespace` is that of the service account, or of the kubeconfig's context.
    pub(crate) fn new(flags: &Flags, surroundings: &Surroundings, default_namespace: &str) -> Self {
        let instance_id = Some(flags.instance_id.clone()).filter(|id| !id.is_empty());
        let namespace = given(flags.connection.namespace.as_ref())
            .or(surroundings.pod_namespace.as_deref().filter(|_| surroundings.is_in_cluster))
            .unwrap_or(default_namespace);
        let candidate = flags.leader_elect.then(|| Candidate {
            namespace: surroundings.own_namespace().to_owned(),
            name: instance_id.as_ref().map_or_else(|| LOCK.to_owned(), |id| format!("{LOCK}-{id}")),
            identity: format!("{}_{}", surroundings.hostname, surroundings.uuid),
            times: times(flags),
        });
        Self {
            scope: Scope { namespace: flags.namespaced.then(|| namespace.to_owned()), instance_id },
            workers: usize::try_from(flags.rollout_threads).unwrap_or(usize::MAX),
            rate_limit: RateLimit { qps: flags.qps, burst: flags.burst },
            candidate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::flags::Parsed;

    const NOWHERE: Surroundings = Surroundings {
        now: jiff::Timestamp::UNIX_EPOCH,
        hostname: String::new(),
        uuid: String::new(),
        pod_namespace: None,
        account_namespace: None,
        kubeconfig: None,
        home: None,
        is_in_cluster: false,
    };

    fn settings(line: &str, surroundings: &Surroundings) -> Settings {
        let words = std::iter::once("rollouts-controller").chain(line.split_whitespace());
        let Ok(Parsed::Run { flags, .. }) = Flags::parse(words.map(Into::into)) else { panic!("{line}") };
        assert_eq!(check(&flags), Ok(()), "{line}");
        Settings::new(&flags, surroundings, "of-the-context")
    }

    #[test]
    fn only_namespaced_limits_what_is_watched() {
        let pod = Surroundings { pod_namespace: Some("pod".to_owned()), ..NOWHERE };
        let in_cluster = Surroundings { is_in_cluster: true, ..pod.clone() };
        for (line, surroundings, expected) in [
            ("", &NOWHERE, None),
            ("-n a", &NOWHERE, None),
            ("-n a --namespaced", &in_cluster, Some("a")),
            ("--namespaced", &NOWHERE, Some("of-the-context")),
            ("--namespaced", &pod, Some("of-the-context")),
            ("--namespaced", &in_cluster, Some("pod")),
        ] {
            assert_eq!(settings(line, surroundings).scope.namespace.as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn the_lease_is_upstreams() {
        let account = Surroundings {
            hostname: "host".to_owned(),
            uuid: "id".to_owned(),
            account_namespace: Some("account".to_owned()),
            ..NOWHERE
        };
        let pod = Surroundings { pod_namespace: Some("pod".to_owned()), ..account.clone() };
        for (line, surroundings, namespace, name) in [
            ("", &NOWHERE, "argo-rollouts", "argo-rollouts-controller-lock"),
            ("-n a --namespaced", &account, "account", "argo-rollouts-controller-lock"),
            ("--instance-id blue", &pod, "pod", "argo-rollouts-controller-lock-blue"),
        ] {
            let candidate = settings(line, surroundings).candidate.unwrap();
            assert_eq!((candidate.namespace.as_str(), candidate.name.as_str()), (namespace, name), "{line}");
        }
        assert_eq!(settings("", &pod).candidate.unwrap().identity, "host_id");
        assert_eq!(settings("--leader-elect=false", &pod).candidate, None);
    }

    #[test]
    fn an_instance_id_must_fit_where_it_is_written() {
        for id in ["", "a", "blue-1", "a.b"] {
            assert_eq!(check_instance_id(id, true), Ok(()), "{id}");
        }
        assert_eq!(check_instance_id("Blue_1", false), Ok(()));
        assert!(check_instance_id("Blue_1", true).unwrap_err().contains("name of the Lease"));
        for id in ["-a", "a-", "a b", "ä", &"a".repeat(64)] {
            assert!(check_instance_id(id, false).unwrap_err().contains("value of the label"), "{id}");
        }
    }
}
