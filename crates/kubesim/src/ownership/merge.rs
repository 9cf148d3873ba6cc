//! Merging an applied configuration into an object, and taking fields out of one.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::path::Step;
use super::set::Set;
use super::shape::{Part, Resolved, Type};

/// The object with what the configuration says. Where both have lists or objects that are not owned whole, these are merged.
pub(crate) fn merge(live: &Value, configuration: &Value, ty: &Type) -> Value {
    merged(Some(live), Some(configuration), ty).unwrap_or(Value::Null)
}

fn merged(live: Option<&Value>, given: Option<&Value>, ty: &Type) -> Option<Value> {
    let (live, given) = match (live, given) {
        (live, None) => return live.cloned(),
        (None, given) => return given.cloned(),
        (Some(live), Some(given)) => (live, given),
    };
    let resolved = ty.resolve();
    match resolved.part(given) {
        Part::Scalar => Some(given.clone()),
        Part::Map => {
            let maps = [live, given].map(Value::as_object);
            if resolved.is_atomic_map() || maps.iter().all(|map| map.is_none_or(Map::is_empty)) {
                return Some(given.clone());
            }
            merged_maps(maps, resolved)
        }
        Part::List => {
            let lists = [live, given].map(|value| value.as_array().map_or(&[][..], Vec::as_slice));
            if resolved.is_atomic_list() || lists.iter().all(|list| list.is_empty()) {
                return Some(given.clone());
            }
            let list = merged_lists(lists, resolved);
            (!list.is_empty()).then_some(Value::Array(list))
        }
    }
}

fn merged_maps([live, given]: [Option<&Map<String, Value>>; 2], resolved: Resolved<'_>) -> Option<Value> {
    let mut out = Map::new();
    let names = live.into_iter().chain(given).flat_map(Map::keys);
    for name in names {
        if out.contains_key(name) {
            continue;
        }
        let [live, given] = [live, given].map(|map| map.and_then(|map| map.get(name)));
        let ty = resolved.member(name).unwrap_or(&Type::Deduced);
        if let Some(value) = merged(live, given, ty) {
            out.insert(name.clone(), value);
        }
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

/// The elements of both lists. Those of the configuration stand in its order, the others stay where they were between them.
fn merged_lists([live, given]: [&[Value]; 2], resolved: Resolved<'_>) -> Vec<Value> {
    let keyed = |list: &'_ [Value]| -> Vec<(Step, Value)> {
        list.iter().filter_map(|item| Some((resolved.step_to(item).ok()?, item.clone()))).collect()
    };
    let (live, given) = (keyed(live), keyed(given));
    let mut places: BTreeMap<&Step, Option<&Value>> = BTreeMap::new();
    for (step, value) in &live {
        // Of several elements with the same key none is merged into.
        places.entry(step).and_modify(|place| *place = None).or_insert(Some(value));
    }
    let wanted: BTreeMap<&Step, &Value> = given.iter().map(|(step, value)| (step, value)).collect();
    let mut shared = given.iter().map(|(step, _)| step).filter(|step| places.contains_key(step));
    let mut next_shared = shared.next();
    let mut out = Vec::new();
    let take = |step: &Step, done: &mut Vec<Step>| {
        done.push(step.clone());
        let live = places.get(step).copied().flatten();
        out_of(live, wanted.get(step).copied(), resolved)
    };
    let mut done = Vec::new();
    let (mut left, mut right) = (0, 0);
    while left < live.len() || right < given.len() {
        if let (Some((ours, _)), Some((theirs, _))) = (live.get(left), given.get(right)) {
            if ours == theirs {
                out.extend(take(ours, &mut done));
                left += 1;
                right += 1;
                next_shared = shared.next();
                continue;
            }
            if wanted.contains_key(ours) && next_shared.is_some_and(|next| next != ours) {
                // It is wanted, but not yet.
                left += 1;
                continue;
            }
        }
        if let Some((ours, value)) = live.get(left) {
            if !wanted.contains_key(ours) {
                out.push(value.clone());
                left += 1;
                continue;
            }
            if done.contains(ours) {
                left += 1;
            }
        }
        if let Some((theirs, _)) = given.get(right) {
            out.extend(take(theirs, &mut done));
            right += 1;
            if next_shared == Some(theirs) {
                next_shared = shared.next();
            }
        }
    }
    out
}

fn out_of(live: Option<&Value>, given: Option<&Value>, resolved: Resolved<'_>) -> Option<Value> {
    merged(live, given, resolved.items())
}

/// The object without the fields of a set.
pub(crate) fn without(value: &Value, gone: &Set, ty: &Type) -> Value {
    let resolved = ty.resolve();
    match resolved.part(value) {
        Part::Scalar => value.clone(),
        Part::Map => {
            let members = value.as_object().filter(|_| !resolved.is_atomic_map());
            let mut out = Map::new();
            for (name, member) in members.into_iter().flatten() {
                let step = Step::field(name);
                if gone.has_member(&step) {
                    continue;
                }
                let ty = resolved.member(name).unwrap_or(&Type::Deduced);
                let left = match gone.below(&step) {
                    Some(below) => without(member, below, ty),
                    None => member.clone(),
                };
                out.insert(name.clone(), left);
            }
            if out.is_empty() { Value::Null } else { Value::Object(out) }
        }
        Part::List => {
            let items = value.as_array().filter(|_| !resolved.is_atomic_list());
            let mut out = Vec::new();
            for item in items.into_iter().flatten() {
                let Ok(step) = resolved.step_to(item) else {
                    out.push(item.clone());
                    continue;
                };
                if gone.has_member(&step) {
                    continue;
                }
                out.push(match gone.below(&step) {
                    Some(below) => without(item, below, resolved.items()),
                    None => item.clone(),
                });
            }
            if out.is_empty() { Value::Null } else { Value::Array(out) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::shape::of_schema;
    use super::*;

    fn ty() -> Type {
        let items = json!({"type": "object", "properties": {"n": {"type": "string"}, "v": {}}});
        Type::Inline(Arc::new(of_schema(&json!({"properties": {
            "keyed": {"type": "array", "items": items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"]},
            "plain": {"type": "array", "items": {"type": "string"}},
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "any": {"x-kubernetes-preserve-unknown-fields": true},
        }}))))
    }

    #[track_caller]
    fn check(live: &Value, configuration: &Value, expected: &Value) {
        assert_eq!(&merge(live, configuration, &ty()), expected, "{live} {configuration}");
    }

    #[test]
    fn what_is_not_owned_whole_is_merged() {
        check(
            &json!({"map": {"a": "1", "b": "1"}, "plain": ["x"], "any": {"a": {"b": 1}, "c": [1]}}),
            &json!({"map": {"b": "2"}, "plain": ["y"], "any": {"a": {"d": 1}, "c": [2]}}),
            &json!({"map": {"a": "1", "b": "2"}, "plain": ["y"], "any": {"a": {"b": 1, "d": 1}, "c": [2]}}),
        );
        // Null takes scalars and what is owned whole, and leaves what is merged.
        check(
            &json!({"map": {"a": "1"}, "plain": ["x"]}),
            &json!({"map": null, "plain": null}),
            &json!({"map": {"a": "1"}, "plain": null}),
        );
        check(&json!({"map": {}}), &json!({"map": null}), &json!({"map": null}));
    }

    #[test]
    fn elements_stand_where_the_configuration_wants_them() {
        let list = |names: &str| -> Value {
            names.chars().map(|name| json!({"n": name.to_string()})).collect::<Vec<_>>().into()
        };
        for (live, given, expected) in [
            ("abc", "", "abc"),
            ("", "ab", "ab"),
            ("abc", "cxa", "bcxa"),
            ("abc", "bd", "abcd"),
            ("abcd", "db", "acdb"),
            ("abc", "cba", "cba"),
            ("axb", "ab", "axb"),
        ] {
            let live = json!({"keyed": list(live)});
            check(&live, &json!({"keyed": list(given)}), &json!({"keyed": list(expected)}));
        }
    }

    #[test]
    fn elements_of_the_same_key_stay_until_the_configuration_has_one() {
        let live = json!({"keyed": [{"n": "a", "v": 1}, {"n": "a", "v": 2}, {"n": "b"}]});
        check(
            &live,
            &json!({"keyed": [{"n": "b", "v": 1}]}),
            &json!({"keyed": [
            {"n": "a", "v": 1}, {"n": "a", "v": 2}, {"n": "b", "v": 1}]}),
        );
        check(&live, &json!({"keyed": [{"n": "a"}]}), &json!({"keyed": [{"n": "a"}, {"n": "b"}]}));
    }

    #[test]
    fn what_is_emptied_is_null() {
        let object = json!({"map": {"a": "1"}, "keyed": [{"n": "a", "v": 1}, {"n": "b"}], "plain": ["x"]});
        let gone = |fields: Value| without(&object, &Set::decode(&fields).unwrap(), &ty());
        assert_eq!(
            gone(json!({"f:map": {"f:a": {}}, "f:keyed": {"k:{\"n\":\"a\"}": {"f:v": {}}}})),
            json!({"map": null, "keyed": [{"n": "a"}, {"n": "b"}], "plain": ["x"]})
        );
        assert_eq!(
            gone(json!({"f:map": {}, "f:plain": {}, "f:keyed": {"k:{\"n\":\"a\"}": {}}})),
            json!({"keyed": [{"n": "b"}]})
        );
    }
}
