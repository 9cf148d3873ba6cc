//! Traffic routers of a canary.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::meta::{is_default, null_default};

/// Which routers send traffic; several at once are all used.
///
/// Upstream's `RolloutTrafficRouting`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrafficRouting {
    /// Istio's VirtualServices and DestinationRule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub istio: Option<IstioRouting>,
    /// Ingresses of the NGINX ingress controller: either `stableIngress` or `stableIngresses`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nginx: Option<NginxRouting>,
    /// Ingresses of the AWS load balancer controller: either `ingress` or `ingresses`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alb: Option<AlbRouting>,
    /// A TrafficSplit of the Service Mesh Interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smi: Option<SmiRouting>,
    /// Ambassador's Mappings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ambassador: Option<AmbassadorRouting>,
    /// AWS App Mesh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_mesh: Option<AppMeshRouting>,
    /// A TraefikService.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traefik: Option<TraefikRouting>,
    /// Routes that steps may create, the first with the highest precedence.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub managed_routes: Vec<ManagedRoute>,
    /// An ApisixRoute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apisix: Option<ApisixRouting>,
    /// Configuration by plugin name; only the plugin knows its meaning.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    #[schemars(schema_with = "crate::crd::free_form")]
    pub plugins: BTreeMap<String, Value>,
    /// The weight that means all traffic, NGINX and plugins only; default 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_traffic_weight: Option<i32>,
}

impl TrafficRouting {
    /// The weight that means all traffic; 100 if absent.
    pub fn max_traffic_weight_or_default(&self) -> i32 {
        self.max_traffic_weight.unwrap_or(100)
    }
}

/// A route that steps may create.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedRoute {
    /// The name steps refer to.
    pub name: String,
}

/// Istio's VirtualServices and DestinationRule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IstioRouting {
    /// The VirtualService to weigh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_service: Option<IstioVirtualService>,
    /// The DestinationRule whose subsets select the versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_rule: Option<IstioDestinationRule>,
    /// Several VirtualServices, instead of one.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub virtual_services: Vec<IstioVirtualService>,
}

/// A VirtualService and its routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IstioVirtualService {
    /// Its name, `<name>.<namespace>` for one of another namespace.
    pub name: String,
    /// Names of its HTTP routes; none = its only one.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub routes: Vec<String>,
    /// Its TLS routes.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub tls_routes: Vec<IstioTlsRoute>,
    /// Its TCP routes.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub tcp_routes: Vec<IstioTcpRoute>,
}

/// A TLS route, found by port and host names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IstioTlsRoute {
    /// Port; 0 = any.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub port: i64,
    /// Server names; none = any.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub sni_hosts: Vec<String>,
}

/// A TCP route, found by port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IstioTcpRoute {
    /// Port; 0 = any.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub port: i64,
}

/// A DestinationRule whose subsets select the versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IstioDestinationRule {
    /// Its name.
    pub name: String,
    /// Subset of the new version.
    pub canary_subset_name: String,
    /// Subset of the stable version.
    pub stable_subset_name: String,
    /// Further subsets to keep.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub additional_subset_names: Vec<String>,
}

/// Ingresses of the NGINX ingress controller: either `stableIngress` or `stableIngresses`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NginxRouting {
    /// Prefix of the controller's annotations; default `nginx.ingress.kubernetes.io`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub annotation_prefix: String,
    /// Name of the Ingress in front of the stable Service.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub stable_ingress: String,
    /// Annotations of the canary Ingress, below the annotation prefix.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub additional_ingress_annotations: BTreeMap<String, String>,
    /// Annotations of the canary Ingress, with full keys.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub canary_ingress_annotations: BTreeMap<String, String>,
    /// Names of several Ingresses, instead of one.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub stable_ingresses: Vec<String>,
}

/// Ingresses of the AWS load balancer controller: either `ingress` or `ingresses`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlbRouting {
    /// Name of the Ingress.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub ingress: String,
    /// Port of the Services that the actions forward to.
    pub service_port: i32,
    /// Service that the Ingress' rule names; default the stable one.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub root_service: String,
    /// Prefix of the controller's annotations; default `alb.ingress.kubernetes.io`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub annotation_prefix: String,
    /// Whether clients stay with a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stickiness_config: Option<AlbStickiness>,
    /// Names of several Ingresses, instead of one.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub ingresses: Vec<String>,
}

/// Whether clients stay with a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlbStickiness {
    /// Whether clients stay with a version.
    pub enabled: bool,
    /// For how many seconds clients stay with a version.
    pub duration_seconds: i64,
}

/// A TrafficSplit of the Service Mesh Interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SmiRouting {
    /// Service that clients use; default the stable one.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub root_service: String,
    /// Name of the TrafficSplit; default the Rollout's name.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub traffic_split_name: String,
}

/// Ambassador's Mappings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["mappings"]))]
pub struct AmbassadorRouting {
    /// Names of the Mappings in front of the stable Service.
    #[serde(default, deserialize_with = "null_default")]
    pub mappings: Vec<String>,
}

/// AWS App Mesh.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppMeshRouting {
    /// The virtual service whose router is weighed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_service: Option<AppMeshVirtualService>,
    /// The virtual nodes of the two versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_node_group: Option<AppMeshVirtualNodeGroup>,
}

/// A virtual service of App Mesh.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppMeshVirtualService {
    /// Its name.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub name: String,
    /// Names of its router's routes; none = all.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub routes: Vec<String>,
}

/// The virtual nodes of the two versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppMeshVirtualNodeGroup {
    /// Virtual node of the new version.
    pub canary_virtual_node_ref: AppMeshVirtualNodeRef,
    /// Virtual node of the stable version.
    pub stable_virtual_node_ref: AppMeshVirtualNodeRef,
}

/// Names a virtual node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppMeshVirtualNodeRef {
    /// Its name.
    pub name: String,
}

/// A TraefikService.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraefikRouting {
    /// Name of the weighted TraefikService.
    pub weighted_traefik_service_name: String,
}

/// An ApisixRoute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApisixRouting {
    /// The route to weigh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<ApisixRoute>,
}

/// An ApisixRoute and its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApisixRoute {
    /// Its name.
    pub name: String,
    /// Names of its HTTP rules; none = its only one.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub rules: Vec<String>,
}
