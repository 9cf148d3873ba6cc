//! Sets of fields: a tree of steps, of which some are members.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::path::Step;

/// A set of paths. That a path is a member says nothing of the paths above and below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Set {
    members: BTreeSet<Step>,
    /// Sets that are not empty.
    children: BTreeMap<Step, Set>,
}

impl Set {
    /// The set of paths of member names.
    pub(crate) fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            let path: Vec<Step> = path.iter().map(|name| Step::field(name)).collect();
            set.insert(&path);
        }
        set
    }

    /// Adds a path; the empty one, the whole object, is never a member.
    pub(crate) fn insert(&mut self, path: &[Step]) {
        match path {
            [] => {}
            [last] => _ = self.members.insert(last.clone()),
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    pub(crate) fn has(&self, path: &[Step]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|child| child.has(rest)),
        }
    }

    pub(crate) fn has_member(&self, step: &Step) -> bool {
        self.members.contains(step)
    }

    /// What is below a step.
    pub(crate) fn below(&self, step: &Step) -> Option<&Self> {
        self.children.get(step).filter(|child| !child.is_empty())
    }

    pub(crate) fn union(mut self, other: &Self) -> Self {
        self.members.extend(other.members.iter().cloned());
        for (step, child) in &other.children {
            let known = self.children.remove(step).unwrap_or_default();
            self.children.insert(step.clone(), known.union(child));
        }
        self
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(step, child)| {
            let common = child.intersection(other.children.get(step)?);
            (!common.is_empty()).then(|| (step.clone(), common))
        });
        Self {
            members: self.members.intersection(&other.members).cloned().collect(),
            children: children.collect(),
        }
    }

    /// The members of this set that are no members of the other.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        self.without(other, false)
    }

    /// The members of this set that are neither members of the other nor below one.
    pub(crate) fn difference_with_all_below(&self, other: &Self) -> Self {
        self.without(other, true)
    }

    fn without(&self, other: &Self, with_all_below: bool) -> Self {
        let children = self.children.iter().filter_map(|(step, child)| {
            if with_all_below && other.members.contains(step) {
                return None;
            }
            let left = match other.children.get(step) {
                Some(other) => child.without(other, with_all_below),
                None => child.clone(),
            };
            (!left.is_empty()).then(|| (step.clone(), left))
        });
        Self {
            members: self.members.difference(&other.members).cloned().collect(),
            children: children.collect(),
        }
    }

    /// The set with what `rule` makes of what is below each step, and with the steps that `rule` wants as members.
    pub(crate) fn mapped(&self, mut rule: impl FnMut(&Step, &Self) -> (bool, Self)) -> Self {
        let mut set = Self { members: self.members.clone(), children: BTreeMap::new() };
        for (step, child) in &self.children {
            let (is_member, child) = rule(step, child);
            if is_member {
                set.members.insert(step.clone());
            }
            if !child.is_empty() {
                set.children.insert(step.clone(), child);
            }
        }
        set
    }

    /// All members: those of a level before those below it, each in order.
    pub(crate) fn paths(&self) -> Vec<Vec<Step>> {
        let mut paths: Vec<Vec<Step>> = self.members.iter().map(|step| vec![step.clone()]).collect();
        for (step, child) in &self.children {
            paths.extend(child.paths().into_iter().map(|mut path| {
                path.insert(0, step.clone());
                path
            }));
        }
        paths
    }

    /// Reads `fieldsV1`.
    pub(crate) fn decode(fields: &Value) -> Result<Self, ()> {
        let mut set = Self::default();
        for (key, value) in fields.as_object().ok_or(())? {
            if key == "." {
                continue;
            }
            let Some(step) = Step::parse(key)? else { continue };
            let below = value.as_object().ok_or(())?;
            if below.is_empty() || below.contains_key(".") {
                set.members.insert(step.clone());
            }
            let child = Self::decode(value)?;
            if !child.is_empty() {
                set.children.insert(step, child);
            }
        }
        Ok(set)
    }

    /// The set as `fieldsV1`.
    pub(crate) fn encode(&self) -> Value {
        let mut fields = Map::new();
        for (step, child) in &self.children {
            let mut below = child.encode();
            if self.members.contains(step) {
                below["."] = json!({});
            }
            fields.insert(step.encode(), below);
        }
        for step in &self.members {
            fields.entry(step.encode()).or_insert_with(|| json!({}));
        }
        Value::Object(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(paths: &[&str]) -> Set {
        let mut set = Set::default();
        for path in paths {
            let path: Vec<Step> = path.split('.').map(Step::field).collect();
            set.insert(&path);
        }
        set
    }

    fn texts(set: &Set) -> Vec<String> {
        set.paths().iter().map(|path| super::super::path::shown(path)).collect()
    }

    #[test]
    fn sets_are_combined_member_by_member() {
        let (one, two) = (set(&["a", "a.b", "a.c", "d.e.f"]), set(&["a.b", "d", "x"]));
        assert_eq!(texts(&one.clone().union(&two)), [".a", ".d", ".x", ".a.b", ".a.c", ".d.e.f"]);
        assert_eq!(texts(&one.intersection(&two)), [".a.b"]);
        assert_eq!(texts(&one.difference(&two)), [".a", ".a.c", ".d.e.f"]);
        assert_eq!(texts(&one.difference_with_all_below(&two)), [".a", ".a.c"]);
        assert!(one.difference(&one).is_empty());
        assert!(one.has(&[Step::field("a"), Step::field("b")]) && !one.has(&[Step::field("d")]));
    }

    #[test]
    fn fields_are_written_and_read() {
        let fields = json!({"f:spec": {"f:a": {}, "f:list": {".": {}, "k:{\"name\":\"x\"}": {".": {}, "f:name": {}}}}});
        let set = Set::decode(&fields).unwrap();
        assert_eq!(set.encode(), fields);
        assert_eq!(
            texts(&set),
            [".spec.a", ".spec.list", r#".spec.list[name="x"]"#, r#".spec.list[name="x"].name"#]
        );
        assert_eq!(Set::decode(&json!({"x:later": {"f:a": {}}})), Ok(Set::default()));
        for wrong in [json!(1), json!({"f:a": 1}), json!({"nope": {}})] {
            assert_eq!(Set::decode(&wrong), Err(()));
        }
    }
}
