use serde_json::json;

use super::{Operation, Patch};

/// Takes an abort back: the update runs again from its first step.
#[must_use]
pub fn retry(rollout: &str) -> Operation {
    Operation {
        patches: vec![Patch::status(rollout, json!({ "status": { "abort": false } }))],
        message: format!("rollout '{rollout}' retried"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Subresource;

    #[test]
    fn it_takes_the_abort_back() {
        let operation = retry("guestbook");
        assert_eq!(operation.message, "rollout 'guestbook' retried");
        assert_eq!(operation.patches[0].body, json!({"status": {"abort": false}}));
        assert_eq!(operation.patches[0].subresource, Some(Subresource::Status));
        assert!(operation.patches[0].fallback_to_main);
    }
}
