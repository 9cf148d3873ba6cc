use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tidegate_api::rollout::{Phase, Rollout};
use tidegate_ops::status::{ClientStatus, client_status};

use super::{Context, names};
use crate::cluster::{Change, Changes, Cluster, Link, Listed, Mirror, Selection};
use crate::failure::{Failure, INTERRUPTED, Problem};
use crate::go;
use crate::interrupt::interrupted;
use crate::ui::Ui;
use crate::view::{not_found, rollout, typed};

/// Show the state of a Rollout, and wait until an update is over
///
/// Writes a line each time the state changes, and ends once the Rollout is Healthy (exit code 0) or Degraded (exit code 1). A
/// Rollout that is Paused is waited for, too, unless --stop-at-pause is given. When the time of --timeout is over the exit
/// code is 1, after Ctrl-C 130.
///
/// With --watch=false the state is written once; the exit code is 1 only if the Rollout is Degraded.
#[derive(Debug, clap::Args)]
#[command(override_usage = "ROLLOUT_NAME", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[arg(hide = true)]
    names: Vec<String>,
    /// End with exit code 0 when the Rollout is Paused, too
    #[arg(long, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    stop_at_pause: bool,
    /// How long to wait, such as 30s or 5m; 0 = as long as it takes
    #[arg(short, long, value_name = "duration", allow_hyphen_values = true)]
    #[arg(value_parser = go::duration, default_value = "0s")]
    timeout: Duration,
    /// Wait until the update is over
    #[arg(short, long, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", default_value = "true", value_name = "bool")]
    watch: bool,
}

const EXAMPLES: &str = "\
  # Wait until an update is over
  kubectl argo rollouts status guestbook

  # Ten minutes at most, and no longer than to the next pause
  kubectl argo rollouts status guestbook --timeout 10m --stop-at-pause

  # Show the state once
  kubectl argo rollouts status guestbook --watch=false";

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    let name = names::one(&args.names)?;
    let cluster = context.cluster().await?;
    if !args.watch {
        let status = client_status(&rollout(cluster, name).await?);
        ui.line(&once(&status))?;
        return match status.phase {
            Phase::Degraded => Err(degraded(&status).into()),
            _ => Ok(()),
        };
    }
    let mut interrupt = pin!(interrupted());
    let mut end = pin!(async {
        if args.timeout.is_zero() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(args.timeout).await;
    });
    tokio::select! {
        biased;
        () = &mut interrupt => Err(Failure::Problem(Problem {
            code: INTERRUPTED,
            ..Problem::new("Rollout status watch was interrupted")
        })),
        () = &mut end => Err(Problem::new("Rollout status watch exceeded timeout").into()),
        outcome = watch(ui, context, cluster, name, args.stop_at_pause) => outcome,
    }
}

/// One line for a state that is looked at once. The blank at the end of one without a message is upstream's.
fn once(status: &ClientStatus) -> String {
    match status.phase {
        Phase::Healthy | Phase::Degraded => status.phase.to_string(),
        _ => format!("{} - {}", status.phase, status.message),
    }
}

/// One line for a state among others.
fn line(status: &ClientStatus) -> String {
    if status.message.is_empty() {
        status.phase.to_string()
    } else {
        format!("{} - {}", status.phase, status.message)
    }
}

fn degraded(status: &ClientStatus) -> Problem {
    Problem::new(format!("The rollout is in a degraded state with message: {}", status.message))
}

/// Writes states until one that ends the wait.
struct Journal {
    stop_at_pause: bool,
    last: String,
}

impl Journal {
    /// Notes the Rollout's state; `None`: it is not over.
    fn note(&mut self, ui: &mut Ui<'_>, rollout: &Rollout) -> Option<Result<(), Failure>> {
        let status = client_status(rollout);
        let line = line(&status);
        if line != self.last {
            if let Err(error) = ui.line(&line) {
                return Some(Err(error.into()));
            }
            self.last = line;
        }
        match status.phase {
            Phase::Healthy => Some(Ok(())),
            Phase::Degraded => Some(Err(degraded(&status).into())),
            Phase::Paused if self.stop_at_pause => Some(Ok(())),
            _ => None,
        }
    }
}

async fn watch(
    ui: &mut Ui<'_>,
    context: &Context<'_>,
    cluster: &Cluster,
    name: &str,
    stop_at_pause: bool,
) -> Result<(), Failure> {
    let mut journal = Journal { stop_at_pause, last: String::new() };
    if let Some(outcome) = journal.note(ui, &rollout(cluster, name).await?) {
        return outcome;
    }
    let mut changes = Changes::new();
    changes.push(cluster.changes(Listed::Rollouts, Some(cluster.namespace()), &Selection::named(name)));
    let mut mirror = Mirror::new(Listed::Rollouts, std::convert::identity::<Value>);
    let mut link = Link::default();
    while let Some(mut change) = changes.next().await {
        context.tell_requests(ui);
        if link.is_mended(cluster) {
            ui.warn("the API server answers again");
        }
        if let Change::Lost(error) = change {
            if link.lose(error, mirror.is_complete())?
                && let Some(note) = link.note()
            {
                ui.warn(&note);
            }
            continue;
        }
        if !mirror.note(&mut change) {
            continue;
        }
        let Some(object) = mirror.entries().values().next() else {
            let problem = not_found(cluster, name);
            return Err(Problem { hint: Some("it was deleted meanwhile".to_owned()), ..problem }.into());
        };
        if let Some(outcome) = journal.note(ui, &typed(object.clone())?) {
            return outcome;
        }
    }
    // A watch goes on for ever.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_without_message_has_upstreams_blank_only_when_looked_at_once() {
        let status = |phase: Phase, message: &str| ClientStatus { phase, message: message.to_owned() };
        let progressing = status(Phase::Progressing, "");
        assert_eq!((once(&progressing), line(&progressing)), ("Progressing - ".into(), "Progressing".into()));
        let healthy = status(Phase::Healthy, "");
        assert_eq!((once(&healthy), line(&healthy)), ("Healthy".into(), "Healthy".into()));
        let degraded = status(Phase::Degraded, "why");
        assert_eq!((once(&degraded), line(&degraded)), ("Degraded".into(), "Degraded - why".into()));
    }
}
