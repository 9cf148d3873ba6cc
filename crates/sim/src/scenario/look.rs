//! What a scenario shows of its world.

use serde_json::Value;
use tidegate_ops::text::{Line, Span, image_tag, traffic_bar};

use crate::view::plain;
use crate::world::World;

/// Cells of a bar.
const WIDTH: usize = 20;

/// Who answers the requests to each Service, then to each route. One Service alone goes without its name.
pub(super) fn traffic(world: &World, namespace: &str) -> String {
    let services = world.server.list("services", Some(namespace));
    let names: Vec<&str> = services.iter().filter_map(|it| it["metadata"]["name"].as_str()).collect();
    let mut lines: Vec<(String, Line)> =
        names.iter().map(|name| ((*name).to_owned(), world.traffic(namespace, name, WIDTH))).collect();
    for rollout in world.rollout_names(namespace) {
        if let Some(groups) = world.routed_groups(namespace, &rollout) {
            lines.push((format!("route of {rollout}"), traffic_bar(&groups, WIDTH)));
        }
    }
    if lines.len() == 1 {
        return plain(&[lines.remove(0).1]);
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let named = lines.into_iter().map(|(name, line)| {
        let name = Span::plain(format!("{name:<width$}  "));
        std::iter::once(name).chain(line).collect::<Line>()
    });
    plain(&named.collect::<Vec<_>>())
}

/// Pods by name, with the tag of their image and one of their labels.
pub(super) fn pods(world: &World, namespace: &str, label: &str) -> String {
    let pods = world.objects("pods", namespace);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |pod: &Value| {
        let image = text(&pod["spec"]["containers"][0]["image"]);
        let value = text(&pod["metadata"]["labels"][label]);
        let value = if value.is_empty() { "<none>".to_owned() } else { value };
        format!("{}  {}  {value}", text(&pod["metadata"]["name"]), image_tag(&image))
    };
    pods.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Events that were written, or counted up, since they were shown last.
pub(super) fn new_events(world: &mut World, namespace: &str) -> String {
    let mut lines = Vec::new();
    for name in world.rollout_names(namespace) {
        for (type_, reason, message, count) in world.events(namespace, &name) {
            let line = format!("{type_} {reason} {message}");
            let shown = world.shown_events.insert(format!("{namespace}/{name} {line}"), count).unwrap_or(0);
            match count - shown {
                0 => {}
                _ if count == 1 => lines.push(line),
                _ => lines.push(format!("{line} (x{count})")),
            }
        }
    }
    lines.join("\n")
}
