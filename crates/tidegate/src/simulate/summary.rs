//! The last line of a timeline: how it ended, how long it took, what was kept, and why not.

use tidegate_ops::text::Icon;

use super::ending::Ending;
use super::play::LIMIT_IN_WORDS;
use super::table::time;
use tidegate_ops::text::{Look, Piece, Row, wrap};

/// The line, broken between words where it is longer than `columns`.
pub(super) fn rows(name: &str, ending: &Ending, columns: Option<usize>) -> Vec<Row> {
    let icon = Icon::of_rollout(if ending.is_healthy() { "Healthy" } else { "Degraded" }).span();
    let look = Look::Of(icon.style);
    let text = format!("{name} {}", sentence(ending));
    let room = columns.unwrap_or(usize::MAX).saturating_sub(2);
    let lines = wrap(&text, room, "", "").into_iter().enumerate();
    lines
        .map(|(index, line)| {
            let mark =
                if index == 0 { Piece::new(format!("{} ", icon.text), look) } else { Piece::plain("  ") };
            vec![mark, Piece::plain(line)]
        })
        .collect()
}

fn sentence(ending: &Ending) -> String {
    let mut parts = vec![how(ending)];
    parts.push(match ending.fewest_ready {
        Some((ready, promised)) => {
            let pods = if ready == 1 { "pod" } else { "pods" };
            format!("never fewer than {ready} ready {pods} ({promised} promised)")
        }
        None => "never complete".to_owned(),
    });
    if !ending.waits.is_empty() {
        parts.push(format!("waits for {}", ending.waits.join(", and for ")));
    }
    parts.join("; ")
}

fn how(ending: &Ending) -> String {
    let after = time(ending.after);
    let Some((phase, message)) = &ending.state else { return format!("was deleted after {after}") };
    let message = if message.is_empty() { String::new() } else { format!(" ({message})") };
    match phase.as_str() {
        "Healthy" | "Degraded" => format!("ended {phase} after {after}{message}"),
        _ if ending.is_cut_short => format!("was still {phase} when {LIMIT_IN_WORDS} were over{message}"),
        _ => format!("stays {phase} after {after}{message}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidegate_ops::text::Color;

    use super::*;
    use tidegate_ops::text::paint;

    fn ending(phase: &str, message: &str) -> Ending {
        Ending {
            state: Some((phase.to_owned(), message.to_owned())),
            after: Duration::from_millis(33_800),
            is_cut_short: false,
            fewest_ready: Some((5, 4)),
            waits: Vec::new(),
        }
    }

    #[track_caller]
    fn check(ending: &Ending, expected: &str) {
        let rows = rows("web", ending, None);
        assert_eq!(rows.len(), 1);
        assert_eq!(paint(&rows[0], Color::Off), expected);
    }

    #[test]
    fn it_says_how_and_why() {
        check(
            &ending("Healthy", ""),
            "✔ web ended Healthy after 33.8s; never fewer than 5 ready pods (4 promised)",
        );
        let mut aborted = ending("Degraded", "RolloutAborted: Rollout aborted update to revision 2");
        aborted.waits =
            vec!["Rollout/web status.abort: the update is aborted, until it is retried".to_owned()];
        check(
            &aborted,
            "✖ web ended Degraded after 33.8s (RolloutAborted: Rollout aborted update to revision 2); never fewer than 5 \
             ready pods (4 promised); waits for Rollout/web status.abort: the update is aborted, until it is retried",
        );
        let paused = Ending { fewest_ready: None, ..ending("Paused", "CanaryPauseStep") };
        check(&paused, "✖ web stays Paused after 33.8s (CanaryPauseStep); never complete");
        let cut = Ending { is_cut_short: true, ..ending("Progressing", "") };
        check(
            &cut,
            "✖ web was still Progressing when 30 days were over; never fewer than 5 ready pods (4 promised)",
        );
        let gone = Ending { state: None, ..ending("", "") };
        check(&gone, "✖ web was deleted after 33.8s; never fewer than 5 ready pods (4 promised)");
    }

    #[test]
    fn it_wraps_on_a_terminal() {
        let rows = rows("web", &ending("Healthy", ""), Some(40));
        let texts: Vec<String> = rows.iter().map(|row| paint(row, Color::Off)).collect();
        assert_eq!(
            texts,
            ["✔ web ended Healthy after 33.8s; never", "  fewer than 5 ready pods (4 promised)"]
        );
    }
}
