//! Why an operation is refused before anything is written.

use thiserror::Error;
use tidegate_api::duration::DurationError;

/// Why an operation is refused; nothing has been written. Texts are upstream's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpError {
    /// `promote` with both deprecated skip flags.
    #[error("Cannot use skip-current-step and skip-all-steps flags at the same time")]
    BothSkips,
    /// A skip flag on a blue-green Rollout.
    #[error("Cannot skip steps of a bluegreen rollout. Run without a flags")]
    SkipOfBlueGreen,
    /// A skip flag on a Rollout that has no steps.
    #[error("Cannot skip steps of a rollout without steps")]
    SkipWithoutSteps,
    /// `set image` names a container that the pod template does not have.
    #[error("unable to find container named {name:?}")]
    NoSuchContainer {
        /// The name as given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// `spec.workloadRef.name` is absent or no text.
    #[error("spec.workloadRef.name is not a string: {0}")]
    WorkloadName(String),
    /// `set image` on a Rollout whose `spec.workloadRef` has a kind without a pod template that we know.
    #[error("workload of type {0} is not supported")]
    UnsupportedWorkload(String),
    /// `undo` on a Rollout whose `spec.workloadRef` has a kind without a pod template that we know.
    #[error("failed restoring revision {revision}: workload of type {kind} is not supported")]
    UnsupportedUndo {
        /// The revision as asked for; 0 = the previous one.
        revision: i64,
        /// The kind of the reference.
        kind: String,
    },
    /// `undo` without an earlier revision, or to a negative one.
    #[error("no revision found for rollout {0:?}")]
    NoRevision(String),
    /// `undo` to a revision that no ReplicaSet has.
    #[error("unable to find specified revision {revision} in history")]
    NoSuchRevision {
        /// The revision as asked for.
        revision: i64,
        /// The revisions there are, ascending.
        known: Vec<i64>,
    },
    /// The object has no name, uid or pod template where a Rollout has one.
    #[error("Invalid rollout object")]
    InvalidRollout,
    /// `restart --in` is no Go duration.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// `restart --in` leads beyond the year 9999.
    #[error("time of restart is out of range: now + {0}")]
    RestartOutOfRange(String),
}

/// What sort of failure an [`OpError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The command line contradicts itself or the Rollout's strategy.
    Usage,
    /// Something that the command names does not exist.
    NotFound,
    /// The object in the cluster is not what the operation needs.
    Object,
}

impl OpError {
    /// What sort of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BothSkips
            | Self::SkipOfBlueGreen
            | Self::SkipWithoutSteps
            | Self::Duration(_)
            | Self::RestartOutOfRange(_) => ErrorKind::Usage,
            Self::NoSuchContainer { .. } | Self::NoRevision(_) | Self::NoSuchRevision { .. } => {
                ErrorKind::NotFound
            }
            Self::WorkloadName(_)
            | Self::UnsupportedWorkload(_)
            | Self::UnsupportedUndo { .. }
            | Self::InvalidRollout => ErrorKind::Object,
        }
    }

    /// What to do about it, where there is something to say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BothSkips => {
                Some("use `promote NAME` for one step, `promote NAME --full` for all".to_owned())
            }
            Self::SkipOfBlueGreen => {
                Some("use `promote NAME`, or `promote NAME --full` to skip analyses".to_owned())
            }
            Self::SkipWithoutSteps => {
                Some("use `promote NAME --full` to skip analyses and pauses".to_owned())
            }
            Self::NoSuchContainer { known, .. } if !known.is_empty() => {
                Some(format!("containers of the pod template: {}; `*` means all", known.join(", ")))
            }
            Self::NoSuchRevision { known, .. } if !known.is_empty() => {
                let known: Vec<String> = known.iter().map(i64::to_string).collect();
                Some(format!("revisions in history: {}", known.join(", ")))
            }
            Self::NoRevision(_) => Some("there is no revision before the first".to_owned()),
            Self::UnsupportedWorkload(_) | Self::UnsupportedUndo { .. } => {
                Some("a workloadRef names a Deployment, ReplicaSet or PodTemplate".to_owned())
            }
            Self::Duration(_) => Some("durations are written like 30s, 5m or 1h30m".to_owned()),
            Self::NoSuchContainer { .. }
            | Self::NoSuchRevision { .. }
            | Self::WorkloadName(_)
            | Self::InvalidRollout
            | Self::RestartOutOfRange(_) => None,
        }
    }
}
