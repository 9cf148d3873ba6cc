//! `get`: the group.

pub(crate) mod rollout;
mod watch;

use std::ffi::OsString;

use super::Context;
use crate::failure::Failure;
use crate::ui::Ui;

/// Show a Rollout and what belongs to it
#[derive(Debug, clap::Args)]
#[command(override_usage = "<rollout> RESOURCE_NAME", after_help = rollout::EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Get>,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Get {
    #[command(visible_aliases = ["ro", "rollouts"])]
    Rollout(rollout::Args),
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    match &args.command {
        Some(Get::Rollout(args)) => rollout::run(ui, context, args).await,
        Some(Get::Unknown(_)) | None => Err(Failure::Usage),
    }
}
