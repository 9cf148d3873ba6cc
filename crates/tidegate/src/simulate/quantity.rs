//! The quantity that the API server cannot read, which it does not name.

use serde_json::Value;
use tidegate_sim::manifest::{Content, Node};

use super::schema;

/// Fields whose value, or whose values, are quantities.
const HOLDERS: [&str; 7] = ["requests", "limits", "overhead", "capacity", "hard", "sizeLimit", "divisor"];

/// Paths and texts of the quantities below `node` that are none.
pub(super) fn unreadable(node: &Node) -> Vec<(String, String)> {
    let mut found = Vec::new();
    search(node, "", &mut found);
    found
}

fn search(node: &Node, path: &str, found: &mut Vec<(String, String)>) {
    for (index, item) in node.items().iter().enumerate() {
        search(item, &format!("{path}[{index}]"), found);
    }
    for field in node.fields() {
        let path = schema::below(path, &field.key);
        if !HOLDERS.contains(&field.key.as_str()) {
            search(&field.value, &path, found);
            continue;
        }
        judge(&field.value, path.clone(), found);
        for inner in field.value.fields() {
            judge(&inner.value, schema::below(&path, &inner.key), found);
        }
    }
}

fn judge(node: &Node, path: String, found: &mut Vec<(String, String)>) {
    let Content::Scalar(Value::String(text)) = &node.content else { return };
    if !is_quantity(text) {
        found.push((path, format!("must be a quantity, like 500m, 2 or 64Mi; is the text {text:?}")));
    }
}

/// A decimal number and a suffix that Kubernetes knows.
fn is_quantity(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let is_number = number.parse::<f64>().is_ok();
    let is_suffix = matches!(suffix, "" | "n" | "u" | "m" | "k" | "M" | "G" | "T" | "P" | "E")
        || matches!(suffix, "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei")
        || suffix.strip_prefix(['e', 'E']).is_some_and(|exponent| exponent.parse::<i32>().is_ok());
    is_number && is_suffix
}

#[cfg(test)]
mod tests {
    use tidegate_sim::manifest::read;

    use super::*;

    #[test]
    fn quantities_are_numbers_with_known_suffixes() {
        for text in ["1", "0.5", ".5", "5.", "-1", "500m", "64Mi", "1E", "1e3", "2E-3", "100n"] {
            assert!(is_quantity(text), "{text}");
        }
        for text in ["", "lots", "64MB", "64mi", "1 Gi", "1.2.3", "m", "1e", "0x5", "1K"] {
            assert!(!is_quantity(text), "{text}");
        }
    }

    #[test]
    fn those_that_are_none_are_found() {
        let text = "containers:\n- resources: {requests: {cpu: 1, memory: 64MB}, limits: {memory: 1Gi}}\n\
                    volumes: [{emptyDir: {sizeLimit: big}}]\nlimits: many\n";
        let expected = [
            ("containers[0].resources.requests.memory", "64MB"),
            ("volumes[0].emptyDir.sizeLimit", "big"),
            ("limits", "many"),
        ];
        let expected = expected.map(|(path, text)| {
            (path.to_owned(), format!("must be a quantity, like 500m, 2 or 64Mi; is the text {text:?}"))
        });
        assert_eq!(unreadable(&read(text).documents[0]), expected);
    }
}
