//! What was seen in many worlds, as rows of text.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use jiff::SignedDuration;
use tidegate_ops::text::{Icon, Look, Piece, Row, Style, wrap};
use tidegate_sim::life::campaign::Summary;
use tidegate_sim::{Failed, Seen};

use super::super::session::Faulted;
use super::super::table::time;

/// Columns before what a line says.
const LABEL: usize = 20;

/// A block for each Rollout that was given.
pub(super) fn of_rollouts(summary: &Summary, given: &Faulted, columns: Option<usize>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (key, place) in &given.rollouts {
        rows.push(vec![
            Piece::plain("Rollout "),
            Piece::bold(&key.1),
            Piece::dim(place.as_ref().map_or(String::new(), |place| format!("  ({place})"))),
        ]);
        rows.push(Row::new());
        let seen = summary.rollouts.get(key).cloned().unwrap_or_default();
        rows.extend(of_rollout(&seen, columns));
        rows.push(Row::new());
    }
    rows
}

fn of_rollout(seen: &Seen, columns: Option<usize>) -> Vec<Row> {
    let ready = match seen.low_water {
        Some((ready, promised)) => format!("{ready} ({promised} promised)"),
        None => "never complete".to_owned(),
    };
    let Failed { ours, theirs } = seen.failed;
    let by_us = format!("{} by the controller", number(ours));
    let rest = format!(", {} by nodes and pods, of {}", number(theirs), number(seen.sent));
    let mut rows = line("fewest ready pods", &ready, columns);
    // The one number that is to be 0.
    let style = if ours > 0 { Style::Red } else { Style::Green };
    rows.extend(marked_line("failed requests", (&by_us, style), &rest, columns));
    rows.extend(line("longest in a phase", &longest(&seen.longest), columns));
    rows
}

/// What decisions met in lives of random Rollouts.
pub(super) fn of_lives(summary: &Summary, columns: Option<usize>) -> Vec<Row> {
    let Failed { ours, theirs } = summary.failed;
    let counts = &summary.counts;
    let sent: u64 = summary.rollouts.values().map(|seen| seen.sent).sum();
    let requests = format!(
        "{} by the controller, {} by nodes, pods and users, of {}",
        number(ours),
        number(theirs),
        number(sent)
    );
    let mut rows = vec![vec![Piece::bold("Random Rollouts")], Row::new()];
    rows.extend(line("failed requests", &requests, columns));
    rows.extend(line("longest in a phase", &longest(&summary.longest), columns));
    for (label, of) in [
        ("decisions in phase", &counts.phases),
        ("writes wanted", &counts.writes),
        ("waits", &counts.waits),
        ("timers", &counts.timers),
    ] {
        rows.extend(line(label, &listed(of.iter().map(|(name, count)| (name.as_str(), *count))), columns));
    }
    rows.push(Row::new());
    rows
}

/// What concerns worlds as a whole.
pub(super) fn of_worlds(summary: &Summary, columns: Option<usize>) -> Vec<Row> {
    let tenths = (summary.writes * 10).checked_div(summary.lives).unwrap_or(0);
    let writes =
        format!("{}.{} in a world, at most {}", tenths / 10, tenths % 10, number(summary.most_writes));
    let mut rows = line("writes", &writes, columns);
    let struck = listed(summary.struck.iter().map(|(name, count)| (*name, *count)));
    rows.extend(line("faults", if struck.is_empty() { "none" } else { &struck }, columns));
    rows.push(Row::new());
    rows
}

/// Whether every promise was kept.
pub(super) fn verdict(
    summary: &Summary,
    seeds: Range<u64>,
    replay: &str,
    columns: Option<usize>,
) -> Vec<Row> {
    let last = seeds.end.saturating_sub(1);
    let worlds = match summary.lives {
        0 => "no world was played".to_owned(),
        1 => format!("the world of seed {}", seeds.start),
        lives => format!("{} worlds (seeds {} to {last})", number(lives), seeds.start),
    };
    let Some((seed, broken)) = summary.broken.first_key_value() else {
        if summary.lives == 0 {
            return vec![vec![Piece::plain(worlds)]];
        }
        return marked("Healthy", &format!("{worlds} kept every promise"), columns);
    };
    let text = match (summary.lives, summary.failures) {
        (1, _) => format!("{worlds} broke a promise: {broken}"),
        (_, failures) => {
            format!("{} of {worlds} broke a promise; the first is seed {seed}: {broken}", number(failures))
        }
    };
    let mut rows = marked("Degraded", &text, columns);
    // A command is not broken between words: it is to be pasted.
    rows.push(vec![Piece::plain("  replay: "), Piece::bold(format!("{replay} {seed}"))]);
    rows
}

fn marked(phase: &str, text: &str, columns: Option<usize>) -> Vec<Row> {
    let icon = Icon::of_rollout(phase).span();
    let lines = wrapped(text, columns.map(|columns| columns.saturating_sub(2)), "").into_iter().enumerate();
    lines
        .map(|(index, line)| {
            let mark = format!("{} ", icon.text);
            let mark = if index == 0 { Piece::new(mark, Look::Of(icon.style)) } else { Piece::plain("  ") };
            vec![mark, Piece::plain(line)]
        })
        .collect()
}

/// A label, and what is said beside it.
fn line(label: &str, text: &str, columns: Option<usize>) -> Vec<Row> {
    marked_line(label, ("", Style::Plain), text, columns)
}

/// The same with words at the beginning that stand out.
fn marked_line(label: &str, (mark, style): (&str, Style), text: &str, columns: Option<usize>) -> Vec<Row> {
    let text = format!("{mark}{text}");
    let room = columns.map(|columns| columns.saturating_sub(LABEL + 2));
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    let mut rows = Vec::new();
    for (label, text) in labels.zip(wrapped(&text, room, "")) {
        let mut row = vec![Piece::dim(format!("  {label:<LABEL$}"))];
        match text.strip_prefix(mark).filter(|_| rows.is_empty() && !mark.is_empty()) {
            Some(rest) => row.extend([Piece::new(mark, Look::Of(style)), Piece::plain(rest)]),
            None => row.push(Piece::plain(text)),
        }
        rows.push(row);
    }
    rows
}

/// Lines that are no longer than `columns`.
pub(super) fn wrapped(text: &str, columns: Option<usize>, indent: &str) -> Vec<String> {
    match columns {
        Some(columns) => wrap(text, columns, "", indent),
        None => vec![text.to_owned()],
    }
}

/// Times to be told in this order, whatever the alphabet says.
const PHASES: [&str; 4] = ["Progressing", "Paused", "Degraded", "Healthy"];

/// How long at most it took; how long somebody was Healthy says nothing.
fn longest(times: &BTreeMap<String, SignedDuration>) -> String {
    let of_phase = |phase: &&str| {
        let took = Duration::try_from(*times.get(*phase)?).ok()?;
        (*phase != "Healthy").then(|| format!("{phase} {}", time(took)))
    };
    let told: Vec<String> = PHASES.iter().filter_map(of_phase).collect();
    if told.is_empty() { "-".to_owned() } else { told.join(", ") }
}

/// `crash 3, twin 1`: the most frequent first.
fn listed<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> String {
    let mut counts: Vec<(&str, u64)> = counts.collect();
    counts.sort_by_key(|(name, count)| (u64::MAX - count, *name));
    // A blank within a name would let it be broken there.
    let told = counts.iter().map(|(name, count)| format!("{name} {}", number(*count)));
    told.collect::<Vec<_>>().join(", ")
}

/// `1,234,567`
fn number(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    groups.iter().map(|group| String::from_utf8_lossy(group).into_owned()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use tidegate_ops::text::{Color, paint};
    use tidegate_sim::life::Broken;

    use super::*;

    fn texts(rows: &[Row]) -> Vec<String> {
        rows.iter().map(|row| paint(row, Color::Off).trim_end().to_owned()).collect()
    }

    fn seen() -> Seen {
        let times = [("Progressing", 72), ("Healthy", 999), ("Paused", 5)];
        Seen {
            low_water: Some((3, 4)),
            sent: 1_234_567,
            failed: Failed { ours: 0, theirs: 1_200 },
            longest: times
                .map(|(phase, seconds)| (phase.to_owned(), SignedDuration::from_secs(seconds)))
                .into(),
        }
    }

    #[test]
    fn a_rollout_is_a_block() {
        assert_eq!(
            texts(&of_rollout(&seen(), None)),
            [
                "  fewest ready pods   3 (4 promised)",
                "  failed requests     0 by the controller, 1,200 by nodes and pods, of 1,234,567",
                "  longest in a phase  Progressing 1m12s, Paused 5s",
            ]
        );
        assert_eq!(
            texts(&of_rollout(&seen(), Some(60))),
            [
                "  fewest ready pods   3 (4 promised)",
                "  failed requests     0 by the controller, 1,200 by nodes",
                "                      and pods, of 1,234,567",
                "  longest in a phase  Progressing 1m12s, Paused 5s",
            ]
        );
        let bad = Seen { failed: Failed { ours: 7, theirs: 0 }, ..seen() };
        let coloured = paint(&of_rollout(&bad, None)[1], Color::On);
        assert!(coloured.contains("\x1b[31m7 by the controller"), "{coloured:?}");
        assert_eq!(texts(&of_rollout(&Seen::default(), None))[0], "  fewest ready pods   never complete");
    }

    #[test]
    fn the_last_line_says_what_to_type() {
        let mut summary = Summary { lives: 1_000, ..Summary::default() };
        let told =
            |summary: &Summary| texts(&verdict(summary, 1..1_001, "tidegate simulate --faults --seed", None));
        assert_eq!(told(&summary), ["✔ 1,000 worlds (seeds 1 to 1000) kept every promise"]);
        assert_eq!(told(&Summary::default()), ["no world was played"]);
        summary.failures = 2;
        for seed in [30, 7] {
            let broken = Broken { rule: "traffic".to_owned(), text: "9 requests".to_owned() };
            summary.broken.insert(seed, broken);
        }
        assert_eq!(
            told(&summary),
            [
                "✖ 2 of 1,000 worlds (seeds 1 to 1000) broke a promise; the first is seed 7: traffic: 9 requests",
                "  replay: tidegate simulate --faults --seed 7",
            ]
        );
    }

    #[test]
    fn numbers_are_grouped_and_lists_begin_with_the_most() {
        assert_eq!([0, 12, 123, 1_234, 1_234_567].map(number), ["0", "12", "123", "1,234", "1,234,567"]);
        assert_eq!(listed([("a", 1), ("b", 2_000), ("c", 1)].into_iter()), "b 2,000, a 1, c 1");
    }
}
