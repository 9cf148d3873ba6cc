//! From a script that breaks a promise to a short one that breaks it the same way.

use serde_json::Value;

use super::play::{Broken, Played, play};
use crate::scenario::{Script, Step};

/// A shorter script with a failure of the same kind, found with at most `budget` plays, and what was broken in it.
#[must_use]
pub fn shrink(played: &Played, broken: &Broken, budget: usize) -> (Script, Broken) {
    let script = without_output(&played.script);
    let mut search = Search { best: (script, broken.clone()), kind: broken.kind(), left: budget };
    search.name_the_strikes(played);
    search.drop_steps();
    search.simplify_objects();
    search.drop_steps();
    search.best
}

struct Search {
    best: (Script, Broken),
    kind: String,
    left: usize,
}

impl Search {
    /// Takes a script if it fails in the same way.
    fn take(&mut self, text: &str) -> bool {
        if self.left == 0 {
            return false;
        }
        let Ok(script) = Script::parse(text) else { return false };
        if script == self.best.0 {
            return false;
        }
        self.left -= 1;
        let found = play(&script).broken.filter(|broken| broken.kind() == self.kind);
        let is_same = found.is_some();
        if let Some(broken) = found {
            self.best = (script, broken);
        }
        is_same
    }

    /// So many lines may be left out. Where the end is not as it must be, everything from the last `calm` on makes it one that must come:
    /// without it a Rollout would wait rightly.
    fn free(&self, lines: &[String]) -> usize {
        let is_about_the_end = ["end", "I10"].contains(&self.best.1.rule.as_str());
        let calm = lines.iter().rposition(|line| line == "$ calm");
        calm.filter(|_| is_about_the_end).unwrap_or(lines.len())
    }

    /// Faults by rates become faults at writes: those can be left out one by one.
    fn name_the_strikes(&mut self, played: &Played) {
        let lines = lines(&self.best.0);
        let is_rate = |line: &&String| line.starts_with("$ faults ");
        let first = lines.iter().position(|line| line.starts_with("$ ")).unwrap_or(lines.len());
        let strikes = played.record.strikes.iter();
        let strikes = strikes.map(|(number, fault)| format!("$ fault {} at write {number}", fault.name()));
        let (head, tail) = lines.split_at(first);
        let named = head.iter().cloned().chain(strikes).chain(tail.iter().filter(|it| !is_rate(it)).cloned());
        self.take(&joined(named));
    }

    /// Leaves out ever smaller pieces, until no single step can be left out.
    fn drop_steps(&mut self) {
        let mut size = lines(&self.best.0).len() / 2;
        while size > 0 {
            let mut from = 0;
            let mut has_shrunk = false;
            loop {
                let lines = lines(&self.best.0);
                let end = self.free(&lines);
                if from >= end || self.left == 0 {
                    break;
                }
                let rest = lines.iter().take(from).chain(lines.iter().skip(end.min(from + size)));
                if self.take(&joined(rest.cloned())) {
                    has_shrunk = true;
                } else {
                    from += size;
                }
            }
            if !(has_shrunk && size == 1) {
                size /= 2;
            }
        }
    }

    /// Leaves out members of specs.
    fn simplify_objects(&mut self) {
        for index in 0..self.free(&lines(&self.best.0)) {
            let mut tried = Vec::new();
            loop {
                let lines = lines(&self.best.0);
                let Some((command, object)) = lines.get(index).and_then(|line| inline_object(line)) else {
                    break;
                };
                let Some(path) = members(&object).into_iter().find(|path| !tried.contains(path)) else {
                    break;
                };
                let mut simpler = object.clone();
                remove(&mut simpler, &path);
                tried.push(path);
                let line = format!("{command}'{simpler}'");
                let changed = lines.iter().enumerate();
                let changed = changed.map(|(at, old)| if at == index { line.clone() } else { old.clone() });
                self.take(&joined(changed));
                if self.left == 0 {
                    return;
                }
            }
        }
    }
}

fn without_output(script: &Script) -> Script {
    let mut script = script.clone();
    for step in &mut script.steps {
        if let Step::Command { output, .. } = step {
            output.clear();
        }
    }
    script
}

fn lines(script: &Script) -> Vec<String> {
    without_output(script).to_string().lines().map(str::to_owned).collect()
}

fn joined(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| line + "\n").collect()
}

/// The object in `$ kubectl apply -f - <<< 'OBJECT'`, and what stands before it.
fn inline_object(line: &str) -> Option<(&str, Value)> {
    let (command, rest) = line.split_at(line.find('\'')?);
    let object: Value = serde_json::from_str(rest.strip_prefix('\'')?.strip_suffix('\'')?).ok()?;
    Some((command, object))
}

/// Members that an object may do without, the larger first.
fn members(object: &Value) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for path in [vec!["spec"], vec!["spec", "strategy", "canary"], vec!["spec", "strategy", "blueGreen"]] {
        let at = path.iter().fold(object, |value, key| &value[*key]);
        let names = at.as_object().into_iter().flat_map(serde_json::Map::keys);
        let needed = ["template", "selector", "strategy", "workloadRef", "ports"];
        let names = names.filter(|name| !needed.contains(&name.as_str()));
        let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
        found.extend(names.map(|name| path.iter().cloned().chain([name.clone()]).collect()));
    }
    found
}

fn remove(object: &mut Value, path: &[String]) {
    let Some((last, parents)) = path.split_last() else { return };
    let at = parents.iter().fold(object, |value, key| &mut value[key.as_str()]);
    if let Some(members) = at.as_object_mut() {
        members.remove(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_lose_one_member_after_the_other() {
        let line =
            r#"$ kubectl apply -f - <<< '{"spec":{"replicas":2,"strategy":{"canary":{"maxSurge":1}}}}'"#;
        let (command, object) = inline_object(line).unwrap();
        assert_eq!(command, "$ kubectl apply -f - <<< ");
        let paths: Vec<String> = members(&object).iter().map(|path| path.join(".")).collect();
        assert_eq!(paths, ["spec.replicas", "spec.strategy.canary.maxSurge"]);
        let mut simpler = object.clone();
        remove(&mut simpler, &members(&object)[1]);
        assert_eq!(simpler["spec"]["strategy"]["canary"], serde_json::json!({}));
    }
}
