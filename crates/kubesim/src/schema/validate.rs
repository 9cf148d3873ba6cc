//! Validation against a structural schema, in the words of kube-openapi.

use serde_json::{Value, json};

use super::Schema;
use crate::field::Cause;
use crate::json::kind;

impl Schema {
    /// What is wrong with a custom resource; `old` is the stored object on an update.
    pub(crate) fn validate(&self, object: &Value, old: Option<&Value>) -> Vec<Cause> {
        let mut causes = Vec::new();
        self.check(object, "", &mut causes);
        if let (Some(old), true) = (old, causes.is_empty()) {
            self.check_immutable(object, old, "", &mut causes);
        }
        causes
    }

    fn accepts(&self, value: &Value) -> bool {
        let mut causes = Vec::new();
        self.check(value, "", &mut causes);
        causes.is_empty()
    }

    fn check(&self, value: &Value, path: &str, causes: &mut Vec<Cause>) {
        if value.is_null() && self.nullable {
            return;
        }
        if let Some(wanted) = self.wrong_type(value) {
            let found = kind(value);
            let detail = format!("{path} in body must be of type {wanted}: \"{found}\"");
            causes.push(Cause::type_invalid(path, &found.into(), &detail));
            self.check_combinations(value, path, causes);
            return;
        }
        match value {
            Value::String(text) => self.check_text(text, path, causes),
            Value::Number(_) => self.check_number(value, path, causes),
            Value::Array(items) => self.check_items(items, path, causes),
            Value::Object(_) => self.check_fields(value, path, causes),
            _ => {}
        }
        if !self.choices.is_empty() && !self.choices.contains(value) {
            let shown = |choice: &Value| choice.as_str().map_or_else(|| choice.to_string(), str::to_owned);
            let choices: Vec<String> = self.choices.iter().map(shown).collect();
            causes.push(Cause::unsupported(path, value, &choices));
        }
        self.check_combinations(value, path, causes);
    }

    /// The type that was wanted, when `value` is of another.
    fn wrong_type(&self, value: &Value) -> Option<String> {
        let found = kind(value);
        if self.int_or_string {
            return (found != "integer" && found != "string").then(|| "integer,string".to_owned());
        }
        let wanted = self.ty.as_deref()?;
        let is_whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
        let fits = found == wanted
            || (wanted == "number" && found == "integer")
            || (wanted == "integer" && found == "number" && is_whole);
        (!fits).then(|| wanted.to_owned())
    }

    fn check_text(&self, text: &str, path: &str, causes: &mut Vec<Cause>) {
        let length = text.chars().count() as u64;
        if let Some(most) = self.limits.max_length.filter(|most| length > *most) {
            causes.push(Cause::too_long(path, most));
        }
        if let Some(least) = self.limits.min_length.filter(|least| length < *least) {
            let detail = format!("{path} in body should be at least {least} chars long");
            causes.push(Cause::invalid(path, &text.into(), &detail));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
            let detail = format!("{path} in body should match '{}'", pattern.source);
            causes.push(Cause::invalid(path, &text.into(), &detail));
        }
        if self.format.as_deref() == Some("date-time") && text.parse::<jiff::Timestamp>().is_err() {
            let detail = format!("{path} in body must be of type date-time: \"{text}\"");
            causes.push(Cause::type_invalid(path, &text.into(), &detail));
        }
    }

    fn check_number(&self, value: &Value, path: &str, causes: &mut Vec<Cause>) {
        let number = value.as_f64().unwrap_or(0.0);
        if let Some(format) = self.exceeded_format(value) {
            // The library behind it gives this error no field, which Kubernetes shows as `<nil>`.
            let detail = format!("Checked value must be of type integer with format {format} in {path}");
            causes.push(Cause::invalid("<nil>", &"".into(), &detail));
        }
        let limits = &self.limits;
        let mut refuse = |what: String| {
            causes.push(Cause::invalid(path, value, &format!("{path} in body should be {what}")));
        };
        let minimum = limits.minimum.map(|least| (least, limits.exclusive_minimum));
        let maximum = limits.maximum.map(|most| (most, limits.exclusive_maximum));
        if let Some((least, exclusive)) = minimum
            && (number < least || (exclusive && number == least))
        {
            refuse(format!(
                "{} {least}",
                if exclusive { "greater than" } else { "greater than or equal to" }
            ));
        }
        if let Some((most, exclusive)) = maximum
            && (number > most || (exclusive && number == most))
        {
            refuse(format!("{} {most}", if exclusive { "less than" } else { "less than or equal to" }));
        }
        if let Some(factor) = limits.multiple_of.filter(|factor| number % factor != 0.0) {
            refuse(format!("a multiple of {factor}"));
        }
    }

    /// The format of integers that `value` is too large for. API servers before Kubernetes 1.36 ignore it in custom
    /// resources.
    fn exceeded_format(&self, value: &Value) -> Option<&str> {
        let format = self.format.as_deref().filter(|_| self.ty.as_deref() == Some("integer"))?;
        let bits = match format {
            "int32" => 31,
            "int64" => 63,
            _ => return None,
        };
        let limit = 2_f64.powi(bits);
        // Between i64 and f64 nothing is lost here: whatever is not an i64 is beyond 2^63 or was written with a point.
        let fits = match value.as_i64() {
            Some(number) => bits == 63 || i32::try_from(number).is_ok(),
            None => value.as_f64().is_some_and(|number| (-limit..limit).contains(&number)),
        };
        (!fits).then_some(format)
    }

    fn check_items(&self, items: &[Value], path: &str, causes: &mut Vec<Cause>) {
        let count = items.len() as u64;
        if let Some(least) = self.limits.min_items.filter(|least| count < *least) {
            let detail = format!("{path} in body should have at least {least} items");
            causes.push(Cause::invalid(path, &json!(count), &detail));
        }
        if let Some(most) = self.limits.max_items.filter(|most| count > *most) {
            causes.push(Cause::too_many(path, items.len(), most));
        }
        if let Some(schema) = &self.items {
            for (index, item) in items.iter().enumerate() {
                schema.check(item, &format!("{path}[{index}]"), causes);
            }
        }
        self.check_duplicates(items, path, causes);
    }

    fn check_duplicates(&self, items: &[Value], path: &str, causes: &mut Vec<Cause>) {
        let identity = |item: &Value| match self.list_type.as_deref() {
            Some("set") => Some(item.clone()),
            Some("map") => {
                let keys = self.list_keys.iter();
                Some(keys.filter_map(|key| Some((key.clone(), item.get(key)?.clone()))).collect())
            }
            _ => None,
        };
        let identities: Vec<Option<Value>> = items.iter().map(identity).collect();
        for (index, own) in identities.iter().enumerate() {
            if let Some(own) = own
                && identities[..index].iter().flatten().any(|earlier| earlier == own)
            {
                causes.push(Cause::duplicate(&format!("{path}[{index}]"), own));
            }
        }
    }

    fn check_fields(&self, object: &Value, path: &str, causes: &mut Vec<Cause>) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        for key in self.required.iter().filter(|key| object.get(key.as_str()).is_none()) {
            causes.push(Cause::required(&below(key), ""));
        }
        let fields = object.as_object().map_or(0, serde_json::Map::len) as u64;
        if let Some(least) = self.limits.min_properties.filter(|least| fields < *least) {
            let detail = format!("{path} in body should have at least {least} properties");
            causes.push(Cause::invalid(path, &json!(fields), &detail));
        }
        if let Some(most) = self.limits.max_properties.filter(|most| fields > *most) {
            causes.push(Cause::too_many(path, usize::try_from(fields).unwrap_or(usize::MAX), most));
        }
        for (key, value) in object.as_object().into_iter().flatten() {
            // Metadata has its own validation, whatever the schema says of it.
            if path.is_empty() && key == "metadata" {
                continue;
            }
            if let Some(schema) = self.properties.get(key).or(self.additional.as_deref()) {
                schema.check(value, &below(key), causes);
            }
        }
    }

    fn check_combinations(&self, value: &Value, path: &str, causes: &mut Vec<Cause>) {
        for schema in &self.all_of {
            schema.check(value, path, causes);
        }
        let mut refuse = |what: &str| {
            let shown = if value.is_object() || value.is_array() { json!("") } else { value.clone() };
            // The library behind it gives these no field.
            causes.push(Cause::invalid("<nil>", &shown, &format!("\"{path}\" must {what}")));
        };
        if !self.any_of.is_empty() && !self.any_of.iter().any(|schema| schema.accepts(value)) {
            refuse("validate at least one schema (anyOf)");
        }
        if !self.one_of.is_empty() {
            match self.one_of.iter().filter(|schema| schema.accepts(value)).count() {
                0 => refuse("validate one and only one schema (oneOf). Found none valid"),
                1 => {}
                several => {
                    refuse(&format!(
                        "validate one and only one schema (oneOf). Found {several} valid alternatives"
                    ));
                }
            }
        }
        if self.not.as_ref().is_some_and(|schema| schema.accepts(value)) {
            refuse("not validate the schema (not)");
        }
    }

    fn check_immutable(&self, new: &Value, old: &Value, path: &str, causes: &mut Vec<Cause>) {
        for message in self.immutable.iter().filter(|_| new != old) {
            let shown = if new.is_object() || new.is_array() { json!(kind(new)) } else { new.clone() };
            causes.push(Cause::invalid(path, &shown, message));
        }
        for (key, value) in new.as_object().into_iter().flatten() {
            let schema = self.properties.get(key).or(self.additional.as_deref());
            if let (Some(schema), Some(old)) = (schema, old.get(key)) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                schema.check_immutable(value, old, &path, causes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &Value, object: &Value, expected: &[&str]) {
        let causes = Schema::parse(schema).validate(object, None);
        let texts: Vec<String> = causes.iter().map(Cause::to_string).collect();
        assert_eq!(texts, expected);
    }

    fn spec(field: &Value) -> Value {
        json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"x": field}}}})
    }

    #[test]
    fn texts_are_those_of_kubernetes() {
        let x = |value: Value| json!({"spec": {"x": value}});
        for (field, value, expected) in [
            (
                json!({"type": "integer"}),
                json!("five"),
                r#"spec.x: Invalid value: "string": spec.x in body must be of type integer: "string""#,
            ),
            (
                json!({"type": "string", "enum": ["a", "b"]}),
                json!("c"),
                r#"spec.x: Unsupported value: "c": supported values: "a", "b""#,
            ),
            (
                json!({"type": "integer", "minimum": 0}),
                json!(-1),
                "spec.x: Invalid value: -1: spec.x in body should be greater than or equal to 0",
            ),
            (
                json!({"type": "integer", "maximum": 9}),
                json!(10),
                "spec.x: Invalid value: 10: spec.x in body should be less than or equal to 9",
            ),
            (
                json!({"type": "integer", "format": "int32"}),
                json!(3_000_000_000_u64),
                r#"<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.x"#,
            ),
            (
                json!({"type": "integer", "format": "int64"}),
                json!(9_223_372_036_854_775_808_u64),
                r#"<nil>: Invalid value: "": Checked value must be of type integer with format int64 in spec.x"#,
            ),
            (
                json!({"type": "string", "pattern": "^[a-z]+$"}),
                json!("A"),
                r#"spec.x: Invalid value: "A": spec.x in body should match '^[a-z]+$'"#,
            ),
            (
                json!({"type": "string", "minLength": 1}),
                json!(""),
                r#"spec.x: Invalid value: "": spec.x in body should be at least 1 chars long"#,
            ),
            (
                json!({"type": "string", "maxLength": 1}),
                json!("ab"),
                "spec.x: Too long: may not be more than 1 bytes",
            ),
            (
                json!({"type": "array", "items": {"type": "string"}, "maxItems": 1}),
                json!(["a", "b"]),
                "spec.x: Too many: 2: must have at most 1 items",
            ),
            (
                json!({"type": "array", "items": {"type": "string"}}),
                json!(["a", 1]),
                r#"spec.x[1]: Invalid value: "integer": spec.x[1] in body must be of type string: "integer""#,
            ),
            (
                json!({"type": "object", "required": ["y"], "properties": {"y": {"type": "string"}}}),
                json!({}),
                "spec.x.y: Required value",
            ),
            (
                json!({"x-kubernetes-int-or-string": true}),
                json!(true),
                r#"spec.x: Invalid value: "boolean": spec.x in body must be of type integer,string: "boolean""#,
            ),
        ] {
            check(&spec(&field), &x(value), &[expected]);
        }
    }

    #[test]
    fn what_fits_is_accepted() {
        for (field, value) in [
            (json!({"x-kubernetes-int-or-string": true}), json!("25%")),
            (json!({"x-kubernetes-int-or-string": true}), json!(3)),
            (json!({"type": "string", "nullable": true}), json!(null)),
            (json!({"type": "number"}), json!(3)),
            (json!({"type": "integer", "format": "int32"}), json!(i32::MAX)),
            (json!({"type": "integer", "format": "int32"}), json!(i32::MIN)),
            (json!({"type": "integer", "format": "int64"}), json!(i64::MAX)),
            (json!({"type": "integer"}), json!(3_000_000_000_u64)),
            (json!({"type": "object", "additionalProperties": {"type": "string"}}), json!({"a": "b"})),
        ] {
            check(&spec(&field), &json!({"spec": {"x": value}}), &[]);
        }
    }

    #[test]
    fn lists_as_maps_have_no_duplicates() {
        let field = json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "properties": {"name": {"type": "string"}, "v": {"type": "integer"}}}});
        let object = json!({"spec": {"x": [{"name": "a", "v": 1}, {"name": "b"}, {"name": "a", "v": 2}]}});
        check(&spec(&field), &object, &[r#"spec.x[2]: Duplicate value: {"name":"a"}"#]);
    }

    #[test]
    fn one_of_and_not() {
        let field = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true,
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "not": {"required": ["c"]}});
        check(&spec(&field), &json!({"spec": {"x": {"a": 1}}}), &[]);
        let none = r#"<nil>: Invalid value: "": "spec.x" must validate one and only one schema (oneOf). Found none valid"#;
        let not = r#"<nil>: Invalid value: "": "spec.x" must not validate the schema (not)"#;
        check(&spec(&field), &json!({"spec": {"x": {"c": 1}}}), &[none, not]);
    }

    #[test]
    fn the_rule_self_equals_old_self_makes_immutable() {
        let field = json!({"type": "string", "x-kubernetes-validations": [
            {"rule": "self == oldSelf", "message": "x is immutable"}, {"rule": "self != ''"}]});
        let schema = Schema::parse(&spec(&field));
        let object = |x| json!({"spec": {"x": x}});
        assert!(schema.validate(&object("a"), Some(&object("a"))).is_empty());
        let causes = schema.validate(&object("b"), Some(&object("a")));
        assert_eq!(causes[0].to_string(), r#"spec.x: Invalid value: "b": x is immutable"#);
        assert_eq!(causes.len(), 1);
    }
}
