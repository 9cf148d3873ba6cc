use serde_json::json;
use tidegate_api::rollout::Rollout;

use super::{Operation, Patch};
use crate::status::{is_fully_promoted, is_spec_observed};

/// Aborts the update in progress: all traffic goes back to the stable version. A notice if there is none.
#[must_use]
pub fn abort(rollout: &Rollout) -> Operation {
    let name = &rollout.metadata.name;
    if is_fully_promoted(rollout) && is_spec_observed(rollout) {
        return Operation::nothing(format!("nothing to abort: rollout '{name}' is fully promoted"));
    }
    Operation {
        patches: vec![Patch::status(name, json!({ "status": { "abort": true } }))],
        message: format!("rollout '{name}' aborted"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::Subresource;

    fn of(status: &Value) -> Operation {
        let rollout =
            json!({"metadata": {"name": "guestbook", "generation": 3}, "spec": {}, "status": status});
        abort(&serde_json::from_value(rollout).unwrap())
    }

    #[test]
    fn an_update_in_progress_is_aborted() {
        for status in [
            json!({"currentPodHash": "b", "stableRS": "a", "observedGeneration": "3"}),
            json!({"currentPodHash": "a", "observedGeneration": "3"}),
            json!({"currentPodHash": "b", "stableRS": "a", "abort": true}),
        ] {
            let operation = of(&status);
            assert_eq!(operation.message, "rollout 'guestbook' aborted");
            assert_eq!(operation.patches[0].body, json!({"status": {"abort": true}}));
            assert_eq!(operation.patches[0].subresource, Some(Subresource::Status));
            assert!(operation.patches[0].fallback_to_main);
        }
    }

    #[test]
    fn an_update_that_is_not_yet_observed_is_aborted() {
        let operation = of(&json!({"currentPodHash": "a", "stableRS": "a", "observedGeneration": "2"}));
        assert_eq!(operation.patches.len(), 1);
    }

    #[test]
    fn a_finished_rollout_has_nothing_to_abort() {
        let operation = of(&json!({"currentPodHash": "a", "stableRS": "a", "observedGeneration": "3"}));
        assert!(operation.is_notice());
        assert_eq!(operation.message, "nothing to abort: rollout 'guestbook' is fully promoted");
    }
}
