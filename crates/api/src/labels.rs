//! Keys of the labels and annotations that are part of the API.

/// Label and selector key of ReplicaSets, pods, managed Services, AnalysisRuns and Experiments: a pod-template hash.
pub const POD_TEMPLATE_HASH: &str = "rollouts-pod-template-hash";

/// Annotation of the Rollout, its ReplicaSets, AnalysisRuns and Experiments: the revision, decimal.
pub const REVISION: &str = "rollout.argoproj.io/revision";

/// Annotation of a ReplicaSet that a rollback uses again: its earlier revisions, separated by commas.
pub const REVISION_HISTORY: &str = "rollout.argoproj.io/revision-history";

/// Annotation of a ReplicaSet: `spec.replicas` of the Rollout when the ReplicaSet was last scaled, decimal.
pub const DESIRED_REPLICAS: &str = "rollout.argoproj.io/desired-replicas";

/// Annotation of a Rollout with `workloadRef`, copied to its ReplicaSets: generation of the referenced object, decimal.
pub const WORKLOAD_GENERATION: &str = "rollout.argoproj.io/workload-generation";

/// Annotation of a ReplicaSet: JSON `{"labels":{..},"annotations":{..}}` of the ephemeral metadata its pods carry.
pub const EPHEMERAL_METADATA: &str = "rollout.argoproj.io/ephemeral-metadata";

/// Annotation of a ReplicaSet: the time at which it may go to 0, RFC 3339 in UTC with whole seconds.
pub const SCALE_DOWN_DEADLINE: &str = "scale-down-deadline";

/// Annotation of managed Services and of objects that routers make: name of the owning Rollout, without namespace.
pub const MANAGED_BY_ROLLOUTS: &str = "argo-rollouts.argoproj.io/managed-by-rollouts";

/// Annotation of an ALB Ingress: the actions that Rollouts injected, JSON.
pub const MANAGED_ALB_ACTIONS: &str = "rollouts.argoproj.io/managed-alb-actions";

/// Annotation of an ALB Ingress: the annotations that Rollouts injected, JSON.
pub const MANAGED_ALB_ANNOTATIONS: &str = "rollouts.argoproj.io/managed-alb-annotations";

/// Label set by users on any of our objects: the controller instance that is responsible for it.
pub const CONTROLLER_INSTANCE_ID: &str = "argo-rollouts.argoproj.io/controller-instance-id";

/// Label of an AnalysisRun made by a Rollout: what it analyses, one of the `ROLLOUT_TYPE_*` values.
pub const ROLLOUT_TYPE: &str = "rollout-type";

/// [`ROLLOUT_TYPE`] of the run of an analysis step.
pub const ROLLOUT_TYPE_STEP: &str = "Step";

/// [`ROLLOUT_TYPE`] of the background analysis of a canary.
pub const ROLLOUT_TYPE_BACKGROUND: &str = "Background";

/// [`ROLLOUT_TYPE`] of the analysis before a blue-green switch.
pub const ROLLOUT_TYPE_PRE_PROMOTION: &str = "PrePromotion";

/// [`ROLLOUT_TYPE`] of the analysis after a blue-green switch.
pub const ROLLOUT_TYPE_POST_PROMOTION: &str = "PostPromotion";

/// Label of the AnalysisRun of a step: the step's index, decimal.
pub const STEP_INDEX: &str = "step-index";

/// Annotation of ReplicaSets and Services made by an Experiment: its name.
pub const EXPERIMENT_NAME: &str = "experiment.argoproj.io/name";

/// Annotation of ReplicaSets and Services made by an Experiment: the template's name.
pub const EXPERIMENT_TEMPLATE_NAME: &str = "experiment.argoproj.io/template-name";

/// Label of Jobs (and their pods) made by a job metric: uid of the AnalysisRun.
pub const ANALYSIS_RUN_UID: &str = "analysisrun.argoproj.io/uid";

/// Annotation of Jobs made by a job metric: name of the AnalysisRun.
pub const ANALYSIS_RUN_NAME: &str = "analysisrun.argoproj.io/name";

/// Annotation of Jobs made by a job metric: namespace of the AnalysisRun.
pub const ANALYSIS_RUN_NAMESPACE: &str = "analysisrun.argoproj.io/namespace";

/// Annotation of Jobs made by a job metric: name of the metric.
pub const ANALYSIS_RUN_METRIC_NAME: &str = "analysisrun.argoproj.io/metric-name";

/// Label of the Secret that holds the kubeconfig of Istio's primary cluster.
pub const ISTIO_PRIMARY_CLUSTER: &str = "istio.argoproj.io/primary-cluster";

/// Annotation that upstream reserves and never writes.
pub const RESTARTED_AFTER: &str = "argo-rollouts.argoproj.io/restarted-after";

/// Annotation of a Rollout: what the notification engine has sent, JSON.
pub const NOTIFIED: &str = "notified.notifications.argoproj.io";

/// Prefix of the annotations by which users subscribe: `<prefix><trigger>.<service>`.
pub const NOTIFICATION_SUBSCRIBE_PREFIX: &str = "notifications.argoproj.io/subscribe.";

/// Annotation in which client-side `kubectl apply` keeps its last input.
pub const LAST_APPLIED_CONFIGURATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Annotations of a Rollout that are not copied to its ReplicaSets.
pub const NOT_COPIED_TO_REPLICA_SETS: [&str; 5] =
    [LAST_APPLIED_CONFIGURATION, REVISION, REVISION_HISTORY, DESIRED_REPLICAS, NOTIFIED];
