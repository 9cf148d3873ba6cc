//! 409 for an apply that others' fields stand against.

use serde_json::{Value, json};

use super::managed::Manager;
use super::path::shown;
use super::transfer::Conflict;
use crate::status::ApiError;

/// Every conflict as a cause, and all of them as one text.
pub(super) fn refusal(conflicts: &[Conflict]) -> ApiError {
    let causes: Vec<Value> = conflicts
        .iter()
        .map(|conflict| {
            json!({
                "reason": "FieldManagerConflict", "field": shown(&conflict.path),
                "message": format!("conflict with {}", conflict.manager.shown()),
            })
        })
        .collect();
    let mut error = ApiError::new(409, "Conflict", message(conflicts));
    error.details.insert("causes".to_owned(), causes.into());
    error
}

fn message(conflicts: &[Conflict]) -> String {
    if let [only] = conflicts {
        let (manager, path) = (only.manager.shown(), shown(&only.path));
        return format!("Apply failed with 1 conflict: conflict with {manager}: {path}");
    }
    let mut lines = Vec::new();
    let mut current: Option<&Manager> = None;
    for conflict in conflicts {
        if current != Some(&conflict.manager) {
            lines.push(format!("conflicts with {}:", conflict.manager.shown()));
            current = Some(&conflict.manager);
        }
        lines.push(format!("- {}", shown(&conflict.path)));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}
