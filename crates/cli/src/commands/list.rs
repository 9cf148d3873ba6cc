//! `list`: the group.

pub(crate) mod rollouts;

use std::ffi::OsString;

use super::Context;
use crate::failure::Failure;
use crate::ui::Ui;

/// List Rollouts
#[derive(Debug, clap::Args)]
#[command(override_usage = "<rollout>", after_help = rollouts::EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<List>,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum List {
    #[command(visible_aliases = ["ro", "rollout"])]
    Rollouts(rollouts::Args),
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    match &args.command {
        Some(List::Rollouts(args)) => rollouts::run(ui, context, args).await,
        Some(List::Unknown(_)) | None => Err(Failure::Usage),
    }
}
