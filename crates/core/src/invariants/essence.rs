//! I10: what two ways to the same end must have in common.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_api::labels;

use super::Observation;

/// What two ways to the same end must have in common: counts, hashes, phase; not history, names of pods or times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Essence {
    phase: Option<String>,
    message: String,
    stable: String,
    current: String,
    step: Option<i32>,
    aborted: bool,
    conditions: BTreeSet<(String, String, String, String)>,
    revision: Option<String>,
    /// Name, size, ready pods and revision of each ReplicaSet.
    replica_sets: BTreeSet<(String, i32, i32, Option<i64>)>,
    counters: [i32; 5],
    /// Name and version of each Service that selects one. Of a ping-pong pair only that of the stable version, by no name: the other
    /// one keeps whatever it last had.
    selectors: BTreeSet<(String, String)>,
    /// Version and weight of each destination that is routed to.
    weights: BTreeSet<(String, i32)>,
}

impl Essence {
    /// What ways from different beginnings must have in common: no revisions, no names, no conditions, no old ReplicaSets; of hashes
    /// only whether they are stable's, because a collision on the way makes another one.
    #[must_use]
    pub fn without_history(&self) -> Self {
        let role = |hash: &str| if hash == self.stable { "stable" } else { "another" }.to_owned();
        // Numbered: two versions of the same size are two.
        let size = |(number, (name, wanted, ready, _)): (i64, &(String, i32, i32, Option<i64>))| {
            let hash = name.rsplit('-').next().unwrap_or_default();
            (role(hash), *wanted, *ready, Some(number))
        };
        let mut in_use: Vec<_> = self.replica_sets.iter().filter(|it| it.1 > 0 || it.2 > 0).collect();
        in_use.sort_by_key(|(_, wanted, ready, _)| (*wanted, *ready));
        let by_role = |(name, hash): &(String, String)| (name.clone(), role(hash));
        let weights = self.weights.iter().filter(|(_, weight)| *weight > 0);
        Self {
            stable: role(&self.stable),
            current: role(&self.current),
            conditions: BTreeSet::new(),
            revision: None,
            replica_sets: (1..).zip(in_use).map(size).collect(),
            selectors: self.selectors.iter().map(by_role).collect(),
            weights: weights.map(|(hash, weight)| (role(hash), *weight)).collect(),
            ..self.clone()
        }
    }

    /// The first member that is another one in `other`, with both values; `None`: they are alike.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        let (own, others) = (json!(self), json!(other));
        let mut members = own.as_object().into_iter().flatten();
        let (name, value) = members.find(|(name, value)| others[name.as_str()] != **value)?;
        Some(format!("{name} is {value}, not {}", others[name.as_str()]))
    }
}

/// Reduces a world at rest to its [`Essence`].
#[must_use]
pub fn essence(rest: &Observation) -> Essence {
    let status = &rest.rollout.status;
    Essence {
        phase: status.phase.as_ref().map(ToString::to_string),
        message: status.message.clone(),
        stable: status.stable_rs.clone(),
        current: status.current_pod_hash.clone(),
        step: status.current_step_index,
        aborted: status.abort,
        conditions: status
            .conditions
            .iter()
            .map(|c| (c.type_.clone(), c.status.as_str().to_owned(), c.reason.clone(), c.message.clone()))
            .collect(),
        revision: rest.rollout.metadata.annotations.get(labels::REVISION).cloned(),
        replica_sets: rest
            .replica_sets
            .iter()
            .map(|rs| {
                let name = rs.metadata.name.clone();
                let ready = rest.ready_of(&name);
                (name, rs.replicas, ready, rs.revision())
            })
            .collect(),
        counters: [
            status.replicas,
            status.updated_replicas,
            status.ready_replicas,
            status.available_replicas,
            status.hpa_replicas,
        ],
        selectors: selectors(rest),
        weights: rest
            .routed
            .iter()
            .flat_map(|weights| [&weights.canary, &weights.stable])
            .map(|to| (to.pod_template_hash.clone(), to.weight))
            .collect(),
    }
}

fn selectors(rest: &Observation) -> BTreeSet<(String, String)> {
    let takes_turns = rest.canary().is_some_and(|canary| canary.ping_pong.is_some());
    let selects = |service: &str| rest.pinned_by(service).map(str::to_owned);
    if takes_turns {
        return selects(rest.stable_service()).map(|hash| (String::new(), hash)).into_iter().collect();
    }
    rest.services.keys().filter_map(|name| Some((name.clone(), selects(name)?))).collect()
}
