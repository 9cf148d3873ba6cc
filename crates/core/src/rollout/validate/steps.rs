//! The steps of a canary: rows 29 to 44 of the contract's list of spec checks, for one step after the other.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_api::meta::LabelSelector;
use tidegate_api::rollout::{
    AnalysisArgument, CanaryStep, ExperimentStep, HeaderMatch, Pause, RouteMatch, SetHeaderRoute,
    SetMirrorRoute, StringMatch, TrafficRouting,
};

use super::SpecError;

/// What is wrong with step `index`.
pub(super) fn check(
    step: &CanaryStep,
    index: usize,
    routing: Option<&TrafficRouting>,
    errors: &mut Vec<SpecError>,
) {
    let mut findings = Findings { path: format!("spec.strategy.steps[{index}]"), routing, errors };
    findings.kinds(step);
    findings.weight_and_pause(step);
    if step.set_canary_scale.is_some() && routing.is_none() {
        let detail = "SetCanaryScale requires TrafficRouting to be set";
        findings.errors.push(SpecError::required("spec.strategy.trafficRouting", detail));
    }
    if let Some(route) = &step.set_header_route {
        findings.header_route(route);
    }
    if let Some(route) = &step.set_mirror_route {
        findings.mirror_route(route);
    }
    if let Some(route) = &step.set_header_route {
        findings.managed_route("setHeaderRoute", &route.name, route);
    }
    if let Some(route) = &step.set_mirror_route {
        findings.managed_route("setMirrorRoute", &route.name, route);
    }
    if let Some(experiment) = &step.experiment {
        findings.experiment_weights(experiment);
    }
    findings.arguments(step);
}

/// What is found about one step.
struct Findings<'a> {
    /// Path of the step.
    path: String,
    routing: Option<&'a TrafficRouting>,
    errors: &'a mut Vec<SpecError>,
}

impl Findings<'_> {
    fn invalid(&mut self, member: &str, value: &(impl Serialize + ?Sized), detail: &str) {
        self.errors.push(SpecError::invalid(&format!("{}{member}", self.path), value, detail));
    }

    fn is_routed_by(&self, test: impl FnOnce(&TrafficRouting) -> bool) -> bool {
        self.routing.is_some_and(test)
    }

    fn kinds(&mut self, step: &CanaryStep) {
        let detail =
            "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause";
        let kinds = [
            ("Experiment", step.experiment.is_some()),
            ("Pause", step.pause.is_some()),
            ("SetWeight", step.set_weight.is_some()),
            ("Analysis", step.analysis.is_some()),
            ("SetCanaryScale", step.set_canary_scale.is_some()),
            ("SetHeaderRoute", step.set_header_route.is_some()),
            ("SetMirrorRoute", step.set_mirror_route.is_some()),
            ("Plugin", step.plugin.is_some()),
        ];
        let exclusive = &kinds[..4];
        if exclusive.iter().filter(|(_, is_set)| *is_set).count() > 1 {
            let texts: Vec<String> =
                exclusive.iter().map(|(kind, is_set)| format!("step.{kind}: {is_set}")).collect();
            self.invalid("", &texts.join(" "), detail);
        }
        if kinds.iter().all(|(_, is_set)| !is_set) {
            // As upstream: here `true` means that the kind is absent.
            let texts: Vec<String> =
                kinds.iter().map(|(kind, is_set)| format!("step.{kind}: {}", !is_set)).collect();
            self.invalid("", &texts.join(" "), detail);
        }
    }

    fn weight_and_pause(&mut self, step: &CanaryStep) {
        let max = self.routing.map_or(100, TrafficRouting::max_traffic_weight_or_default);
        if let Some(weight) = step.set_weight.filter(|weight| *weight < 0 || *weight > max) {
            self.invalid(".setWeight", &weight, &format!("SetWeight needs to be between 0 and {max}"));
        }
        if let Some(seconds) = step.pause.as_ref().and_then(Pause::seconds).filter(|seconds| *seconds < 0) {
            self.invalid(".pause.duration", &seconds, "Duration needs to be greater than 0");
        }
    }

    fn header_route(&mut self, route: &SetHeaderRoute) {
        let is_supported = self.is_routed_by(|routing| {
            routing.istio.is_some()
                || routing.alb.is_some()
                || routing.apisix.is_some()
                || !routing.plugins.is_empty()
        });
        if !is_supported {
            let detail = "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix";
            self.invalid(".setHeaderRoute", route, detail);
        }
        let is_alb = self.is_routed_by(|routing| routing.alb.is_some());
        for (index, header) in route.match_.iter().enumerate() {
            if let Some(detail) = header_match_fault(header, is_alb) {
                self.invalid(&format!(".setHeaderRoute.match[{index}]"), header, detail);
            }
        }
    }

    fn mirror_route(&mut self, route: &SetMirrorRoute) {
        if !self.is_routed_by(|routing| routing.istio.is_some() || !routing.plugins.is_empty()) {
            let detail = "SetMirrorRoute requires TrafficRouting, supports Istio and Plugins";
            self.invalid(".setMirrorRoute", route, detail);
        }
        for (index, request) in route.match_.iter().enumerate() {
            if let Some(detail) = request_match_fault(request) {
                self.invalid(&format!(".setMirrorRoute.match[{index}]"), request, detail);
            }
        }
    }

    fn managed_route(&mut self, member: &str, name: &str, route: &impl Serialize) {
        let Some(routing) = self.routing else { return };
        if routing.managed_routes.is_empty() {
            self.errors.push(SpecError::required(
                "spec.strategy.trafficRouting.managedRoutes",
                "Rollout has missing field 'spec.strategy.canary.trafficRouting.managedRoutes'",
            ));
        } else if routing.managed_routes.iter().all(|managed| managed.name != name) {
            let detail = "Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes";
            self.invalid(&format!(".{member}"), route, detail);
        }
    }

    fn experiment_weights(&mut self, experiment: &ExperimentStep) {
        let detail = match self.routing {
            None => "Experiment template weight cannot be set unless TrafficRouting is enabled",
            Some(it)
                if it.smi.is_some() || it.alb.is_some() || it.istio.is_some() || !it.plugins.is_empty() =>
            {
                return;
            }
            Some(_) => {
                "Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and Plugins \
                 at this time"
            }
        };
        for (index, template) in experiment.templates.iter().enumerate() {
            if let Some(weight) = template.weight {
                self.invalid(&format!(".experiment.templates[{index}].weight"), &weight, detail);
            }
        }
    }

    fn arguments(&mut self, step: &CanaryStep) {
        let analyses = step.experiment.iter().flat_map(|experiment| &experiment.analyses);
        let args: Vec<&AnalysisArgument> = analyses
            .flat_map(|analysis| &analysis.args)
            .chain(step.analysis.iter().flat_map(|analysis| &analysis.args))
            .collect();
        if !args.iter().all(|arg| names_available_metadata(arg)) {
            let detail = "Analyses arguments must refer to valid object metadata supported by downwardAPI";
            self.invalid(".analyses", &args, detail);
        }
    }
}

const NO_MATCH_VALUE: &str =
    "StringMatch value missed, match value must have one of the following: exact, regex, prefix";
const SEVERAL_MATCH_VALUES: &str =
    "StringMatch match value must have exactly one of the following: exact, regex, prefix";

fn header_match_fault(header: &HeaderMatch, is_alb: bool) -> Option<&'static str> {
    let Some(value) = &header.header_value else { return Some(NO_MATCH_VALUE) };
    if is_alb {
        let is_exact = !value.exact.is_empty() && value.regex.is_empty() && value.prefix.is_empty();
        return (!is_exact).then_some("SetHeaderRoute match value invalid. ALB supports 'exact' value only");
    }
    string_match_fault(value)
}

/// Upstream leaves the headers unchecked; what it accepts must stay accepted.
fn request_match_fault(request: &RouteMatch) -> Option<&'static str> {
    let fault = |value: &Option<StringMatch>| value.as_ref().and_then(string_match_fault);
    fault(&request.method).or_else(|| fault(&request.path))
}

fn string_match_fault(value: &StringMatch) -> Option<&'static str> {
    match [&value.exact, &value.regex, &value.prefix].iter().filter(|text| !text.is_empty()).count() {
        0 => Some(NO_MATCH_VALUE),
        1 => None,
        _ => Some(SEVERAL_MATCH_VALUES),
    }
}

/// Whether an argument that takes a value from the Rollout's metadata names one that the downward API can give.
fn names_available_metadata(arg: &AnalysisArgument) -> bool {
    let field = arg.value_from.as_ref().and_then(|source| source.field_ref.as_ref());
    let Some(path) = field.map(|field| field.field_path.as_str()).filter(|path| path.starts_with("metadata"))
    else {
        return true;
    };
    match path.strip_suffix("']").and_then(|path| path.split_once("['")) {
        Some(("metadata.labels", key)) => is_label_key(key),
        // Keys of annotations may have capitals.
        Some(("metadata.annotations", key)) => is_label_key(&key.to_lowercase()),
        Some(_) => false,
        None => matches!(
            path,
            "metadata.name"
                | "metadata.namespace"
                | "metadata.uid"
                | "metadata.labels"
                | "metadata.annotations"
        ),
    }
}

fn is_label_key(key: &str) -> bool {
    let match_labels = BTreeMap::from([(key.to_owned(), String::new())]);
    LabelSelector { match_labels, match_expressions: Vec::new() }.validate("").is_empty()
}
