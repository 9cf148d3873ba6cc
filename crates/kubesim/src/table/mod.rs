//! Objects as the rows of a table, as `kubectl get` prints them: columns and texts of a real API server.

mod age;
mod autoscaler;
mod cells;
mod cluster;
mod custom;
mod json_path;
mod network;
mod pod;
mod workload;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::json::{at, name, text};
use crate::resources::{Origin, Resource};

use cells::Cells;
pub(crate) use custom::CustomColumns;

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) ty: String,
    pub(crate) format: String,
    pub(crate) description: String,
    /// 0 is always shown, above that only in wide output.
    pub(crate) priority: i64,
}

impl Column {
    fn to_value(&self) -> Value {
        json!({
            "name": self.name, "type": self.ty, "format": self.format, "description": self.description,
            "priority": self.priority,
        })
    }
}

/// The columns of built-in resources that have some of their own.
static COLUMNS: LazyLock<BTreeMap<&'static str, Vec<Column>>> = LazyLock::new(|| {
    let lines = include_str!("../data/columns.txt").lines();
    let lines = lines.filter_map(|line| line.split_once(" = "));
    lines.map(|(resource, columns)| (resource, columns.split(", ").map(built_in).collect())).collect()
});

fn built_in(text: &str) -> Column {
    let (text, priority) = text.strip_suffix('*').map_or((text, 0), |text| (text, 1));
    let (name, ty) = text.split_once(':').unwrap_or((text, "string"));
    Column {
        name: name.to_owned(),
        ty: ty.to_owned(),
        format: if name == "Name" { "name".to_owned() } else { String::new() },
        description: String::new(),
        priority,
    }
}

/// The columns of a resource, the first one its name but for events.
pub(crate) fn columns(resource: &Resource) -> Vec<Value> {
    let columns = match &resource.origin {
        Origin::Custom(custom) => custom.columns.all(),
        Origin::BuiltIn(_) => COLUMNS
            .get(resource.id.as_str())
            .cloned()
            .unwrap_or_else(|| vec![built_in("Name"), built_in("Created At:date")]),
    };
    columns.iter().map(Column::to_value).collect()
}

/// One row, without its object.
pub(crate) fn row(object: &Value, resource: &Resource, now: Timestamp) -> Value {
    let cells = match &resource.origin {
        Origin::Custom(custom) => custom.columns.cells(object, now),
        Origin::BuiltIn(_) => built_in_cells(&Cells { object, now }, &resource.id),
    };
    let mut row = json!({"cells": cells});
    let ended = match text(object, &["status", "phase"]) {
        "Succeeded" => "The pod has completed successfully.",
        "Failed" => "The pod failed.",
        _ => "",
    };
    if resource.is("pods") && !ended.is_empty() {
        let reason = at(object, &["status", "phase"]);
        row["conditions"] =
            json!([{"type": "Completed", "status": "True", "reason": reason, "message": ended}]);
    }
    row
}

fn built_in_cells(cells: &Cells<'_>, resource: &str) -> Vec<Value> {
    match resource {
        "pods" => pod::pod(cells),
        "podtemplates" => pod::template(cells),
        "replicasets.apps" | "replicationcontrollers" => workload::replica_set(cells),
        "deployments.apps" => workload::deployment(cells),
        "daemonsets.apps" => workload::daemon_set(cells),
        "statefulsets.apps" => workload::stateful_set(cells),
        "jobs.batch" => workload::job(cells),
        "cronjobs.batch" => workload::cron_job(cells),
        "horizontalpodautoscalers.autoscaling" => autoscaler::autoscaler(cells),
        "poddisruptionbudgets.policy" => autoscaler::disruption_budget(cells),
        "services" => network::service(cells),
        "endpoints" => network::endpoints(cells),
        "endpointslices.discovery.k8s.io" => network::endpoint_slice(cells),
        "ingresses.networking.k8s.io" => network::ingress(cells),
        "nodes" => cluster::node(cells),
        "namespaces" => cluster::namespace(cells),
        "events" => cluster::event(cells),
        "configmaps" => cluster::config_map(cells),
        "secrets" => cluster::secret(cells),
        "serviceaccounts" => cluster::service_account(cells),
        "persistentvolumeclaims" => cluster::claim(cells),
        "resourcequotas" => cluster::quota(cells),
        "leases.coordination.k8s.io" => cluster::lease(cells),
        _ => vec![name(cells.object).into(), at(cells.object, &["metadata", "creationTimestamp"]).clone()],
    }
}

#[cfg(test)]
mod tests;
