use super::Context;
use crate::build;
use crate::failure::Failure;
use crate::go;
use crate::ui::Ui;

/// Show the version of this plugin
///
/// No cluster is asked. `GoVersion` is there for tools that look for it: nothing here is built with Go.
#[derive(Debug, clap::Args)]
#[command(override_usage = "", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Show the first line only
    #[arg(long, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    short: bool,
}

const EXAMPLES: &str = "\
  # Show version and build
  kubectl argo rollouts version

  # In one line
  kubectl argo rollouts version --short";

pub(crate) fn run(ui: &mut Ui<'_>, _: &Context<'_>, args: &Args) -> Result<(), Failure> {
    let name = build::NAME;
    ui.line(&format!("{name}: {}", build::version()))?;
    if args.short {
        return Ok(());
    }
    let or_unknown = |text: &'static str| if text.is_empty() { "unknown" } else { text };
    let facts = [
        ("BuildDate", build::date()),
        ("GitCommit", or_unknown(build::COMMIT).to_owned()),
        ("GitTreeState", or_unknown(build::TREE).to_owned()),
        ("GoVersion", "none".to_owned()),
        ("Compiler", or_unknown(build::COMPILER).to_owned()),
        ("Platform", build::platform()),
    ];
    let lines: Vec<String> = facts.into_iter().map(|(key, value)| format!("  {key}: {value}\n")).collect();
    Ok(ui.write(&lines.concat())?)
}
