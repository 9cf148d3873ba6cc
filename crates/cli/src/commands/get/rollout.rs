use std::time::Duration;

use tidegate_ops::text::{Color, rollout_lines};

use super::super::{Context, names};
use super::watch;
use crate::failure::Failure;
use crate::go;
use crate::ui::Ui;
use crate::view::{Owned, looked_at};

/// Show a Rollout with its ReplicaSets and pods
///
/// The header tells the state and how far an update is, the tree which pods run which revision. Ages follow the clock of the
/// API server.
///
/// With --watch the view is redrawn in place when something changes, until Ctrl-C. A lost connection is told below the view and
/// made anew. Where the output is no terminal, each changed view is written after the other.
#[derive(Debug, clap::Args)]
#[command(override_usage = "ROLLOUT_NAME", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[arg(hide = true)]
    names: Vec<String>,
    /// Write no colours; so does NO_COLOR, and what is no terminal
    #[arg(long, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    no_color: bool,
    /// End the watch after so many seconds, as a failure; 0 = never
    #[arg(long, value_name = "int", allow_hyphen_values = true, value_parser = go::int, default_value = "0")]
    timeout_seconds: i64,
    /// Redraw when something changes
    #[arg(short, long, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    watch: bool,
}

pub(super) const EXAMPLES: &str = "\
  # Show a Rollout
  kubectl argo rollouts get rollout guestbook

  # Follow an update
  kubectl argo rollouts get rollout guestbook --watch

  # For a minute at most; the exit code is 1 then
  kubectl argo rollouts get rollout guestbook --watch --timeout-seconds 60";

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    let name = names::one(&args.names)?;
    let color = if args.no_color { Color::Off } else { ui.surroundings().color() };
    if args.watch {
        let limit = u64::try_from(args.timeout_seconds).ok().filter(|seconds| *seconds > 0);
        return watch::watch(ui, context, name, color, limit.map(Duration::from_secs)).await;
    }
    let cluster = context.cluster().await?;
    let owned = Owned::read(cluster, name).await?;
    let info = owned.info();
    Ok(ui.lines(&rollout_lines(&info, looked_at(cluster, &info)), color)?)
}
