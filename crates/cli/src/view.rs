//! A Rollout with its ReplicaSets and pods, read once.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tidegate_api::meta::LabelSelector;
use tidegate_api::rollout::Rollout;
use tidegate_ops::Target;
use tidegate_ops::info::{Objects, RolloutInfo};

use crate::cluster::{Cluster, ClusterError, Collect, Listed, Selection, Slim};
use crate::failure::{Failure, Problem};

/// A Rollout and what belongs to it.
pub(crate) struct Owned {
    pub(crate) rollout: Rollout,
    pub(crate) replica_sets: Vec<Value>,
    pub(crate) pods: Vec<Value>,
}

impl Owned {
    /// Reads the Rollout, then what its selector finds.
    pub(crate) async fn read(cluster: &Cluster, name: &str) -> Result<Self, Failure> {
        let rollout = rollout(cluster, name).await?;
        let selection = selection(&rollout);
        let uid = BTreeSet::from([rollout.metadata.uid.clone()]);
        let replica_sets = owned(cluster, Listed::ReplicaSets, &selection, uid).await?;
        let uids = replica_sets.iter().filter_map(|object| object["metadata"]["uid"].as_str());
        let uids = uids.map(ToOwned::to_owned).collect();
        let pods = owned(cluster, Listed::Pods, &selection, uids).await?;
        Ok(Self { rollout, replica_sets, pods })
    }

    pub(crate) fn info(&self) -> RolloutInfo {
        RolloutInfo::of(&Objects {
            rollout: &self.rollout,
            replica_sets: &self.replica_sets,
            pods: &self.pods,
        })
    }
}

/// The time of a look at a Rollout: the API server's, and never before what is seen was made. What is known of that clock may be
/// behind it where it runs fast.
pub(crate) fn looked_at(cluster: &Cluster, info: &RolloutInfo) -> Timestamp {
    info.newest().map_or_else(|| cluster.now(), |newest| newest.max(cluster.now()))
}

/// What a Rollout's ReplicaSets and pods are found by; everything in the namespace if it does not say.
pub(crate) fn selection(rollout: &Rollout) -> Selection {
    selection_by(rollout.spec.selector.as_ref())
}

/// The same of a Rollout that may hold what is not a Rollout's.
pub(crate) fn selection_of(rollout: &Value) -> Selection {
    let selector =
        rollout.pointer("/spec/selector").and_then(|selector| LabelSelector::deserialize(selector).ok());
    selection_by(selector.as_ref())
}

fn selection_by(selector: Option<&LabelSelector>) -> Selection {
    let selector = selector.filter(|selector| selector.is_well_formed());
    let labels = selector.map(LabelSelector::to_query).unwrap_or_default();
    Selection { labels, ..Selection::default() }
}

/// A Rollout, for commands that show it.
pub(crate) async fn rollout(cluster: &Cluster, name: &str) -> Result<Rollout, Failure> {
    let object: Slim = match cluster.get(&Target::rollout(name)).await {
        Err(error) if error.is_not_found() => return Err(not_found(cluster, name).into()),
        outcome => outcome?,
    };
    Ok(typed(object.0)?)
}

/// A Rollout, for commands that change it.
pub(crate) async fn rollout_to_change(cluster: &Cluster, name: &str) -> Result<Rollout, Failure> {
    let object: Slim = cluster.get(&Target::rollout(name)).await.map_err(|error| missing(cluster, error))?;
    Ok(typed(object.0)?)
}

/// What is known of the state of a Rollout, whatever stands in its spec: the emergency brake must work for every Rollout.
pub(crate) async fn rollout_to_stop(cluster: &Cluster, name: &str) -> Result<Rollout, Failure> {
    let object: Slim = cluster.get(&Target::rollout(name)).await.map_err(|error| missing(cluster, error))?;
    let mut object = object.0;
    if let Ok(rollout) = Rollout::deserialize(&object) {
        return Ok(rollout);
    }
    object["spec"] = Value::Object(serde_json::Map::new());
    Ok(typed(object)?)
}

/// What commands that change a Rollout say when the request for it fails: the API server's words.
pub(crate) fn missing(cluster: &Cluster, error: ClusterError) -> Failure {
    let is_not_found = error.is_not_found();
    let problem = error.into_problem();
    if is_not_found { problem.hint(where_to_look(cluster)).into() } else { problem.into() }
}

/// What commands that show a Rollout say when there is none: the resource's name is singular there.
pub(crate) fn not_found(cluster: &Cluster, name: &str) -> Problem {
    Problem::new(format!("rollout.argoproj.io {name:?} not found")).hint(where_to_look(cluster))
}

fn where_to_look(cluster: &Cluster) -> String {
    let namespace = cluster.namespace();
    format!("`kubectl argo rollouts list rollouts -n {namespace}` shows which there are")
}

/// Reads a Rollout; what the user is told if it has values of another type than a Rollout's.
pub(crate) fn typed(object: Value) -> Result<Rollout, Problem> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    serde_json::from_value(object)
        .map_err(|error| Problem::new(format!("rollout.argoproj.io {name:?} cannot be read: {error}")))
}

async fn owned(
    cluster: &Cluster,
    listed: Listed,
    selection: &Selection,
    owners: BTreeSet<String>,
) -> Result<Vec<Value>, Failure> {
    let mut found = OwnedBy { owners, objects: Vec::new() };
    if !found.owners.is_empty() {
        cluster.list(listed, Some(cluster.namespace()), selection, &mut found).await?;
    }
    Ok(found.objects)
}

/// Keeps what one of the owners owns; a namespace may hold much more.
struct OwnedBy {
    owners: BTreeSet<String>,
    objects: Vec<Value>,
}

impl Collect for OwnedBy {
    fn begin(&mut self) {
        self.objects.clear();
    }

    fn add(&mut self, object: Value) {
        let owners = object["metadata"]["ownerReferences"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut uids = owners.iter().filter_map(|owner| owner["uid"].as_str());
        if uids.any(|uid| self.owners.contains(uid)) {
            self.objects.push(object);
        }
    }
}
