//! What differs between two objects, and which fields an object has.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::path::{Step, is_same};
use super::set::Set;
use super::shape::{Part, Resolved, Type};

/// The fields in which two objects differ.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) removed: Set,
    pub(crate) modified: Set,
    pub(crate) added: Set,
}

impl Comparison {
    /// Without the fields of a set and all below them.
    pub(crate) fn excluding(&self, ignored: &Set) -> Self {
        Self {
            removed: self.removed.difference_with_all_below(ignored),
            modified: self.modified.difference_with_all_below(ignored),
            added: self.added.difference_with_all_below(ignored),
        }
    }

    /// The fields that have another value than before, or have one only now.
    pub(crate) fn written(&self) -> Set {
        self.modified.clone().union(&self.added)
    }
}

/// Compares two objects of a type.
pub(crate) fn compare(old: &Value, new: &Value, ty: &Type) -> Comparison {
    let mut walk = Walk { path: Vec::new(), found: Comparison::default() };
    walk.compare(Some(old), Some(new), ty);
    walk.found
}

struct Walk {
    path: Vec<Step>,
    found: Comparison,
}

impl Walk {
    fn compare(&mut self, old: Option<&Value>, new: Option<&Value>, ty: &Type) {
        let resolved = ty.resolve();
        let mut parts: Vec<Part> =
            [old, new].into_iter().flatten().map(|value| resolved.part(value)).collect();
        parts.dedup();
        let mut is_leaf = false;
        for part in parts {
            is_leaf = match part {
                Part::Scalar => self.leaf(old, new),
                Part::List => self.lists(
                    [old, new],
                    [old.and_then(Value::as_array), new.and_then(Value::as_array)],
                    resolved,
                ),
                Part::Map => self.maps(
                    [old, new],
                    [old.and_then(Value::as_object), new.and_then(Value::as_object)],
                    resolved,
                ),
            };
        }
        if !is_leaf {
            match (old, new) {
                (None, _) => self.found.added.insert(&self.path),
                (_, None) => self.found.removed.insert(&self.path),
                _ => {}
            }
        }
    }

    /// A value that is owned whole.
    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>) -> bool {
        match (old, new) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            (Some(old), Some(new)) if !is_same(old, new) => self.found.modified.insert(&self.path),
            _ => {}
        }
        true
    }

    fn maps(
        &mut self,
        [old, new]: [Option<&Value>; 2],
        [before, after]: [Option<&Map<String, Value>>; 2],
        resolved: Resolved<'_>,
    ) -> bool {
        let is_empty = |map: Option<&Map<String, Value>>| map.is_none_or(Map::is_empty);
        if resolved.is_atomic_map() || (is_empty(before) && is_empty(after)) {
            return self.leaf(old, new);
        }
        let of = |map: Option<&Map<String, Value>>| -> Vec<String> {
            map.into_iter().flat_map(|map| map.keys().cloned()).collect()
        };
        let mut names = [of(before), of(after)].concat();
        names.sort();
        names.dedup();
        for name in names {
            let [old, new] = [before, after].map(|map| map.and_then(|map| map.get(&name)));
            let ty = resolved.member(&name).unwrap_or(&Type::Deduced);
            self.step(Step::Field(name), old, new, ty);
        }
        false
    }

    fn lists(
        &mut self,
        [old, new]: [Option<&Value>; 2],
        [before, after]: [Option<&Vec<Value>>; 2],
        resolved: Resolved<'_>,
    ) -> bool {
        let is_empty = |list: Option<&Vec<Value>>| list.is_none_or(Vec::is_empty);
        if resolved.is_atomic_list() || (is_empty(before) && is_empty(after)) {
            return self.leaf(old, new);
        }
        let [before, after] = [before, after].map(|list| by_step(list.map_or(&[], Vec::as_slice), resolved));
        let mut steps: Vec<&Step> = before.keys().chain(after.keys()).collect();
        steps.sort();
        steps.dedup();
        for step in steps {
            let [old, new] = [&before, &after].map(|map| map.get(step).map_or(&[][..], Vec::as_slice));
            self.elements(step, old, new, resolved.items());
        }
        false
    }

    /// Compares the elements of one key. Several of the same key are owned as one.
    fn elements(&mut self, step: &Step, old: &[&Value], new: &[&Value], ty: &Type) {
        let mut path = self.path.clone();
        path.push(step.clone());
        match (old, new) {
            ([] | [_], [] | [_]) => self.step(step.clone(), old.first().copied(), new.first().copied(), ty),
            ([_, _, ..], [_, _, ..]) => {
                let same = old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_same(old, new));
                if !same {
                    self.found.modified.insert(&path);
                }
            }
            ([_, _, ..], _) => {
                if let Some(new) = new.first() {
                    self.step(step.clone(), None, Some(new), ty);
                }
                self.found.removed.insert(&path);
            }
            (_, [_, _, ..]) => {
                if let Some(old) = old.first() {
                    self.step(step.clone(), Some(old), None, ty);
                }
                self.found.added.insert(&path);
            }
        }
    }

    fn step(&mut self, step: Step, old: Option<&Value>, new: Option<&Value>, ty: &Type) {
        self.path.push(step);
        self.compare(old, new, ty);
        self.path.pop();
    }
}

/// The elements of a list by their steps; those that have none are left out.
fn by_step<'a>(list: &'a [Value], resolved: Resolved<'_>) -> BTreeMap<Step, Vec<&'a Value>> {
    let mut found: BTreeMap<Step, Vec<&Value>> = BTreeMap::new();
    for element in list {
        if let Ok(step) = resolved.step_to(element) {
            found.entry(step).or_default().push(element);
        }
    }
    found
}

/// The fields that an object sets.
pub(crate) fn fields_of(object: &Value, ty: &Type) -> Set {
    let mut set = Set::default();
    collect(object, ty, &mut Vec::new(), &mut set);
    set
}

fn collect(value: &Value, ty: &Type, path: &mut Vec<Step>, set: &mut Set) {
    let resolved = ty.resolve();
    match resolved.part(value) {
        Part::Scalar => set.insert(path),
        Part::Map if resolved.is_atomic_map() => set.insert(path),
        Part::List if resolved.is_atomic_list() => set.insert(path),
        Part::Map => {
            for (name, member) in value.as_object().into_iter().flatten() {
                path.push(Step::field(name));
                collect(member, resolved.member(name).unwrap_or(&Type::Deduced), path, set);
                let is_empty = member.is_null() || member.as_object().is_some_and(Map::is_empty);
                if is_empty || !resolved.names(name) {
                    set.insert(path);
                }
                path.pop();
            }
        }
        Part::List => {
            for (step, elements) in by_step(value.as_array().map_or(&[], Vec::as_slice), resolved) {
                path.push(step);
                if let [only] = elements.as_slice() {
                    collect(only, resolved.items(), path, set);
                }
                set.insert(path);
                path.pop();
            }
        }
    }
}

/// The set with those members of structs that have members of the set below them.
pub(crate) fn with_named_fields(set: &Set, ty: Option<&Type>) -> Set {
    let resolved = ty.map(Type::resolve);
    set.mapped(|step, child| {
        let is_named =
            matches!((step, resolved), (Step::Field(name), Some(resolved)) if resolved.names(name));
        let ty = match step {
            Step::Value(_) | Step::Index(_) => None,
            step => resolved.and_then(|resolved| resolved.after(step)),
        };
        (is_named, with_named_fields(child, ty))
    })
}

/// The set of an owner from before its type changed: where fields of a value that is owned whole by now are members, the value is.
pub(crate) fn reshaped(set: &Set, ty: Option<&Type>) -> Set {
    let Some(resolved) = ty.map(Type::resolve) else { return set.clone() };
    set.mapped(|step, child| {
        let ty = resolved.after(step);
        if ty.is_some_and(|ty| ty.resolve().is_whole()) {
            return (true, Set::default());
        }
        (false, reshaped(child, ty))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::path::shown;
    use super::super::shape::of_schema;
    use super::*;

    fn ty() -> Type {
        let items = json!({"type": "object", "properties": {"n": {"type": "string"}, "v": {}}});
        Type::Inline(Arc::new(of_schema(&json!({"properties": {
            "keyed": {"type": "array", "items": items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"]},
            "set": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
            "plain": {"type": "array", "items": {"type": "string"}},
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "any": {"x-kubernetes-preserve-unknown-fields": true},
        }}))))
    }

    fn texts(set: &Set) -> Vec<String> {
        set.paths().iter().map(|path| shown(path)).collect()
    }

    /// What is removed, modified and added.
    #[track_caller]
    fn check(old: &Value, new: &Value, expected: [&[&str]; 3]) {
        let found = compare(old, new, &ty());
        assert_eq!([&found.removed, &found.modified, &found.added].map(texts), expected, "{old} {new}");
    }

    #[test]
    fn objects_are_compared_field_by_field() {
        check(
            &json!({"map": {"a": "1", "b": "1"}, "plain": ["x"]}),
            &json!({"map": {"a": "2", "c": "1"}, "plain": ["x", "y"]}),
            [&[".map.b"], &[".plain", ".map.a"], &[".map.c"]],
        );
        // What comes whole is added with all that is in it; what was null or empty only by that.
        check(&json!({}), &json!({"map": {"a": "1"}}), [&[], &[], &[".map", ".map.a"]]);
        check(&json!({"map": null}), &json!({"map": {"a": "1"}}), [&[], &[], &[".map.a"]]);
        check(&json!({"map": {"a": "1"}}), &json!({"map": {}}), [&[".map.a"], &[], &[]]);
        check(&json!({"map": {}}), &json!({}), [&[".map"], &[], &[]]);
        check(&json!({"any": 1}), &json!({"any": 1.0}), [&[], &[], &[]]);
        check(&json!({"any": 1}), &json!({"any": {"a": 1}}), [&[], &[".any"], &[".any.a"]]);
        check(&json!({"any": {"a": [1]}}), &json!({"any": {"a": [2]}}), [&[], &[".any.a"], &[]]);
    }

    #[test]
    fn elements_are_compared_by_key_or_value() {
        check(
            &json!({"keyed": [{"n": "a", "v": 1}, {"n": "b"}], "set": ["x", "y"]}),
            &json!({"keyed": [{"n": "b"}, {"n": "a", "v": 2}], "set": ["y", "z"]}),
            [&[".set[=\"x\"]"], &[".keyed[n=\"a\"].v"], &[".set[=\"z\"]"]],
        );
    }

    #[test]
    fn elements_of_the_same_key_are_owned_as_one() {
        let (one, two) = (json!({"n": "a", "v": 1}), json!({"n": "a", "v": 2}));
        check(&json!({"keyed": [one, two]}), &json!({"keyed": [two, one]}), [&[], &[".keyed[n=\"a\"]"], &[]]);
        check(
            &json!({"keyed": [one]}),
            &json!({"keyed": [one, two]}),
            [&[".keyed[n=\"a\"]", ".keyed[n=\"a\"].n", ".keyed[n=\"a\"].v"], &[], &[".keyed[n=\"a\"]"]],
        );
        assert_eq!(texts(&fields_of(&json!({"keyed": [one, two]}), &ty())), [".keyed[n=\"a\"]"]);
    }

    #[test]
    fn fields_are_those_that_are_set() {
        let object = json!({"map": {"a": "1"}, "set": ["x"], "plain": [], "any": {"deep": {"b": null, "c": {}}}, "keyed": []});
        assert_eq!(
            texts(&fields_of(&object, &ty())),
            [".plain", ".any.deep", ".any.deep.b", ".any.deep.c", ".map.a", ".set[=\"x\"]"]
        );
    }

    #[test]
    fn named_fields_belong_to_who_owns_what_is_in_them() {
        let set =
            Set::decode(&json!({"f:map": {"f:a": {}}, "f:keyed": {"k:{\"n\":\"a\"}": {"f:v": {}}}})).unwrap();
        assert_eq!(
            texts(&with_named_fields(&set, Some(&ty()))),
            [".keyed", ".map", ".keyed[n=\"a\"].v", ".map.a"]
        );
    }
}
