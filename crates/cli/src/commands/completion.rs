use super::Context;
use crate::failure::{Failure, Problem};
use crate::ui::Ui;

/// Write a script that makes a shell complete commands, flags and names of Rollouts
///
/// The script asks this program for what fits, so names are those of the cluster at that moment.
///
/// It completes `kubectl-argo-rollouts`. For `kubectl argo rollouts` kubectl itself asks: it wants an executable file
/// `kubectl_complete-argo-rollouts` on the PATH, as the last example makes it.
#[derive(Debug, clap::Args)]
#[command(override_usage = "[bash|zsh|fish|powershell]", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[arg(hide = true)]
    shells: Vec<String>,
}

const EXAMPLES: &str = "\
  # Complete in this bash; in ~/.bashrc: in every one
  source <(kubectl-argo-rollouts completion bash)

  # In zsh, once compinit was loaded
  source <(kubectl-argo-rollouts completion zsh)

  # In fish
  kubectl-argo-rollouts completion fish | source

  # In PowerShell
  kubectl-argo-rollouts completion powershell | Out-String | Invoke-Expression

  # Let kubectl complete the plugin
  printf '#!/bin/sh\\nkubectl argo rollouts __complete \"$@\"\\n' > ~/bin/kubectl_complete-argo-rollouts
  chmod +x ~/bin/kubectl_complete-argo-rollouts";

/// The shells and their scripts.
pub(super) const SHELLS: [(&str, &str); 4] = [
    ("bash", include_str!("completion/script.bash")),
    ("zsh", include_str!("completion/script.zsh")),
    ("fish", include_str!("completion/script.fish")),
    ("powershell", include_str!("completion/script.ps1")),
];

pub(crate) fn run(ui: &mut Ui<'_>, _: &Context<'_>, args: &Args) -> Result<(), Failure> {
    let [shell] = args.shells.as_slice() else {
        let text = format!("accepts 1 arg(s), received {}", args.shells.len());
        return Err(Problem::new(text).hint("name bash, zsh, fish or powershell").into());
    };
    match SHELLS.iter().find(|(name, _)| name == shell) {
        Some((_, script)) => Ok(ui.write(script)?),
        None => {
            let text = format!("invalid argument {shell:?} for \"kubectl-argo-rollouts completion\"");
            Err(Problem::new(text).hint("name bash, zsh, fish or powershell").into())
        }
    }
}
