//! A timeline as rows of text: a table of changes, with the commands between them.

use std::time::Duration;

use tidegate_ops::text::{Icon, Style};
use tidegate_sim::timeline::{Entry, Happening, Moment, Size};

use tidegate_ops::text::{Look, Piece, Row, cut, width, wrap};

const HEADER: [&str; 7] = ["TIME", "STEP", "SET", "ACTUAL", "REPLICAS", "PHASE", "MESSAGE"];
/// Columns whose numbers stand below each other.
const RIGHT: [bool; 6] = [true, false, true, true, false, false];
const GAP: usize = 2;
/// A message with less room than this, or than its longest word, has lines of its own.
const LEAST_ROOM: usize = 16;
/// How far those are indented.
const INDENT: usize = 8;

/// A line of the table before it is laid out.
struct Line {
    cells: [Row; 6],
    message: String,
}

/// The rows of a timeline; without `columns` a line is as long as it is.
pub(super) fn rows(entries: &[&Entry], columns: Option<usize>) -> Vec<Row> {
    let header =
        Line { cells: std::array::from_fn(|at| vec![Piece::dim(HEADER[at])]), message: String::new() };
    let lines: Vec<Line> = entries.iter().filter_map(|entry| line(entry)).collect();
    let widths: [usize; 6] = std::array::from_fn(|at| {
        lines.iter().chain([&header]).map(|line| width(&line.cells[at])).max().unwrap_or(0)
    });
    let layout = Layout { widths, columns };
    let mut lines = lines.iter();
    let mut rows = vec![layout.header(&header)];
    for entry in entries {
        match &entry.what {
            Happening::Command { text, output } => rows.extend(command(text, output, columns)),
            Happening::Change(_) | Happening::Deletion => {
                rows.extend(lines.next().into_iter().flat_map(|line| layout.rows(line)));
            }
        }
    }
    rows
}

fn line(entry: &Entry) -> Option<Line> {
    let time = vec![Piece::plain(time(entry.at))];
    let moment = match &entry.what {
        Happening::Change(moment) => moment,
        Happening::Deletion => {
            let cells: [Row; 6] = std::array::from_fn(|at| if at == 0 { time.clone() } else { Row::new() });
            return Some(Line { cells, message: "deleted".to_owned() });
        }
        Happening::Command { .. } => return None,
    };
    let weight = |of: fn((i64, i64)) -> i64| moment.weights.map_or("-".to_owned(), |it| of(it).to_string());
    let step = if moment.step.is_empty() { "-" } else { &moment.step };
    let cells = [
        time,
        vec![Piece::plain(step)],
        vec![Piece::plain(weight(|(set, _)| set))],
        vec![Piece::plain(weight(|(_, actual)| actual))],
        replicas(&moment.sizes),
        phase(moment),
    ];
    Some(Line { cells, message: moment.message.clone() })
}

/// `rev1 4/4  rev2 0/1`: ready and wanted pods; what is not ready stands out.
fn replicas(sizes: &[Size]) -> Row {
    let mut row = Row::new();
    for (index, size) in sizes.iter().enumerate() {
        let gap = if index == 0 { "" } else { "  " };
        row.push(Piece::plain(format!("{gap}rev{} ", size.revision)));
        let text = format!("{}/{}", size.ready, size.wanted);
        let style = if size.ready < size.wanted { Style::Yellow } else { Style::Plain };
        row.push(Piece::new(text, Look::Of(style)));
    }
    if row.is_empty() { vec![Piece::plain("-")] } else { row }
}

fn phase(moment: &Moment) -> Row {
    let icon = Icon::of_rollout(&moment.phase).span();
    let look = Look::Of(icon.style);
    vec![icon.into(), Piece::new(format!(" {}", moment.phase), look)]
}

struct Layout {
    widths: [usize; 6],
    columns: Option<usize>,
}

impl Layout {
    fn header(&self, header: &Line) -> Row {
        let mut row = self.cells(&header.cells);
        row.push(Piece::dim(HEADER[6]));
        self.fitted(&row)
    }

    fn cells(&self, cells: &[Row; 6]) -> Row {
        let mut row = Row::new();
        for ((cell, wide), right) in cells.iter().zip(self.widths).zip(RIGHT) {
            let blanks = wide - width(cell);
            let (before, after) = if right { (blanks, GAP) } else { (0, blanks + GAP) };
            row.push(Piece::plain(" ".repeat(before)));
            row.extend(cell.iter().cloned());
            row.push(Piece::plain(" ".repeat(after)));
        }
        row
    }

    fn fitted(&self, row: &[Piece]) -> Row {
        cut(row, self.columns.unwrap_or(usize::MAX))
    }

    fn rows(&self, line: &Line) -> Vec<Row> {
        let mut first = self.cells(&line.cells);
        let used = width(&first);
        let Some(columns) = self.columns else {
            first.push(Piece::plain(&line.message));
            return vec![self.fitted(&first)];
        };
        let room = columns.saturating_sub(used);
        let longest = line.message.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
        let is_beside = room >= LEAST_ROOM.max(longest);
        let (indent, room) = if is_beside { (used, room) } else { (INDENT, columns.saturating_sub(INDENT)) };
        let mut parts = wrap(&line.message, room, "", "").into_iter().map(Piece::plain);
        if is_beside {
            first.extend(parts.next());
        }
        let below = parts.map(|part| vec![Piece::plain(" ".repeat(indent)), part]);
        std::iter::once(first).chain(below).map(|row| self.fitted(&row)).collect()
    }
}

fn command(text: &str, output: &str, columns: Option<usize>) -> Vec<Row> {
    let room = columns.unwrap_or(usize::MAX).saturating_sub(2);
    let prompts = std::iter::once("$ ").chain(std::iter::repeat("  "));
    let mut rows: Vec<Row> = prompts
        .zip(wrap(text, room, " \\", "  "))
        .map(|(prompt, line)| vec![Piece::dim(prompt), Piece::bold(line)])
        .collect();
    let style = if output.starts_with("Error: ") { Style::Red } else { Style::Plain };
    let shown = output.lines().map(|line| vec![Piece::plain("  "), Piece::new(line, Look::Of(style))]);
    rows.extend(shown.map(|row| cut(&row, columns.unwrap_or(usize::MAX))));
    rows
}

/// Time since the beginning: `0s`, `1.2s`, `2m13s`, `1h0m5s`, `3d4h`.
pub(crate) fn time(since: Duration) -> String {
    let seconds = since.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let tenths = since.subsec_millis() / 100;
    match (days, hours, minutes) {
        (0, 0, 0) if tenths > 0 => format!("{seconds}.{tenths}s"),
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{}s", seconds % 60),
        (0, _, _) => format!("{hours}h{minutes}m{}s", seconds % 60),
        _ => format!("{days}d{hours}h{minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_ops::text::Color;

    use super::*;
    use tidegate_ops::text::paint;

    fn change(at: f64, sizes: &[(i64, i32, i32)], phase: &str, message: &str) -> Entry {
        let sizes = sizes.iter().map(|&(revision, ready, wanted)| Size { revision, ready, wanted }).collect();
        let moment = Moment {
            step: "1/8".to_owned(),
            weights: Some((20, 0)),
            sizes,
            phase: phase.to_owned(),
            message: message.to_owned(),
        };
        Entry { at: Duration::from_secs_f64(at), rollout: None, what: Happening::Change(moment) }
    }

    #[track_caller]
    fn check(entries: &[Entry], columns: Option<usize>, expected: &[&str]) {
        let entries: Vec<&Entry> = entries.iter().collect();
        let texts: Vec<String> =
            rows(&entries, columns).iter().map(|row| paint(row, Color::Off).trim_end().to_owned()).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_message_wraps_where_there_is_no_room() {
        let text = "kubectl argo rollouts promote web".to_owned();
        let what = Happening::Command { text, output: "Error: no".to_owned() };
        let given = Entry { at: Duration::ZERO, rollout: None, what };
        let busy = change(72.5, &[(1, 5, 5), (2, 0, 1)], "Progressing", "more replicas need to be updated");
        let entries = [busy, given, change(0.0, &[], "Healthy", "")];
        check(
            &entries,
            None,
            &[
                " TIME  STEP  SET  ACTUAL  REPLICAS            PHASE          MESSAGE",
                "1m12s  1/8    20       0  rev1 5/5  rev2 0/1  ◌ Progressing  more replicas need to be updated",
                "$ kubectl argo rollouts promote web",
                "  Error: no",
                "   0s  1/8    20       0  -                   ✔ Healthy",
            ],
        );
        check(
            &entries,
            Some(80),
            &[
                " TIME  STEP  SET  ACTUAL  REPLICAS            PHASE          MESSAGE",
                "1m12s  1/8    20       0  rev1 5/5  rev2 0/1  ◌ Progressing  more replicas need",
                "                                                             to be updated",
                "$ kubectl argo rollouts promote web",
                "  Error: no",
                "   0s  1/8    20       0  -                   ✔ Healthy",
            ],
        );
        check(
            &entries,
            Some(30),
            &[
                " TIME  STEP  SET  ACTUAL  REP…",
                "1m12s  1/8    20       0  rev…",
                "        more replicas need to",
                "        be updated",
                "$ kubectl argo rollouts \\",
                "    promote web",
                "  Error: no",
                "   0s  1/8    20       0  -  …",
            ],
        );
    }

    #[test]
    fn times_are_short() {
        for (millis, expected) in [
            (0, "0s"),
            (99, "0s"),
            (1_200, "1.2s"),
            (10_000, "10s"),
            (59_990, "59.9s"),
            (133_400, "2m13s"),
            (3_605_000, "1h0m5s"),
            (273_600_000, "3d4h0m"),
        ] {
            assert_eq!(time(Duration::from_millis(millis)), expected);
        }
    }
}
