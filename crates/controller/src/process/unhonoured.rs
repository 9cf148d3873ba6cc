//! Upstream's flags that this version accepts, so that a Deployment's arguments need no change, and that have no effect.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::flags::go_bool;

/// What a flag takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Bool,
    Int,
    Text,
    /// May be repeated.
    Texts,
}

/// A flag without effect.
pub(crate) struct Unhonoured {
    pub(crate) name: &'static str,
    takes: Takes,
    default: &'static str,
    /// What the value would be for.
    about: &'static str,
    /// Why it has no effect.
    pub(crate) because: &'static str,
    is_hidden: bool,
}

const NO_ROUTING: &str = "there is no traffic routing yet";
const NO_ANALYSIS: &str = "there are no AnalysisRuns and Experiments yet";

const fn flag(
    name: &'static str,
    (takes, default): (Takes, &'static str),
    about: &'static str,
    because: &'static str,
) -> Unhonoured {
    Unhonoured { name, takes, default, about, because, is_hidden: false }
}

use Takes::{Bool, Int, Text, Texts};

/// All of them, by name.
pub(crate) const UNHONOURED: [Unhonoured; 24] = [
    flag("alb-ingress-classes", (Texts, "alb"), "Ingress classes that mean ALB", NO_ROUTING),
    flag(
        "alb-tag-key-resource-id",
        (Text, "ingress.k8s.aws/resource"),
        "AWS tag that holds a resource's id",
        NO_ROUTING,
    ),
    Unhonoured {
        is_hidden: true,
        ..flag("alb-verify-weight", (Bool, "false"), "Old name of --aws-verify-target-group", NO_ROUTING)
    },
    flag(
        "ambassador-api-version",
        (Text, "getambassador.io/v2"),
        "Group and version of Ambassador's Mappings",
        NO_ROUTING,
    ),
    flag("analysis-threads", (Int, "30"), "AnalysisRuns that are worked on at the same time", NO_ANALYSIS),
    flag("appmesh-crd-version", (Text, "v1beta2"), "Version of App Mesh", NO_ROUTING),
    flag(
        "aws-target-group-binding-api-version",
        (Text, "elbv2.k8s.aws/v1beta1"),
        "Group and version of TargetGroupBindings",
        NO_ROUTING,
    ),
    flag("aws-verify-target-group", (Bool, "false"), "Look at target groups before going on", NO_ROUTING),
    flag(
        "enable-pprof-address",
        (Text, ""),
        "Address of Go's profiles",
        "this program is not written in Go and has no such profiles",
    ),
    flag(
        "ephemeral-metadata-threads",
        (Int, "10"),
        "Pods whose metadata are changed at the same time",
        "there are no canaryMetadata and stableMetadata yet",
    ),
    flag(
        "ephemeral-metadata-update-pod-retries",
        (Int, "3"),
        "Tries to change the metadata of a pod",
        "there are no canaryMetadata and stableMetadata yet",
    ),
    flag("experiment-threads", (Int, "10"), "Experiments that are worked on at the same time", NO_ANALYSIS),
    flag("ingress-api-version", (Text, ""), "Group and version of Ingresses", NO_ROUTING),
    flag("ingress-threads", (Int, "10"), "Ingresses that are worked on at the same time", NO_ROUTING),
    flag("istio-api-version", (Text, "v1alpha3"), "Version of networking.istio.io", NO_ROUTING),
    flag("nginx-ingress-classes", (Texts, "nginx"), "Ingress classes that mean NGINX", NO_ROUTING),
    flag(
        "request-timeout",
        (Text, "0"),
        "How long a request may take",
        "every request has 30 s in which its answer must begin",
    ),
    flag(
        "rollout-resync",
        (Int, "900"),
        "Seconds after which every Rollout is looked at again",
        "there is no such round: every change of an object and every deadline leads to a look by itself",
    ),
    flag(
        "self-service-notification-enabled",
        (Bool, "false"),
        "Notifications configured per namespace",
        "there are no notifications yet",
    ),
    flag(
        "service-threads",
        (Int, "10"),
        "Services that are worked on at the same time",
        "a Service is looked at by the work on its Rollout",
    ),
    flag("traefik-api-group", (Text, "traefik.io"), "Group of Traefik", NO_ROUTING),
    flag("traefik-api-version", (Text, "traefik.io/v1alpha1"), "Group and version of Traefik", NO_ROUTING),
    flag("traffic-split-api-version", (Text, "v1alpha1"), "Version of SMI's TrafficSplits", NO_ROUTING),
    flag(
        "disable-compression",
        (Bool, "false"),
        "Ask for answers that are not compressed",
        "no answers are compressed: it would cost memory and save network that is near",
    ),
];

impl Unhonoured {
    fn arg(&self) -> Arg {
        let arg = Arg::new(self.name)
            .long(self.name)
            .hide(self.is_hidden)
            .help(format!("{}. Without effect: {}", self.about, self.because))
            .allow_hyphen_values(self.takes != Takes::Bool);
        let arg = match self.takes {
            Takes::Bool => arg
                .value_name("bool")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_parser(go_bool),
            Takes::Int => arg.value_name("int").value_parser(clap::value_parser!(i64)),
            Takes::Text => arg.value_name("string"),
            Takes::Texts => arg.value_name("stringArray").action(ArgAction::Append),
        };
        if self.default.is_empty() { arg } else { arg.default_value(self.default) }
    }

    /// Whether something else than the default was asked for.
    fn is_asked_for(&self, matches: &ArgMatches) -> bool {
        let is_given = matches.value_source(self.name) == Some(ValueSource::CommandLine);
        let values = matches.get_raw(self.name).into_iter().flatten();
        let values: Vec<_> = values.map(|value| value.to_string_lossy().into_owned()).collect();
        let is_default = match self.takes {
            Takes::Bool => matches.get_one::<bool>(self.name) == Some(&false),
            Takes::Int | Takes::Text | Takes::Texts => values == [self.default],
        };
        is_given && !is_default
    }
}

/// A command with these flags, too.
pub(crate) fn add_to(command: Command) -> Command {
    command.args(UNHONOURED.iter().map(Unhonoured::arg))
}

/// One line for each that was given a value other than its default.
pub(crate) fn warnings(matches: &ArgMatches) -> Vec<String> {
    let asked = UNHONOURED.iter().filter(|flag| flag.is_asked_for(matches));
    asked.map(|flag| format!("--{} has no effect in this version: {}", flag.name, flag.because)).collect()
}
