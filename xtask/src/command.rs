//! The command line: which chore, and how its failure is told.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cluster::command as cluster;
use crate::{bench, chain, codegen, defects, kubernetes, setup, tidy};

const USAGE: &str = "usage: cargo xtask COMMAND

  setup              gets what the tests need beyond Rust: kubectl, tmux, a control plane
  cluster up|down    starts a control plane on loopback, with pods played by KWOK, and ends it
  test [--quick]     all checks and tests, from cheap to dear; --quick: without integration tests
  tidy               rules of this repository that the compiler does not know
  codegen [--check]  writes crds/ from the Rust types, and the data made of other data; --check: fails if they are stale
  codegen --kubernetes DIR
                     draws Kubernetes' types anew from the OpenAPI documents (v3) in DIR
  e2e [NAME]         the tests on a real control plane, or those with NAME in theirs
  defects [--recorded] [--candidates] [--seeds N] [--note] [NAME ...]
                     puts each deliberate defect into a copy of the sources: other tests pass, simulated worlds catch it;
                     --recorded: only in the world that is noted for it; --note: notes the first world that catches it;
                     --candidates: those that nothing has noticed so far
  bench              measures what is promised in figures, and prints one table";

/// Runs one chore. The first failure ends it and is told on stderr.
#[must_use]
pub fn run(args: &[String]) -> ExitCode {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = root();
    let outcome = match words.as_slice() {
        ["test"] => chain::test(&root, false),
        ["test", "--quick"] => chain::test(&root, true),
        ["setup"] => setup::run(&root),
        ["cluster", "up"] => cluster::up(&root),
        ["cluster", "down"] => cluster::down(&root),
        ["cluster", "hold"] => cluster::hold(&root),
        ["tidy"] => tidy::run(&root),
        ["codegen"] => codegen::write(&root).and_then(|()| kubernetes::write(&root)),
        ["codegen", "--check"] => codegen::check(&root).and_then(|()| kubernetes::check(&root)),
        ["codegen", "--kubernetes", folder] => kubernetes::renew(&root, Path::new(folder)),
        ["e2e"] => chain::e2e(&root, None),
        ["e2e", filter] => chain::e2e(&root, Some(filter)),
        ["defects", rest @ ..] => defects::run(&root, rest),
        ["bench"] => bench::run(&root),
        ["help" | "-h" | "--help"] => {
            println!("{USAGE}");
            Ok(())
        }
        [] => Err(USAGE.to_owned()),
        _ => Err(format!("no such command: {}\n\n{USAGE}", words.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("error: {text}");
            ExitCode::FAILURE
        }
    }
}

/// The repository: the folder above this crate, wherever the clone lies.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_where_the_workspace_is() {
        assert!(root().join("Cargo.lock").is_file());
    }

    #[test]
    fn what_is_no_command_fails() {
        for args in [vec![], vec!["fly".to_owned()], vec!["tidy".to_owned(), "--quick".to_owned()]] {
            assert_eq!(run(&args), ExitCode::FAILURE);
        }
        assert_eq!(run(&["help".to_owned()]), ExitCode::SUCCESS);
    }
}
