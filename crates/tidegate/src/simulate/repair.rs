//! How the rest of an object can be judged although a field of it is wrong.

use serde_json::Value;
use tidegate_sim::manifest;

/// What is done with the wrong field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Repair {
    /// Nothing: it is in nobody's way.
    Nothing,
    /// It goes.
    Removal,
    /// This stands in its place.
    StandIn(Value),
}

impl Repair {
    /// Does it to the field with this path.
    pub(super) fn apply(&self, object: &mut Value, path: &str) {
        let pointer = manifest::pointer(path);
        match self {
            Self::Nothing => {}
            Self::StandIn(value) => {
                if let Some(place) = object.pointer_mut(&pointer) {
                    *place = value.clone();
                }
            }
            Self::Removal => {
                let (above, key) = pointer.rsplit_once('/').unwrap_or_default();
                let key = key.replace("~1", "/").replace("~0", "~");
                if let Some(Value::Object(fields)) = object.pointer_mut(above) {
                    fields.remove(&key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_field_goes_or_is_replaced() {
        let mut object = json!({"a": {"x/y": 1, "z": [1, {"b": 2}]}});
        Repair::Removal.apply(&mut object, "a[x/y]");
        Repair::StandIn(json!("")).apply(&mut object, "a.z[1].b");
        Repair::StandIn(json!("")).apply(&mut object, "a.nowhere");
        Repair::Removal.apply(&mut object, "nowhere");
        Repair::Nothing.apply(&mut object, "a");
        assert_eq!(object, json!({"a": {"z": [1, {"b": ""}]}}));
    }
}
