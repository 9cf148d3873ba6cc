//! What happens in the playground: on a terminal in place, into a pipe or file a line for each change.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::Value;
use tidegate_cli::Surroundings;
use tidegate_ops::text::{Color, Piece, Row, Screen, Size, paint};
use tidegate_sim::World;

use super::welcome::Welcome;
use crate::traffic::Traffic;

/// Rows wider than this are hard to read.
const WIDEST: usize = 120;
/// Longer names are cut in the terminal's table.
const LONGEST_NAME: usize = 30;

/// Shows Services and Rollouts.
pub(super) struct View<W> {
    welcome: Welcome,
    color: Color,
    traffic: BTreeMap<(String, String), Traffic>,
    surface: Surface<W>,
}

enum Surface<W> {
    Screen(W, Screen, fn() -> Size),
    /// Lines, and the last one about each object; nothing was written while there is none.
    Lines(W, Option<BTreeMap<String, String>>),
}

impl<W: Write> View<W> {
    pub(super) fn new(welcome: Welcome, surroundings: &Surroundings, out: W) -> Self {
        let color = surroundings.color();
        let surface = if surroundings.has_screen {
            Surface::Screen(out, Screen::new(color), surroundings.size)
        } else {
            Surface::Lines(out, None)
        };
        Self { welcome, color, traffic: BTreeMap::new(), surface }
    }

    /// Shows what has changed.
    pub(super) fn look(&mut self, world: &World) -> io::Result<()> {
        let services = keys(&world.server.list("services", None));
        self.traffic.retain(|key, _| services.contains(key));
        for (namespace, name) in services {
            let traffic = Traffic::of(&namespace, &name);
            self.traffic.entry((namespace, name)).or_insert(traffic);
        }
        let rollouts = keys(&world.server.list("rollouts.argoproj.io", None));
        match &mut self.surface {
            Surface::Screen(out, screen, size) => {
                let size = size();
                let mut rows = vec![rule(size.width.min(WIDEST))];
                rows.extend(self.welcome.rows(size.width));
                rows.extend(table(world, &mut self.traffic, &rollouts, (size.width, self.color)));
                if let Some(frame) = screen.draw(rows, size) {
                    out.write_all(frame.as_bytes())?;
                }
                out.flush()
            }
            Surface::Lines(out, last) => {
                if last.is_none() {
                    for row in self.welcome.rows(usize::MAX) {
                        writeln!(out, "{}", paint(&row, self.color))?;
                    }
                }
                let last = last.get_or_insert_default();
                let now = changes(world, &mut self.traffic, &rollouts);
                for (about, text) in now.iter().filter(|(about, text)| last.get(*about) != Some(*text)) {
                    writeln!(out, "{:.0}  {about}  {text}", world.now())?;
                }
                *last = now;
                out.flush()
            }
        }
    }
}

type Key = (String, String);

fn keys(objects: &[std::sync::Arc<Value>]) -> Vec<Key> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    objects.iter().map(|o| (text(&o["metadata"]["namespace"]), text(&o["metadata"]["name"]))).collect()
}

/// `name` in the namespace that the kubeconfig names, else `namespace/name`.
fn shown((namespace, name): &Key) -> String {
    if namespace == "default" { name.clone() } else { format!("{namespace}/{name}") }
}

fn rule(columns: usize) -> Row {
    let title = "Tidegate playground ";
    let left = columns.saturating_sub(3 + title.chars().count());
    vec![Piece::dim("━━ "), Piece::bold(title), Piece::dim("━".repeat(left))]
}

/// Services with their traffic, then Rollouts with their state.
fn table(
    world: &World,
    traffic: &mut BTreeMap<Key, Traffic>,
    rollouts: &[Key],
    (columns, color): (usize, Color),
) -> Vec<Row> {
    let names = traffic.keys().chain(rollouts).map(|key| shown(key).chars().count());
    let name_width = names.max().unwrap_or(0).clamp(8, LONGEST_NAME);
    let name = |text: String| Piece::plain(format!("{text:<name_width$.name_width$}  "));
    // A multiple of ten: every pod of five has the same part of the bar.
    let cells = (columns.min(WIDEST).saturating_sub(name_width + 30) / 10 * 10).clamp(10, 60);
    let mut rows = vec![Row::new()];
    if traffic.is_empty() && rollouts.is_empty() {
        rows.push(vec![Piece::dim("Nothing is there yet. What you apply shows up here.")]);
        return rows;
    }
    let title = |name: &str, what: &str| vec![Piece::dim(format!("{name:<name_width$}  {what}"))];
    if !traffic.is_empty() {
        rows.push(title("SERVICE", "WHO ANSWERS"));
    }
    for (key, traffic) in traffic.iter_mut() {
        let mut row = vec![name(shown(key))];
        row.extend(traffic.bar_with_words(world, cells, color));
        rows.push(row);
    }
    if !traffic.is_empty() && !rollouts.is_empty() {
        rows.push(Row::new());
    }
    if !rollouts.is_empty() {
        rows.push(title("ROLLOUT", "STATE"));
    }
    for key in rollouts {
        rows.push(vec![name(shown(key)), Piece::plain(world.summary(&key.0, &key.1))]);
    }
    rows
}

/// A line about every Service and Rollout.
fn changes(
    world: &World,
    traffic: &mut BTreeMap<Key, Traffic>,
    rollouts: &[Key],
) -> BTreeMap<String, String> {
    let services = traffic
        .iter_mut()
        .map(|(key, traffic)| (format!("service {}", shown(key)), paint(&traffic.words(world), Color::Off)));
    let rollouts =
        rollouts.iter().map(|key| (format!("rollout {}", shown(key)), world.summary(&key.0, &key.1)));
    services.chain(rollouts).collect()
}
