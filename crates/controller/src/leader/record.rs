//! The Lease's fields, as upstream's library writes and reads them.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Candidate;
use crate::kind::LEASE;

/// What a Lease says. A change of any of it is a sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Empty: nobody.
    pub(super) holder: String,
    /// How long others wait after it was last seen to change.
    pub(super) duration: Duration,
    spec: Value,
}

impl Record {
    pub(super) fn of(lease: &Value) -> Self {
        let spec = lease["spec"].clone();
        Self {
            holder: spec["holderIdentity"].as_str().unwrap_or_default().to_owned(),
            duration: Duration::from_secs(spec["leaseDurationSeconds"].as_u64().unwrap_or(0)),
            spec,
        }
    }
}

/// A new Lease, held by the candidate.
pub(super) fn first(candidate: &Candidate, now: Timestamp) -> Value {
    json!({
        "apiVersion": LEASE.api_version(),
        "kind": LEASE.kind,
        "metadata": { "name": candidate.name, "namespace": candidate.namespace },
        "spec": {
            "holderIdentity": candidate.identity,
            "leaseDurationSeconds": candidate.times.lease_duration.as_secs(),
            "acquireTime": micro_time(now),
            "renewTime": micro_time(now),
            "leaseTransitions": 0,
        },
    })
}

/// A Lease as it is once the candidate holds it, or has held it on. Whatever else it says stays.
pub(super) fn claimed(lease: &Value, candidate: &Candidate, now: Timestamp) -> Value {
    let mut lease = lease.clone();
    let spec = &mut lease["spec"];
    if spec["holderIdentity"] != candidate.identity {
        let transitions = spec["leaseTransitions"].as_i64().unwrap_or(0);
        spec["leaseTransitions"] = (transitions + 1).into();
        spec["holderIdentity"] = candidate.identity.as_str().into();
        spec["acquireTime"] = micro_time(now);
    }
    spec["leaseDurationSeconds"] = candidate.times.lease_duration.as_secs().into();
    spec["renewTime"] = micro_time(now);
    lease
}

/// A Lease that nobody holds.
pub(super) fn released(lease: &Value, now: Timestamp) -> Value {
    let mut lease = lease.clone();
    let spec = &mut lease["spec"];
    spec["holderIdentity"] = "".into();
    spec["leaseDurationSeconds"] = 1.into();
    spec["acquireTime"] = micro_time(now);
    spec["renewTime"] = micro_time(now);
    lease
}

/// Kubernetes' MicroTime: exactly six digits, or Go refuses to read it.
fn micro_time(time: Timestamp) -> Value {
    format!("{time:.6}").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leader::Times;

    fn candidate(identity: &str) -> Candidate {
        Candidate {
            namespace: "argo-rollouts".to_owned(),
            name: "argo-rollouts-controller-lock".to_owned(),
            identity: identity.to_owned(),
            times: Times::default(),
        }
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_fields_are_upstreams() {
        let lease = first(&candidate("a_1"), time("2026-01-01T00:00:00Z"));
        assert_eq!(
            lease["spec"].to_string(),
            r#"{"acquireTime":"2026-01-01T00:00:00.000000Z","holderIdentity":"a_1","leaseDurationSeconds":15,"#
                .to_owned()
                + r#""leaseTransitions":0,"renewTime":"2026-01-01T00:00:00.000000Z"}"#
        );
        let renewed = claimed(&lease, &candidate("a_1"), time("2026-01-01T00:00:02.1234567Z"));
        assert_eq!(renewed["spec"]["renewTime"], "2026-01-01T00:00:02.123456Z");
        assert_eq!(renewed["spec"]["acquireTime"], lease["spec"]["acquireTime"]);
        assert_eq!(renewed["spec"]["leaseTransitions"], 0);
    }

    #[test]
    fn a_new_holder_counts_and_keeps_what_it_does_not_know() {
        let mut lease = first(&candidate("a_1"), time("2026-01-01T00:00:00Z"));
        lease["spec"]["strategy"] = "OldestEmulationVersion".into();
        lease["metadata"]["labels"] = json!({"team": "x"});
        let taken = claimed(&lease, &candidate("b_2"), time("2026-01-01T00:00:20Z"));
        assert_eq!(taken["spec"]["leaseTransitions"], 1);
        assert_eq!(taken["spec"]["acquireTime"], "2026-01-01T00:00:20.000000Z");
        assert_eq!(Record::of(&taken).holder, "b_2");
        assert_eq!((&taken["metadata"], &taken["spec"]["strategy"]), {
            (&lease["metadata"], &lease["spec"]["strategy"])
        });
        let released = released(&taken, time("2026-01-01T00:00:30Z"));
        let record = Record::of(&released);
        assert_eq!((record.holder.as_str(), record.duration), ("", Duration::from_secs(1)));
        assert_eq!(released["spec"]["leaseTransitions"], 1);
    }
}
