//! Pods that come and go as people expect.

use std::time::Duration;

use tidegate_kubesim::{Kubelet, PodRule, PodState, Stage};

/// Pods that take between half a second and one and a half to start, each its own time, and a second to end.
pub(crate) fn believable() -> Kubelet {
    // The first character of a pod's own part of its name. `d` is left out, and 5 to 7: `-demo`, and the hashes, begin with them.
    let rules = "bcfghjklmnpqrstvwxz2489".chars().zip(0_u64..).map(|(first, index)| PodRule {
        pod: format!("-{first}"),
        stages: becoming(PodState::Ready, 500 + 45 * index),
        ..PodRule::default()
    });
    Kubelet {
        stages: becoming(PodState::Ready, 1_000),
        rules: rules.collect(),
        termination: Duration::from_secs(1),
        ..Kubelet::default()
    }
}

/// The same, but pods crash whose image has a tag that contains `bad`.
pub(crate) fn with_bad_ones() -> Kubelet {
    let mut kubelet = believable();
    let crash =
        PodRule { tag: "bad".to_owned(), stages: becoming(PodState::Crashed, 1_000), ..PodRule::default() };
    kubelet.rules.insert(0, crash);
    kubelet
}

fn becoming(state: PodState, millis: u64) -> Vec<Stage> {
    vec![Stage { after: Duration::from_millis(millis), state }]
}
