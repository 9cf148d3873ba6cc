//! Values as Go prints them with `%+v`, which is how refusals show parts of a patch.

use serde_json::Value;

/// `map[a:1 b:[x y]]`.
pub(crate) fn of(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(of).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            let members: Vec<String> =
                members.into_iter().map(|(key, value)| format!("{key}:{}", of(value))).collect();
            format!("map[{}]", members.join(" "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_printed_as_go_does() {
        let value = json!({"b": [1, "x y", null], "a": {"c": true, "d": {}}});
        assert_eq!(of(&value), "map[a:map[c:true d:map[]] b:[1 x y <nil>]]");
    }
}
