//! What is decided on an input.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};
use tidegate_core::{Failure, Need, Plan, panic_text, rollout};

use super::input::Input;

/// The answer to an input.
pub(super) struct Decision {
    pub(super) input: Input,
    /// What must be read first.
    pub(super) needs: Vec<Need>,
    /// What is decided, or with which words it panicked.
    pub(super) plan: Result<Plan, String>,
    /// How the controller goes on after the write that failed.
    pub(super) next: Option<Plan>,
}

impl Decision {
    pub(super) fn on(input: Input) -> Self {
        let decide = || {
            let needs = rollout::needs(&input.snapshot, input.now);
            (needs, rollout::plan(&input.snapshot, input.now))
        };
        let (mut needs, plan) = match catch_unwind(AssertUnwindSafe(decide)) {
            Ok((needs, plan)) => (needs, Ok(plan)),
            Err(panic) => (Vec::new(), Err(panic_text(&*panic))),
        };
        let more = plan.as_ref().map(|plan| plan.needs.clone()).unwrap_or_default();
        needs.extend(more.into_iter().filter(|need| !needs.contains(need)).collect::<Vec<_>>());
        let next = match &input.recorded {
            Some((Some(plan), Failure::Write { number, error })) => {
                Some(rollout::after_failure(plan, *number, error))
            }
            _ => None,
        };
        Self { input, needs, plan, next }
    }

    pub(super) fn to_json(&self) -> Value {
        let (plan, panic) = match &self.plan {
            Ok(plan) => (json!(plan), Value::Null),
            Err(words) => (Value::Null, json!(words)),
        };
        let failure = self.input.recorded.as_ref().map(|(_, failure)| failure);
        json!({
            "now": self.input.now,
            "needs": self.needs,
            "plan": plan,
            "panic": panic,
            "failure": failure,
            "afterFailure": self.next,
        })
    }
}
