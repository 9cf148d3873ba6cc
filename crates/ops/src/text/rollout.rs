use jiff::Timestamp;

use super::table::table;
use super::{Icon, Line, Span, Style, age, short_duration};
use crate::info::{
    ImageInfo, PodInfo, ReplicaSetInfo, RevisionInfo, RolloutInfo, ScaleDown, StrategyInfo, Tag,
};

/// What `get rollout` prints: the header, an empty line, the tree.
#[must_use]
pub fn rollout_lines(info: &RolloutInfo, now: Timestamp) -> Vec<Line> {
    let mut lines = header(info);
    lines.push(Line::new());
    lines.extend(table(tree(info, now)));
    lines
}

fn header(info: &RolloutInfo) -> Vec<Line> {
    let status = &info.status;
    let mut lines = vec![field("Name:", &info.name), field("Namespace:", &info.namespace)];
    let icon = Icon::of_rollout(status.phase.as_str()).span();
    lines.push(labelled("Status:", [icon, Span::plain(format!(" {}", status.phase))]));
    if !status.message.is_empty() {
        lines.push(field("Message:", &status.message));
    }
    match &info.strategy {
        StrategyInfo::None => lines.push(field("Strategy:", "")),
        StrategyInfo::BlueGreen => lines.push(field("Strategy:", "BlueGreen")),
        StrategyInfo::Canary(canary) => lines.extend([
            field("Strategy:", "Canary"),
            field("  Step:", &canary.step),
            field("  SetWeight:", &canary.set_weight.to_string()),
            field("  ActualWeight:", &canary.actual_weight.to_string()),
        ]),
    }
    let labels = std::iter::once("Images:").chain(std::iter::repeat(""));
    lines.extend(labels.zip(&info.images).map(|(label, image)| labelled(label, image_spans(image))));
    let counts = info.replicas;
    lines.push(vec![Span::plain("Replicas:")]);
    lines.extend(
        [
            ("  Desired:", counts.desired),
            ("  Current:", counts.current),
            ("  Updated:", counts.updated),
            ("  Ready:", counts.ready),
            ("  Available:", counts.available),
        ]
        .map(|(label, count)| field(label, &count.to_string())),
    );
    lines
}

fn field(label: &str, value: &str) -> Line {
    labelled(label, [Span::plain(value)])
}

fn labelled(label: &str, value: impl IntoIterator<Item = Span>) -> Line {
    std::iter::once(Span::plain(format!("{label:<17}"))).chain(value).collect()
}

fn image_spans(image: &ImageInfo) -> Vec<Span> {
    let mut spans = vec![Span::plain(image.image.clone())];
    if !image.tags.is_empty() {
        spans.push(Span::plain(" ("));
        spans.extend(joined(image.tags.iter().map(|tag| tag_span(*tag)), ", "));
        spans.push(Span::plain(")"));
    }
    spans
}

fn tag_span(tag: Tag) -> Span {
    Span::new(tag.as_str(), tag_style(tag))
}

fn tag_style(tag: Tag) -> Style {
    match tag {
        Tag::Canary => Style::Yellow,
        Tag::Stable | Tag::Active => Style::Green,
        Tag::Preview | Tag::Ping | Tag::Pong => Style::BrightBlue,
    }
}

fn joined(spans: impl IntoIterator<Item = Span>, separator: &str) -> Vec<Span> {
    let mut line = Vec::new();
    for span in spans {
        if !line.is_empty() {
            line.push(Span::plain(separator));
        }
        line.push(span);
    }
    line
}

type Row = Vec<Line>;

fn tree(info: &RolloutInfo, now: Timestamp) -> Vec<Row> {
    let word = info.status.phase.as_str();
    let status = (Icon::of_rollout(word), word);
    let mut rows = vec![
        ["NAME", "KIND", "STATUS", "AGE", "INFO"].map(|title| vec![Span::plain(title)]).into(),
        row(name("", "⟳", Span::plain(&info.name)), "Rollout", status, age(info.created, now), vec![]),
    ];
    for (prefix, below, revision) in branches("", &info.revisions) {
        let title = Span::plain(format!("revision:{}", revision.revision));
        rows.push(vec![name(&prefix, "#", title), vec![], vec![Span::plain(" ")], vec![], vec![]]);
        rows.extend(revision_rows(&below, revision, now));
    }
    rows
}

fn revision_rows(prefix: &str, revision: &RevisionInfo, now: Timestamp) -> Vec<Row> {
    let mut rows = Vec::new();
    for (prefix, below, replica_set) in branches(prefix, &revision.replica_sets) {
        rows.push(replica_set_row(&prefix, replica_set, now));
        rows.extend(branches(&below, &replica_set.pods).map(|(prefix, _, pod)| pod_row(&prefix, pod, now)));
    }
    rows
}

/// Children with the prefix of their own line and that of the lines below them.
fn branches<'a, T>(prefix: &str, children: &'a [T]) -> impl Iterator<Item = (String, String, &'a T)> {
    children.iter().enumerate().map(move |(index, child)| {
        let last = index + 1 == children.len();
        let (branch, below) = if last { ("└──", "   ") } else { ("├──", "│  ") };
        (format!("{prefix}{branch}"), format!("{prefix}{below}"), child)
    })
}

fn name(prefix: &str, icon: &str, name: Span) -> Line {
    vec![Span::plain(format!("{prefix}{icon} ")), name]
}

fn row(name: Line, kind: &str, (icon, word): (Icon, &str), age: String, info: Line) -> Row {
    let status = vec![icon.span(), Span::plain(format!(" {word}"))];
    vec![name, vec![Span::plain(kind)], status, vec![Span::plain(age)], info]
}

fn replica_set_row(prefix: &str, replica_set: &ReplicaSetInfo, now: Timestamp) -> Row {
    let style = replica_set.tags.last().map_or(Style::Plain, |tag| tag_style(*tag));
    let mut cells: Vec<Span> = replica_set.tags.iter().map(|tag| tag_span(*tag)).collect();
    cells
        .extend(replica_set.scale_down.map(|deadline| Span::plain(format!("delay:{}", left(deadline, now)))));
    let status = (Icon::of_replica_set(replica_set.status), replica_set.status);
    let name = name(prefix, "⧉", Span::new(&replica_set.name, style));
    row(name, "ReplicaSet", status, age(replica_set.created, now), joined(cells, ","))
}

fn left(deadline: ScaleDown, now: Timestamp) -> String {
    match deadline {
        ScaleDown::At(time) if time < now => "passed".to_owned(),
        ScaleDown::At(time) => short_duration(time.duration_since(now)),
        ScaleDown::Unreadable => String::new(),
    }
}

fn pod_row(prefix: &str, pod: &PodInfo, now: Timestamp) -> Row {
    let mut info = format!("ready:{}/{}", pod.ready, pod.containers);
    if pod.restarts > 0 {
        info.push_str(&format!(",restarts:{}", pod.restarts));
    }
    let name = name(prefix, "□", Span::plain(&pod.name));
    row(name, "Pod", (Icon::of_pod(&pod.status), &pod.status), age(pod.created, now), vec![Span::plain(info)])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::info::Objects;
    use crate::text::{Color, render};

    /// A canary of revision 1 with one pod, whose ReplicaSet carries `deadline`.
    fn printed(deadline: &str, color: Color) -> Vec<String> {
        let rollout = json!({
            "metadata": {"name": "x", "uid": "u", "creationTimestamp": "2026-11-23T05:27:31Z"},
            "spec": {"strategy": {"canary": {"steps": [{"setWeight": 20}]}}},
            "status": {"phase": "Paused", "currentPodHash": "a", "availableReplicas": 1},
        });
        let replica_set = json!({
            "metadata": {
                "name": "x-a", "uid": "r", "labels": {"rollouts-pod-template-hash": "a"},
                "annotations": {"scale-down-deadline": deadline, "rollout.argoproj.io/revision": "1"},
                "ownerReferences": [{"uid": "u"}],
            },
            "spec": {"replicas": 0, "template": {"spec": {"containers": [{"image": "demo:blue"}]}}},
            "status": {"replicas": 1},
        });
        let pod = json!({
            "metadata": {"name": "x-a-1", "ownerReferences": [{"uid": "r"}]},
            "spec": {"containers": [{"name": "web"}]},
            "status": {"phase": "Running", "containerStatuses": [{"restartCount": 2}]},
        });
        let rollout = serde_json::from_value(rollout).unwrap();
        let objects = Objects { rollout: &rollout, replica_sets: &[replica_set], pods: &[pod, Value::Null] };
        let now = "2026-11-23T05:30:00Z".parse().unwrap();
        let text = render(&rollout_lines(&RolloutInfo::of(&objects), now), color);
        text.lines().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn icons_tags_and_names_are_coloured() {
        let lines = printed("", Color::On);
        assert_eq!(lines[2], "Status:          \x1b[0m॥\x1b[0m Paused");
        assert_eq!(lines[7], "Images:          demo:blue (\x1b[33mcanary\x1b[0m)");
        let tree = &lines[lines.len() - 4..];
        assert_eq!(tree[0], "⟳ x               Rollout     \x1b[0m॥\x1b[0m Paused      2m29s  ");
        assert_eq!(tree[1], "└──# revision:1                                    ");
        let replica_set = "   └──⧉ \x1b[33mx-a\x1b[0m       ReplicaSet  \x1b[0m•\x1b[0m ScaledDown         ";
        assert_eq!(tree[2], format!("{replica_set}\x1b[33mcanary\x1b[0m"));
        assert_eq!(
            tree[3],
            "      └──□ x-a-1  Pod         \x1b[32m✔\x1b[0m Running            ready:0/1,restarts:2"
        );
    }

    #[track_caller]
    fn check(deadline: &str, info: &str) {
        let lines = printed(deadline, Color::Off);
        assert_eq!(lines[lines.len() - 2].rsplit_once(' ').unwrap().1, info, "{deadline}");
    }

    #[test]
    fn a_deadline_is_shown_as_what_is_left() {
        check("", "canary");
        check("2026-11-23T05:30:30Z", "canary,delay:30s");
        check("2026-11-23T05:30:00Z", "canary,delay:0s");
        check("2026-11-23T05:29:59Z", "canary,delay:passed");
        check("soon", "canary,delay:");
    }
}
