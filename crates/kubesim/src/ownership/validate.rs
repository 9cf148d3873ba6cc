//! Whether a configuration is of its type, in the words of the real server.

use serde_json::Value;

use super::path::{Step, shown};
use super::shape::{Part, Resolved, Scalar, Type};
use crate::patch::go_text;

/// What is wrong with a configuration, as one text; nothing when it is of the type.
pub(crate) fn fault(configuration: &Value, ty: &Type) -> Option<String> {
    let mut walk = Walk { path: Vec::new(), faults: Vec::new() };
    walk.check(configuration, ty);
    match walk.faults.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(format!("errors:\n  {}", several.join("\n  "))),
    }
}

struct Walk {
    path: Vec<Step>,
    faults: Vec<String>,
}

impl Walk {
    fn complain(&mut self, why: &str) {
        let place = shown(&self.path);
        self.faults.push(if place.is_empty() { why.to_owned() } else { format!("{place}: {why}") });
    }

    fn check(&mut self, value: &Value, ty: &Type) {
        let resolved = ty.resolve();
        match resolved.part(value) {
            Part::Scalar => {
                if let Some(why) = scalar_fault(value, resolved.shape.scalar) {
                    self.complain(&why);
                }
            }
            Part::Map => self.check_map(value, resolved),
            Part::List => self.check_list(value, resolved),
        }
    }

    fn check_map(&mut self, value: &Value, resolved: Resolved<'_>) {
        let members = match value {
            Value::Null => return,
            Value::Object(members) => members,
            other => return self.complain(&format!("expected map, got &{{{}}}", go_text::of(other))),
        };
        for (name, member) in members {
            self.path.push(Step::field(name));
            let Some(ty) = resolved.member(name) else {
                self.complain("field not declared in schema");
                self.path.pop();
                return;
            };
            self.check(member, ty);
            self.path.pop();
        }
    }

    fn check_list(&mut self, value: &Value, resolved: Resolved<'_>) {
        let items = match value {
            Value::Null => return,
            Value::Array(items) => items,
            other => return self.complain(&format!("expected list, got &{{{}}}", go_text::of(other))),
        };
        let mut seen: Vec<Step> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let step = if resolved.is_atomic_list() {
                Step::Index(index)
            } else {
                match resolved.step_to(item) {
                    Ok(step) => step,
                    Err(why) => return self.complain(&format!("element {index}: {why}")),
                }
            };
            if seen.contains(&step) {
                self.complain(&format!("duplicate entries for key {step}"));
            }
            seen.push(step.clone());
            self.path.push(step);
            self.check(item, resolved.items());
            self.path.pop();
        }
    }
}

fn scalar_fault(value: &Value, scalar: Option<Scalar>) -> Option<String> {
    let fits = match (value, scalar?) {
        (Value::Null, _)
        | (Value::Number(_), Scalar::Number)
        | (Value::String(_), Scalar::String)
        | (Value::Bool(_), Scalar::Bool) => true,
        (value, Scalar::Any) => !value.is_array() && !value.is_object(),
        _ => false,
    };
    if fits {
        return None;
    }
    Some(match scalar? {
        Scalar::Number => format!("expected numeric (int or float), got {}", go_type(value)),
        Scalar::String => {
            format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_syntax(value))
        }
        Scalar::Bool => format!("expected boolean, got &{{{}}}", go_text::of(value)),
        Scalar::Any => format!("expected any scalar, got &{{{}}}", go_text::of(value)),
    })
}

/// The name of a value's type in Go.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A value as Go's `%#v` prints it.
fn go_syntax(value: &Value) -> String {
    let nested = |value: &Value| match value {
        Value::Null => "interface {}(nil)".to_owned(),
        other => go_syntax(other),
    };
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(nested).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{name:?}:{}", nested(value))).collect();
            format!("map[string]interface {{}}{{{}}}", members.join(", "))
        }
    }
}
