//! Facts about the build, for `version`. Whatever git does not say stays empty.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    for file in ["HEAD", "index", "refs/tags", "packed-refs"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]).filter(|path| Path::new(path).exists()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    let commit = git(&["rev-parse", "HEAD"]).unwrap_or_default();
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    let tree = match (commit.is_empty(), changed) {
        (false, Some(changed)) => {
            if changed.is_empty() {
                "clean"
            } else {
                "dirty"
            }
        }
        _ => "",
    };
    let tag = git(&["describe", "--exact-match", "--tags", "HEAD"]).unwrap_or_default();
    fact("COMMIT", &commit);
    fact("TREE", tree);
    fact("TAG", &tag);
    fact("DATE", &date().unwrap_or_default());
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    fact("COMPILER", &output(Command::new(rustc).arg("--version")).unwrap_or_default());
}

fn fact(name: &str, value: &str) {
    println!("cargo:rustc-env=TIDEGATE_{name}={value}");
}

/// Seconds since 1970: SOURCE_DATE_EPOCH, or those of the commit.
fn date() -> Option<String> {
    let given = std::env::var_os("SOURCE_DATE_EPOCH").and_then(|text| text.into_string().ok());
    given.or_else(|| git(&["log", "-1", "--format=%ct"]))
}

fn git(args: &[&str]) -> Option<String> {
    output(Command::new("git").args(args))
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
