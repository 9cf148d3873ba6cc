//! The guide as data: seven commands, and what each of them must come to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tidegate_ops::operations::{ContainerImage, PromoteOptions};
use tidegate_sim::{UserError, World};

/// The namespace in which the guide is played.
pub(crate) const NAMESPACE: &str = "default";
/// The name of the guide's Rollout, its container and its Service.
pub(crate) const NAME: &str = "rollouts-demo";
pub(crate) const MANIFEST: &str = include_str!("../../../../examples/rollouts-demo.yaml");

/// One step of the guide.
pub(super) struct Step {
    /// A word or two.
    pub(super) title: &'static str,
    /// What happens and why, in one sentence.
    pub(super) sentence: &'static str,
    /// What the user does.
    pub(super) action: Action,
    /// What must then be seen, in this order; the last is where the step ends.
    pub(super) states: &'static [State],
    /// No pod comes or goes.
    pub(super) keeps_pods: bool,
    /// How long the end is left for the reader to look at.
    pub(super) rest: Duration,
}

/// What a user does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Apply,
    Watch,
    SetImage(&'static str),
    Promote,
    Abort,
}

impl Action {
    /// The command as a user types it.
    pub(super) fn command(self) -> String {
        match self {
            Self::Apply => "kubectl apply -f rollouts-demo.yaml".to_owned(),
            Self::Watch => format!("kubectl argo rollouts get rollout {NAME} --watch"),
            Self::SetImage(color) => format!("kubectl argo rollouts set image {NAME} {}", image(color)),
            Self::Promote => format!("kubectl argo rollouts promote {NAME}"),
            Self::Abort => format!("kubectl argo rollouts abort {NAME}"),
        }
    }

    /// Does it, and returns what the command prints.
    pub(super) async fn perform(self, world: &World) -> Result<String, UserError> {
        match self {
            Self::Apply => world.apply(NAMESPACE, MANIFEST).await,
            Self::Watch => Ok(String::new()),
            Self::SetImage(color) => {
                let image = image(color);
                let image = ContainerImage::parse(&image).expect("`image` writes container=image");
                world.set_image(NAMESPACE, NAME, &[image]).await
            }
            Self::Promote => world.promote(NAMESPACE, NAME, PromoteOptions::default()).await,
            Self::Abort => world.abort(NAMESPACE, NAME).await,
        }
    }
}

fn image(color: &str) -> String {
    format!("{NAME}=argoproj/rollouts-demo:{color}")
}

/// A state of the Rollout that the guide names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) phase: &'static str,
    /// How the status message begins.
    message: &'static str,
    step: i32,
    /// Pods by colour; other colours have none.
    sizes: &'static [(&'static str, i32)],
}

impl State {
    /// Whether the Rollout is in this state: sizes asked for and pods ready are both as they should be.
    pub(super) fn holds(&self, world: &World) -> bool {
        let Some(seen) = world.inspector.observation(NAMESPACE, NAME) else { return false };
        let status = &seen.rollout.status;
        let mut sizes: BTreeMap<&str, (i32, i32)> = BTreeMap::new();
        for rs in &seen.replica_sets {
            let ready = seen.ready.get(&rs.metadata.name).copied().unwrap_or(0);
            let tag = rs.images.first().and_then(|image| image.rsplit_once(':')).map_or("", |(_, tag)| tag);
            let (size, up) = sizes.entry(tag).or_default();
            (*size, *up) = (*size + rs.replicas, *up + ready);
        }
        sizes.retain(|_, size| *size != (0, 0));
        status.phase.as_ref().is_some_and(|phase| phase.as_str() == self.phase)
            && status.message.starts_with(self.message)
            && status.current_step_index == Some(self.step)
            && sizes == self.sizes.iter().map(|(color, size)| (*color, (*size, *size))).collect()
    }

    /// `4 blue, 1 yellow`
    pub(super) fn sizes(&self) -> String {
        let sizes: Vec<_> = self.sizes.iter().map(|(color, size)| format!("{size} {color}")).collect();
        sizes.join(", ")
    }
}

/// `Paused at step 1/8 with 4 blue, 1 yellow`
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = if self.message.is_empty() { String::new() } else { format!(" ({})", self.message) };
        write!(f, "{}{message} at step {}/8 with {}", self.phase, self.step, self.sizes())
    }
}

const fn healthy(sizes: &'static [(&'static str, i32)]) -> State {
    State { phase: "Healthy", message: "", step: 8, sizes }
}

const fn paused(step: i32, sizes: &'static [(&'static str, i32)]) -> State {
    State { phase: "Paused", message: "CanaryPauseStep", step, sizes }
}

const ABORTED: State =
    State { phase: "Degraded", message: "RolloutAborted", step: 0, sizes: &[("yellow", 5)] };

/// The guide, in order.
pub(super) const STEPS: [Step; 7] = [
    Step {
        title: "Deploy",
        sentence: "A first revision goes out at once: there is nothing yet that it could harm.",
        action: Action::Apply,
        states: &[healthy(&[("blue", 5)])],
        keeps_pods: false,
        rest: Duration::from_millis(1_000),
    },
    Step {
        title: "Watch",
        sentence: "A second terminal shows the rollout, live, through all that follows.",
        action: Action::Watch,
        states: &[healthy(&[("blue", 5)])],
        keeps_pods: true,
        rest: Duration::from_millis(500),
    },
    Step {
        title: "Update to yellow",
        sentence: "One pod of five is replaced. Then the rollout waits, for as long as nobody acts.",
        action: Action::SetImage("yellow"),
        states: &[paused(1, &[("blue", 4), ("yellow", 1)])],
        keeps_pods: false,
        rest: Duration::from_millis(3_000),
    },
    Step {
        title: "Promote",
        sentence: "Yellow looks good: 40, 60 and 80 percent, ten seconds each, then all of it.",
        action: Action::Promote,
        states: &[
            paused(3, &[("blue", 3), ("yellow", 2)]),
            paused(5, &[("blue", 2), ("yellow", 3)]),
            paused(7, &[("blue", 1), ("yellow", 4)]),
            healthy(&[("yellow", 5)]),
        ],
        keeps_pods: false,
        rest: Duration::from_millis(1_500),
    },
    Step {
        title: "Update to red",
        sentence: "The next version. Again one pod of five takes its share of the requests.",
        action: Action::SetImage("red"),
        states: &[paused(1, &[("yellow", 4), ("red", 1)])],
        keeps_pods: false,
        rest: Duration::from_millis(1_500),
    },
    Step {
        title: "Abort",
        sentence: "Red looks bad: take it back. Yellow answers every request again.",
        action: Action::Abort,
        states: &[ABORTED],
        keeps_pods: false,
        rest: Duration::from_millis(2_000),
    },
    Step {
        title: "Back to yellow",
        sentence: "Ask for what runs already: the alarm ends at once, and no pod is replaced.",
        action: Action::SetImage("yellow"),
        states: &[healthy(&[("yellow", 5)])],
        keeps_pods: true,
        rest: Duration::from_millis(1_000),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_those_of_the_guide() {
        let commands = STEPS.map(|step| step.action.command());
        let expected = [
            "kubectl apply -f rollouts-demo.yaml",
            "kubectl argo rollouts get rollout rollouts-demo --watch",
            "kubectl argo rollouts set image rollouts-demo rollouts-demo=argoproj/rollouts-demo:yellow",
            "kubectl argo rollouts promote rollouts-demo",
            "kubectl argo rollouts set image rollouts-demo rollouts-demo=argoproj/rollouts-demo:red",
            "kubectl argo rollouts abort rollouts-demo",
            "kubectl argo rollouts set image rollouts-demo rollouts-demo=argoproj/rollouts-demo:yellow",
        ];
        assert_eq!(commands, expected);
    }

    #[test]
    fn sentences_fit_a_line() {
        for step in &STEPS {
            assert!(step.sentence.chars().count() <= 80, "{}", step.sentence);
        }
    }

    #[test]
    fn states_say_what_they_want() {
        let state = paused(1, &[("blue", 4), ("yellow", 1)]);
        assert_eq!(state.to_string(), "Paused (CanaryPauseStep) at step 1/8 with 4 blue, 1 yellow");
        assert_eq!(healthy(&[("blue", 5)]).to_string(), "Healthy at step 8/8 with 5 blue");
    }
}
