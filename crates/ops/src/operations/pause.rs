use serde_json::json;

use super::{Operation, Patch, Target};

/// Pauses a Rollout by `spec.paused`, until it is promoted.
#[must_use]
pub fn pause(rollout: &str) -> Operation {
    Operation {
        patches: vec![Patch::merge(Target::rollout(rollout), json!({ "spec": { "paused": true } }))],
        message: format!("rollout '{rollout}' paused"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sets_paused() {
        let operation = pause("guestbook");
        assert_eq!(operation.message, "rollout 'guestbook' paused");
        assert_eq!(operation.patches.len(), 1);
        assert_eq!(operation.patches[0].body, json!({"spec": {"paused": true}}));
        assert_eq!(operation.patches[0].subresource, None);
    }
}
