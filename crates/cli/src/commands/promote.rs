use tidegate_api::rollout::Rollout;
use tidegate_ops::operations::{PromoteOptions, is_same_position, promote};

use super::perform::perform;
use super::{Context, names};
use crate::cluster::Cluster;
use crate::failure::{Failure, Problem};
use crate::go;
use crate::ui::Ui;
use crate::view::{missing, rollout_to_change};

/// Let an update go on
///
/// Ends the pause that a Rollout is in. A canary that is in the middle of another step skips that step, and a Rollout that
/// somebody paused (`pause`) is released, nothing else. With --full all remaining steps, pauses and analyses are skipped: the
/// new version gets all traffic as soon as its pods are there.
///
/// A Rollout that waits for nobody is left alone, and the answer says why. Two promotes at once skip one step, not two.
#[derive(Debug, clap::Args)]
#[command(override_usage = "ROLLOUT_NAME", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[arg(hide = true)]
    names: Vec<String>,
    /// Skip all remaining steps, pauses and analyses
    #[arg(long, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    full: bool,
    /// Skip the current step, without ending a pause
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", value_name = "bool")]
    skip_current_step: Option<bool>,
    #[arg(short = 'c', hide = true, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", value_name = "bool")]
    short_skip_current_step: Option<bool>,
    /// Skip all steps, without ending a pause
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", value_name = "bool")]
    skip_all_steps: Option<bool>,
    #[arg(short = 'a', hide = true, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", value_name = "bool")]
    short_skip_all_steps: Option<bool>,
}

const EXAMPLES: &str = "\
  # End the pause of a Rollout
  kubectl argo rollouts promote guestbook

  # Skip everything that is still to come
  kubectl argo rollouts promote guestbook --full";

/// How often a promote is decided anew, because something else about the Rollout has changed meanwhile.
const ATTEMPTS: u32 = 5;

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    deprecate(ui, "skip-current-step", "c", args.skip_current_step, args.short_skip_current_step);
    deprecate(ui, "skip-all-steps", "a", args.skip_all_steps, args.short_skip_all_steps);
    let either = |long: Option<bool>, short: Option<bool>| short.or(long).unwrap_or(false);
    let options = PromoteOptions {
        full: args.full,
        skip_current_step: either(args.skip_current_step, args.short_skip_current_step),
        skip_all_steps: either(args.skip_all_steps, args.short_skip_all_steps),
    };
    let name = names::one(&args.names)?;
    options.check()?;
    let cluster = context.cluster().await?;
    let mut before = rollout_to_change(cluster, name).await?;
    for _ in 0..ATTEMPTS {
        let operation = promote(&before, options)?;
        match perform(cluster, &operation).await {
            Ok(()) => return Ok(ui.line(&operation.message)?),
            Err(error) if error.is_conflict() => before = still(cluster, &before).await?,
            Err(error) => return Err(missing(cluster, error)),
        }
    }
    Err(gone_on(name).into())
}

/// The Rollout as it is now, if a promote still means the same to it.
async fn still(cluster: &Cluster, before: &Rollout) -> Result<Rollout, Failure> {
    let name = &before.metadata.name;
    let now = rollout_to_change(cluster, name).await?;
    if is_same_position(before, &now) { Ok(now) } else { Err(gone_on(name).into()) }
}

fn gone_on(name: &str) -> Problem {
    Problem::new(format!("rollout '{name}' has changed while it was being promoted, and was left alone"))
        .hint(format!("look at it with `kubectl argo rollouts get rollout {name}`, then promote it again"))
}

/// What Go's flag library says of deprecated flags.
fn deprecate(ui: &mut Ui<'_>, name: &str, letter: &str, long: Option<bool>, short: Option<bool>) {
    let instead = match name {
        "skip-all-steps" => "use --full instead",
        _ => "use without the flag instead ex: promote ROLLOUT_NAME",
    };
    if short.is_some() {
        ui.note(&format!("Flag shorthand -{letter} has been deprecated, {instead}"));
    }
    if short.is_some() || long.is_some() {
        ui.note(&format!("Flag --{name} has been deprecated, {instead}"));
    }
}
