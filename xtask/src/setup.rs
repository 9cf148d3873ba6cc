//! What the tests need beyond Rust, where the machine does not have it: kubectl and a Kubernetes control plane, built from their
//! Go modules into a cache outside of the repository, and tmux from the distribution.

mod go;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// `kubectl explain` and validation by the server need one of these.
const OLDEST_KUBECTL: u32 = 27;
/// The programs of a control plane.
const CONTROL_PLANE: [&str; 5] =
    ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"];

/// Gets what is missing. What is there is left as it is.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    println!("kubectl: {}", kubectl(root)?.display());
    println!("tmux: {}", tmux()?.display());
    for program in Programs::get(root)?.0 {
        println!("{}: {}", program.0, program.1.display());
    }
    Ok(())
}

/// PATH with what [`run`] has got.
pub(crate) fn path() -> Result<OsString, String> {
    let known = env::var_os("PATH").unwrap_or_default();
    if usable_kubectl().is_some() {
        return Ok(known);
    }
    let paths = std::iter::once(bin()?).chain(env::split_paths(&known));
    env::join_paths(paths).map_err(|error| error.to_string())
}

/// Where the programs of a control plane are.
#[derive(Clone, Debug)]
pub(crate) struct Programs(Vec<(&'static str, PathBuf)>);

impl Programs {
    /// Builds those that are missing.
    fn get(root: &Path) -> Result<Self, String> {
        if Self::find().is_err() {
            go::build(root, &bin()?)?;
        }
        Self::find()
    }

    /// Those in the folder that `KUBEBUILDER_ASSETS` names, else those that were built.
    pub(crate) fn find() -> Result<Self, String> {
        let assets = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
        let folders: Vec<PathBuf> = assets.into_iter().chain([bin()?]).collect();
        let found = CONTROL_PLANE.into_iter().map(|program| {
            // What an older version of this repository has built counts as missing; what somebody else brings is theirs.
            let mut files = folders.iter().map(|folder| folder.join(program));
            let file = files.find(|file| file.is_file() && (!is_built(file) || go::is_current(file)));
            let file = file.ok_or_else(|| format!("there is no {program}; run `cargo xtask setup`"))?;
            Ok((program, file))
        });
        found.collect::<Result<_, String>>().map(Self)
    }

    pub(crate) fn file(&self, program: &str) -> &Path {
        let mut known = self.0.iter();
        &known.find(|(name, _)| *name == program).expect("only programs of a control plane are asked for").1
    }
}

/// A kubectl that works with the control plane.
pub(crate) fn usable_kubectl_or_built() -> Result<PathBuf, String> {
    usable_kubectl().map_or_else(|| Ok(bin()?.join("kubectl")), Ok)
}

fn is_built(file: &Path) -> bool {
    bin().is_ok_and(|folder| file.starts_with(folder))
}

/// Where things are kept that are too dear to be made for every clone.
fn cache() -> Result<PathBuf, String> {
    let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    base.map(|base| base.join("tidegate")).ok_or_else(|| "neither XDG_CACHE_HOME nor HOME is set".to_owned())
}

fn bin() -> Result<PathBuf, String> {
    Ok(cache()?.join("bin"))
}

fn kubectl(root: &Path) -> Result<PathBuf, String> {
    if let Some(found) = usable_kubectl() {
        return Ok(found);
    }
    let built = bin()?.join("kubectl");
    if !go::is_current(&built) {
        go::build(root, &bin()?)?;
    }
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
