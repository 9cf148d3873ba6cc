//! A decision as rows of text.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tidegate_core::{Evidence, Failure, Need, Plan, Purpose, ReplicaSet, Request, Snapshot, Wait, Write};
use tidegate_ops::text::{Icon, Look, Piece, Row, Style, image_tag, wrap};

use super::decision::Decision;

/// Values longer than this are told by their length.
const LONGEST_VALUE: usize = 400;

/// The decision; without `columns` a line is as long as it is.
pub(super) fn rows(decision: &Decision, columns: Option<usize>) -> Vec<Row> {
    let mut page = Page { columns, now: decision.input.now, rows: Vec::new() };
    page.subject(&decision.input.snapshot);
    page.recorded(decision);
    page.needs(&decision.needs);
    match &decision.plan {
        Ok(plan) => {
            page.title("Writes, in this order");
            page.writes(plan);
            page.timers(plan);
            page.waits("Waits for", plan);
        }
        Err(words) => {
            page.title("Deciding panics");
            page.line(2, words);
        }
    }
    page.rows
}

/// What is decided now beside what was recorded.
fn compared((then, failure): (Option<&Plan>, &Failure), now: &Result<Plan, String>) -> &'static str {
    match (failure, then, now) {
        (Failure::Panic(_), _, Ok(_)) => {
            "it does not panic now, and decides what stands below: another version, or another time"
        }
        (Failure::Panic(_), _, Err(_)) => "it panics now too, below",
        (_, _, Err(_)) => "it panics now, below: another version, or another time",
        (_, Some(then), Ok(now)) if then.writes == now.writes => "the same is decided now",
        (_, _, Ok(_)) => {
            "what is decided now, below, is something else: another version, another time, or a plan after a failure"
        }
    }
}

struct Page {
    columns: Option<usize>,
    now: Timestamp,
    rows: Vec<Row>,
}

impl Page {
    fn title(&mut self, title: &str) {
        self.rows.push(Row::new());
        self.rows.push(vec![Piece::bold(title)]);
    }

    /// Text behind so many blanks; what does not fit goes on below, two further in.
    fn line(&mut self, indent: usize, text: &str) {
        self.marked(indent, &Piece::plain(""), text);
    }

    fn marked(&mut self, indent: usize, mark: &Piece, text: &str) {
        let room = self.columns.map_or(usize::MAX, |columns| columns.saturating_sub(indent + 2));
        for (index, part) in wrap(text, room, "", "  ").into_iter().enumerate() {
            let mark = if index == 0 { mark.clone() } else { Piece::plain("") };
            self.rows.push(vec![Piece::plain(" ".repeat(indent)), mark, Piece::plain(part)]);
        }
    }

    fn subject(&mut self, snapshot: &Snapshot) {
        let (metadata, status) = (&snapshot.rollout.metadata, &snapshot.rollout.status);
        let at = format!("  generation {}, at {}", metadata.generation, self.now);
        self.rows.push(vec![
            Piece::plain("Rollout "),
            Piece::bold(format!("{}/{}", metadata.namespace, metadata.name)),
            Piece::dim(at),
        ]);
        if let Some(phase) = &status.phase {
            let icon = Icon::of_rollout(phase.as_str()).span();
            let mark = Piece::new(format!("{} {phase} ", icon.text), Look::Of(icon.style));
            match status.message.as_str() {
                "" => self.rows.push(vec![Piece::plain("  "), mark]),
                message => self.marked(2, &mark, message),
            }
        }
        for rs in &snapshot.replica_sets {
            self.line(2, &replica_set(rs, snapshot));
        }
    }

    fn recorded(&mut self, decision: &Decision) {
        let Some((plan, failure)) = &decision.input.recorded else { return };
        self.title("Recorded failure");
        let red = |text: &str| Piece::new(text, Look::Of(Style::Red));
        match failure {
            Failure::Panic(words) => self.marked(2, &red("✖ "), &format!("deciding panicked: {words}")),
            Failure::WokenInThePast => {
                self.marked(2, &red("✖ "), "the plan writes nothing and asks to be woken in the past");
            }
            Failure::Write { number, error } => {
                let write = plan.as_ref().and_then(|plan| plan.writes.get(*number));
                let what = write.map_or_else(|| "a write".to_owned(), headline);
                self.marked(2, &red("✖ "), &format!("write {} failed, {what}: {error}", number + 1));
                if let Some(write) = write {
                    self.details(4, write);
                }
            }
        }
        self.line(2, compared((plan.as_ref(), failure), &decision.plan));
        if let Some(next) = &decision.next {
            self.title("After this failure");
            for need in &next.needs {
                self.line(2, &format!("reads {}", need_in_words(need)));
            }
            if next.writes.is_empty() {
                self.line(2, "nothing else of the plan is written");
            }
            self.list(next);
            if next.retry {
                self.line(2, "it is tried again, later each time");
            }
            for event in &next.events {
                self.line(2, &format!("event {} {}: {}", event.type_, event.reason, event.message));
            }
            for wait in &next.report.waits {
                self.line(2, &in_words(wait));
            }
        }
    }

    fn needs(&mut self, needs: &[Need]) {
        if !needs.is_empty() {
            self.title("Would be read first");
        }
        for need in needs {
            self.line(2, &need_in_words(need));
        }
    }

    fn writes(&mut self, plan: &Plan) {
        if plan.writes.is_empty() {
            self.line(2, "none");
        }
        self.list(plan);
        for event in &plan.events {
            self.line(2, &format!("event {} {}: {}", event.type_, event.reason, event.message));
        }
    }

    fn list(&mut self, plan: &Plan) {
        for (number, write) in (1..).zip(&plan.writes) {
            self.marked(2, &Piece::bold(format!("{number}. ")), &headline(write));
            self.details(5, write);
            for event in &write.events {
                self.line(5, &format!("event {} {}: {}", event.type_, event.reason, event.message));
            }
        }
    }

    fn details(&mut self, indent: usize, write: &Write) {
        for change in changes(&write.request) {
            self.line(indent, &change);
        }
        self.marked(indent, &Piece::dim("only if "), &guard(&write.request));
    }

    fn timers(&mut self, plan: &Plan) {
        self.title("Asks again");
        if plan.wake_at.is_none() && plan.timers.is_empty() {
            self.line(2, "when something changes");
        }
        let mut timers = plan.timers.clone();
        timers.sort_by_key(|timer| timer.at());
        for timer in timers {
            self.line(2, &format!("at {}, {}: {}", timer.at(), self.distance(timer.at()), timer.reason()));
        }
        // Every plan names the reasons of its next instant; an old file may not.
        if let Some(at) = plan.wake_at.filter(|at| plan.timers.iter().all(|timer| timer.at() != *at)) {
            self.line(2, &format!("at {at}, {}", self.distance(at)));
        }
        if plan.retry {
            self.line(2, "and later each time, until it succeeds");
        }
    }

    /// `in 10s`
    fn distance(&self, at: Timestamp) -> String {
        let until = at.duration_since(self.now);
        let length = crate::simulate::time(Duration::try_from(until.abs()).unwrap_or_default());
        if until.is_negative() { format!("{length} ago") } else { format!("in {length}") }
    }

    fn waits(&mut self, title: &str, plan: &Plan) {
        self.title(title);
        if plan.report.waits.is_empty() {
            self.line(2, "nothing");
        }
        for wait in &plan.report.waits {
            self.line(2, &in_words(wait));
        }
    }
}

fn in_words(wait: &Wait) -> String {
    let Wait { object, field, because, since, until } = wait;
    let field = if field.is_empty() { String::new() } else { format!(" {field}") };
    let since = since.map_or(String::new(), |since| format!(" since {since}"));
    format!("{object}{field}: {because}{since}; until {until}")
}

/// `revision 2, web-abc, yellow: 4/5 ready, 3 available; stable`
fn replica_set(rs: &ReplicaSet, snapshot: &Snapshot) -> String {
    let status = &snapshot.rollout.status;
    let evidence = Evidence::ReplicaSet(rs.metadata.name.clone());
    let roles = [
        ("stable", rs.hash() == status.stable_rs),
        ("current", rs.hash() == status.current_pod_hash),
        ("active", rs.hash() == status.blue_green.active_selector),
        ("read live", snapshot.replica_sets_are_live || snapshot.fresh.contains(&evidence)),
    ];
    let roles: Vec<&str> = roles.into_iter().filter_map(|(role, holds)| holds.then_some(role)).collect();
    let revision = rs.revision().map_or_else(|| "no revision".to_owned(), |n| format!("revision {n}"));
    let images: Vec<&str> = rs.images.iter().map(|image| image_tag(image)).collect();
    format!(
        "{revision}, {}, {}: {}/{} ready, {} available{}{}",
        rs.metadata.name,
        images.join(" "),
        rs.status.ready_replicas,
        rs.replicas,
        rs.status.available_replicas,
        if roles.is_empty() { "" } else { "; " },
        roles.join(", ")
    )
}

fn need_in_words(need: &Need) -> String {
    match need {
        Need::Service(name) => format!("Service {name}, or the watched copy of it"),
        Need::Workload(reference) => {
            format!("the {} {} that spec.workloadRef names", reference.kind, reference.name)
        }
        Need::LiveUid => "the uid of the Rollout, live".to_owned(),
        Need::LiveReplicaSet(name) => format!("ReplicaSet {name}, live"),
        Need::Pods(hashes) => format!("pods of {}, live", hashes.join(", ")),
        Need::Router => "what the router does".to_owned(),
        Need::Fresh(objects) => {
            let names = objects.iter().map(|object| match object {
                Evidence::Rollout => "the Rollout".to_owned(),
                Evidence::ReplicaSet(name) => format!("ReplicaSet {name}"),
                Evidence::Service(name) => format!("Service {name}"),
            });
            let names: Vec<String> = names.collect();
            format!("{}, live: what is decided cannot be taken back", names.join(", "))
        }
        Need::ReplicaSets => "all ReplicaSets, live".to_owned(),
    }
}

/// `ReplicaSet shop/web-abc: size 1 -> 3`
fn headline(write: &Write) -> String {
    let what = match write.purpose {
        Purpose::CreateReplicaSet => "create it".to_owned(),
        Purpose::Scale { from, to } if from == to => format!("note the wanted size, it stays at {to}"),
        Purpose::Scale { from, to } | Purpose::ScaleWorkload { from, to } => format!("size {from} -> {to}"),
        Purpose::Status => "status".to_owned(),
        Purpose::Metadata => "metadata".to_owned(),
        Purpose::DefaultReplicas => "spec.replicas, which nobody has set".to_owned(),
        Purpose::Adopt => "adopt it".to_owned(),
        Purpose::Release => "release it".to_owned(),
        Purpose::CleanUp => "delete it, it is beyond the history limit".to_owned(),
        Purpose::SwitchService => "select another version".to_owned(),
        Purpose::Route => "move traffic".to_owned(),
        Purpose::Evict => "evict it for a restart".to_owned(),
        Purpose::PodMetadata => "metadata of its role".to_owned(),
    };
    format!("{}: {what}", write.object)
}

/// What a request changes, a line for each member.
fn changes(request: &Request) -> Vec<String> {
    match request {
        Request::Create { body } => {
            let replicas = &body["spec"]["replicas"];
            let images = body["spec"]["template"]["spec"]["containers"].as_array().into_iter().flatten();
            let images: Vec<&str> = images.filter_map(|it| it["image"].as_str()).collect();
            vec![format!("replicas {replicas}, images {}", images.join(", "))]
        }
        Request::JsonPatch { body, .. } => {
            let operations = body.as_array().into_iter().flatten().filter(|it| it["op"] != "test");
            operations
                .map(|it| {
                    let value = it.get("value").map_or(String::new(), |value| format!(" = {}", short(value)));
                    format!("{} {}{value}", text(&it["op"]), text(&it["path"]))
                })
                .collect()
        }
        Request::MergePatch { body, .. } => {
            let mut leaves = Vec::new();
            flatten("", body, &mut leaves);
            leaves
        }
        Request::Delete { .. } | Request::Evict { .. } => Vec::new(),
        Request::Route { intent } => {
            let (canary, stable) = (&intent.canary, &intent.stable);
            vec![format!(
                "{} of {} to {}, {} to {}",
                canary.weight, intent.max_weight, canary.service_name, stable.weight, stable.service_name
            )]
        }
    }
}

/// `status.phase = "Paused"`, one for each leaf.
fn flatten(path: &str, value: &Value, leaves: &mut Vec<String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                // A name with dots is one member.
                let name = if name.contains('.') { format!("[{name}]") } else { name.clone() };
                let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                flatten(&path, member, leaves);
            }
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(|item| item["type"].is_string()) => {
            for item in items {
                let (status, reason) = (text(&item["status"]), text(&item["reason"]));
                let message = text(&item["message"]);
                leaves.push(format!("{path}[{}] = {status} {reason}: {message}", text(&item["type"])));
            }
        }
        _ => leaves.push(format!("{path} = {}", short(value))),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    let length = text.chars().count();
    if length > LONGEST_VALUE { format!("({length} characters; -o json has them)") } else { text }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// On which condition the API server carries it out.
fn guard(request: &Request) -> String {
    match request {
        Request::Create { .. } => "no object of that name exists".to_owned(),
        Request::JsonPatch { body, .. } => {
            let tests = body.as_array().into_iter().flatten().filter(|it| it["op"] == "test");
            let tests: Vec<String> =
                tests.map(|it| format!("{} is {}", text(&it["path"]), short(&it["value"]))).collect();
            if tests.is_empty() { "it exists".to_owned() } else { tests.join(" and ") }
        }
        Request::MergePatch { resource_version, .. } => {
            format!("its resourceVersion is {resource_version}, or that of an earlier write of this plan")
        }
        Request::Evict { uid } => format!("its uid is {uid}"),
        Request::Delete { uid, resource_version } => {
            format!("its uid is {uid} and its resourceVersion {resource_version}")
        }
        Request::Route { .. } => "the Rollout has this router".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::ObjectRef;

    use super::*;

    #[test]
    fn a_failure_is_compared_with_what_is_decided_now() {
        let (plan, panics) = (Plan::default(), Err("index out of bounds".to_owned()));
        let other = Plan { writes: vec![some_write()], ..Plan::default() };
        let panic = Failure::Panic("index out of bounds".to_owned());
        let told = |then: Option<&Plan>, failure: &Failure, now: &Result<Plan, String>| {
            let text = compared((then, failure), now);
            text.split([',', ':']).next().unwrap_or_default().to_owned()
        };
        assert_eq!(told(None, &panic, &panics), "it panics now too");
        assert_eq!(told(None, &panic, &Ok(plan.clone())), "it does not panic now");
        assert_eq!(told(Some(&plan), &Failure::WokenInThePast, &panics), "it panics now");
        assert_eq!(told(Some(&plan), &Failure::WokenInThePast, &Ok(plan.clone())), "the same is decided now");
        assert_eq!(told(Some(&other), &Failure::WokenInThePast, &Ok(plan.clone())), "what is decided now");
    }

    fn some_write() -> Write {
        Write {
            object: ObjectRef { kind: "Pod".into(), namespace: "shop".into(), name: "web".into() },
            request: Request::Evict { uid: "u".into() },
            purpose: Purpose::Evict,
            events: Vec::new(),
        }
    }
}
