//! Commands run one after the other, each shown before it runs; the first failure ends the chain.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::{codegen, kubernetes, setup, tidy};

const THREADS: &str = "RUST_TEST_THREADS";

/// How many tests run at a time: those on a control plane wait most of their time, for delays in seconds.
fn test_threads() -> String {
    std::thread::available_parallelism().map_or(1, usize::from).max(6).to_string()
}

/// Everything that must hold before a commit (`quick`) or a merge.
pub(crate) fn test(root: &Path, quick: bool) -> Result<(), String> {
    cargo(root, &["fmt", "--all", "--check"])?;
    cargo(root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    announce("cargo xtask tidy");
    tidy::run(root)?;
    if quick {
        return cargo(root, &["test", "--workspace", "--lib"]);
    }
    announce("cargo xtask codegen --check");
    codegen::check(root)?;
    kubernetes::check(root)?;
    announce("cargo xtask setup");
    setup::run(root)?;
    let shown = "cargo test --workspace";
    announce(shown);
    let mut command = cargo_command();
    command.args(["test", "--workspace"]).env("PATH", setup::path()?).env(THREADS, test_threads());
    run(root, &mut command, shown)
}

/// The tests on a real control plane, or those of them whose names contain `filter`.
pub(crate) fn e2e(root: &Path, filter: Option<&str>) -> Result<(), String> {
    setup::run(root)?;
    // The programs that the tests start, with the features that the tests are built with.
    cargo(root, &["build", "--workspace", "--bins"])?;
    let shown = "cargo test --workspace --test e2e";
    announce(shown);
    let mut command = cargo_command();
    command.args(["test", "--workspace", "--test", "e2e", "--"]).args(filter);
    run(root, command.env("PATH", setup::path()?).env(THREADS, test_threads()), shown)
}

pub(crate) fn announce(command: &str) {
    println!("$ {command}");
}

/// Runs the cargo that runs us, with our own output.
pub(crate) fn cargo(root: &Path, args: &[&str]) -> Result<(), String> {
    let shown = format!("cargo {}", args.join(" "));
    announce(&shown);
    run(root, cargo_command().args(args), &shown)
}

/// What the cargo that runs us prints to stdout.
pub(crate) fn output(root: &Path, args: &[&str]) -> Result<String, String> {
    let output = cargo_command().args(args).current_dir(root).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("`cargo {}`: {error}", args.join(" ")))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("`cargo {}` failed:\n{text}", args.join(" ")))
    }
}

pub(crate) fn cargo_command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo tells us of our own crate would have build scripts run again, and what depends on them built again, after each
    // build that a shell has started.
    for (name, _) in std::env::vars_os() {
        let is_of_crate =
            ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|of| name.to_string_lossy().starts_with(of));
        if is_of_crate {
            command.env_remove(name);
        }
    }
    command
}

fn run(root: &Path, command: &mut Command, shown: &str) -> Result<(), String> {
    let status = command.current_dir(root).status().map_err(|error| format!("`{shown}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed ({status})")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_is_an_error() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let quiet = |arg: &str| {
            let mut command = cargo_command();
            command.arg(arg).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        assert_eq!(run(here, &mut quiet("--version"), "cargo --version"), Ok(()));
        let error = run(here, &mut quiet("no-such-command"), "cargo no-such-command").unwrap_err();
        assert!(error.starts_with("`cargo no-such-command` failed"), "{error}");
        let error = run(here, &mut Command::new("no-such-program"), "no-such-program").unwrap_err();
        assert!(error.starts_with("`no-such-program`: "), "{error}");
    }
}
