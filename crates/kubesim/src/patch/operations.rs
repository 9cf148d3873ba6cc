//! JSON patch, within the limits that keep a small body from making a large object.

use json_patch::{Patch, PatchOperation};
use serde_json::Value;

use crate::status::ApiError;

const MOST_OPERATIONS: usize = 10_000;
/// Bytes of JSON that the `copy`s of one patch may copy.
const MOST_COPIED: usize = 3 * 1024 * 1024;
/// How deep an object may be; deeper ones could not be read back from their JSON.
const DEEPEST: usize = 127;

/// Applies the operations one by one. On failure `document` is whatever they have made so far.
pub(super) fn apply(document: &mut Value, patch: &Patch) -> Result<(), ApiError> {
    if patch.len() > MOST_OPERATIONS {
        let message = format!(
            "Request entity too large: The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {}",
            patch.len()
        );
        return Err(ApiError::new(413, "RequestEntityTooLarge", message));
    }
    let mut copied = 0;
    for operation in patch.iter() {
        if let PatchOperation::Copy(copy) = operation {
            copied += document.pointer(copy.from.as_str()).map_or(0, |value| value.to_string().len());
        }
        // Before it is made: an object that is too deep cannot even be dropped.
        if copied > MOST_COPIED || depth_after(document, operation) > DEEPEST {
            return Err(refused());
        }
        json_patch::patch(document, std::slice::from_ref(operation)).map_err(|_| refused())?;
    }
    Ok(())
}

fn refused() -> ApiError {
    ApiError::new(422, "Invalid", "the server rejected our request due to an error in our request")
}

/// How deep the value lies that an operation puts into the document; 0 when it puts none.
fn depth_after(document: &Value, operation: &PatchOperation) -> usize {
    let (path, value) = match operation {
        PatchOperation::Add(add) => (&add.path, Some(&add.value)),
        PatchOperation::Replace(replace) => (&replace.path, Some(&replace.value)),
        PatchOperation::Copy(copy) => (&copy.path, document.pointer(copy.from.as_str())),
        PatchOperation::Move(moved) => (&moved.path, document.pointer(moved.from.as_str())),
        PatchOperation::Remove(_) | PatchOperation::Test(_) => return 0,
    };
    path.tokens().count() + value.map_or(0, depth)
}

fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The code of the refusal; 200 when there is none.
    fn outcome(document: Value, operations: Value) -> u16 {
        let patch = serde_json::from_value(operations).unwrap();
        let mut document = document;
        apply(&mut document, &patch).map_or_else(|error| error.code, |()| 200)
    }

    #[test]
    fn copies_are_counted_over_the_whole_patch() {
        let document = || json!({"data": {"a": "x".repeat(1000)}});
        let copies = |count: usize| -> Value {
            (0..count)
                .map(|to| json!({"op": "copy", "from": "/data", "path": format!("/copy{to}")}))
                .collect()
        };
        assert_eq!(outcome(document(), copies(3000)), 200);
        assert_eq!(outcome(document(), copies(3200)), 422);
        let doubling: Value =
            (0..60).map(|to| json!({"op": "copy", "from": "", "path": format!("/copy{to}")})).collect();
        assert_eq!(outcome(document(), doubling), 422);
    }

    #[test]
    fn operations_are_counted() {
        let tests = |count: usize| Value::Array(vec![json!({"op": "test", "path": "/a", "value": 1}); count]);
        assert_eq!(outcome(json!({"a": 1}), tests(MOST_OPERATIONS)), 200);
        assert_eq!(outcome(json!({"a": 1}), tests(MOST_OPERATIONS + 1)), 413);
    }

    #[test]
    fn what_is_made_is_no_deeper_than_what_can_be_read() {
        let deeper = |times: usize| -> Value {
            (0..times).map(|_| json!({"op": "copy", "from": "/a", "path": "/a/a"})).collect()
        };
        let mut document = json!({"a": {}});
        apply(&mut document, &serde_json::from_value(deeper(100)).unwrap()).unwrap();
        serde_json::from_str::<Value>(&document.to_string()).unwrap();
        assert_eq!(outcome(json!({"a": {}}), deeper(1000)), 422);
        let way = "/a".repeat(200);
        assert_eq!(outcome(json!({"a": {}}), json!([{"op": "add", "path": way, "value": 1}])), 422);
    }
}
