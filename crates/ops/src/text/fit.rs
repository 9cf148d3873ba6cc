use std::iter;

use super::{Line, Piece, Row, Size, row, squeeze};

/// Lines by their label in the order in which they are given up; the empty line before the tree has none.
const LEAST_FIRST: [&str; 11] = [
    "Namespace:",
    "Name:",
    "Replicas:",
    "Strategy:",
    "  ActualWeight:",
    "Images:",
    "  SetWeight:",
    "Message:",
    "",
    "  Step:",
    "Status:",
];

/// What `get rollout` prints, in as few rows as there are: the tree matters most, then status, step and images. Header lines are given up first, then the end of the tree, which `…` stands for; blanks between the
/// tree's columns are given up before text.
#[must_use]
pub fn fit(view: Vec<Line>, room: Size) -> Vec<Row> {
    let height = room.height;
    let mut lines = labelled(view);
    for label in LEAST_FIRST {
        if lines.len() > height {
            lines.retain(|(known, _)| known.as_deref() != Some(label));
        }
    }
    let header = lines.iter().take_while(|(label, _)| label.is_some()).count();
    let mut rows: Vec<Row> = lines.into_iter().map(|(_, line)| row(line)).collect();
    squeeze(&mut rows[header..], room.width);
    if rows.len() > height {
        let left_out = rows.len() + 1 - height;
        rows.truncate(height.saturating_sub(1));
        rows.extend(iter::once(vec![Piece::dim(format!("… {left_out} more lines"))]).take(height));
    }
    rows
}

/// Every line of the header with the label it belongs to; the tree has none.
fn labelled(view: Vec<Line>) -> Vec<(Option<String>, Line)> {
    let mut block = String::new();
    let mut is_header = true;
    let label_of = |line: Line| {
        let text: String = line.iter().map(|span| span.text.as_str()).collect();
        let own = text.split_once(':').map_or("", |(label, _)| label);
        if text.is_empty() {
            block.clear();
        } else if !own.is_empty() && !continues(&block, own) {
            block = format!("{own}:");
        }
        let label = is_header.then(|| block.clone());
        is_header &= !text.is_empty();
        (label, line)
    };
    view.into_iter().map(label_of).collect()
}

/// Indented lines belong to `Replicas:`, and images below the first to `Images:`.
fn continues(block: &str, label: &str) -> bool {
    label.starts_with("    ") || block == "Replicas:" && label.starts_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Color, Span, paint};

    const VIEW: &str = "\
Name:            x
Namespace:       default
Status:          Paused
Message:         CanaryPauseStep
Strategy:        Canary
  Step:          1/8
  SetWeight:     20
  ActualWeight:  20
Images:          demo:blue (stable)
                 demo:yellow (canary)
Replicas:
  Desired:       5
  Ready:         5

NAME  KIND
x     Rollout
|-# revision:1
  |-x ReplicaSet";

    #[track_caller]
    fn check(height: usize, expected: &[&str]) {
        let line = |text: &str| if text.is_empty() { vec![] } else { vec![Span::plain(text)] };
        let rows = fit(VIEW.lines().map(line).collect(), Size { width: 80, height });
        let texts: Vec<_> = rows.iter().map(|row| paint(row, Color::Off)).collect();
        assert_eq!(texts, expected, "{height}");
    }

    #[test]
    fn the_tree_is_given_up_last() {
        let all: Vec<&str> = VIEW.lines().collect();
        check(18, &all);
        check(17, &[&all[..1], &all[2..]].concat());
        check(13, &[&all[2..10], &all[13..]].concat());
        let tree = &all[14..];
        check(9, &[&all[2..4], &all[5..7], &all[13..]].concat());
        check(5, &[&["Status:          Paused"][..], tree].concat());
        check(4, tree);
        check(3, &["NAME  KIND", "x     Rollout", "… 2 more lines"]);
        check(1, &["… 4 more lines"]);
        check(0, &[]);
    }
}
