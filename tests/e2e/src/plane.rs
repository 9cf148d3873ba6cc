//! Control planes: the one that all tests of a process share, and others for who needs one alone. They end with the process.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use xtask::cluster::{ControlPlane, wait_until};

use crate::LIMIT;

static SHARED: OnceLock<Result<ControlPlane, String>> = OnceLock::new();

/// The control plane that tests share, started by the first who asks. Nobody may stop its programs.
///
/// # Panics
/// When it cannot be started: one that cannot fails every test with the reason.
#[must_use]
pub fn shared() -> &'static ControlPlane {
    let plane = SHARED.get_or_init(|| start("cluster"));
    plane.as_ref().unwrap_or_else(|error| panic!("no control plane: {error}"))
}

/// A control plane for one alone, who may stop and start its programs.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn alone() -> ControlPlane {
    start("alone").unwrap_or_else(|error| panic!("no control plane: {error}"))
}

/// An API server of one's own on which nothing acts by itself.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn storage() -> ControlPlane {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    // Several tests of a process have one at the same time.
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let plane = ControlPlane::start_storage(&folder(&format!("storage-{number}")));
    let plane = plane.and_then(|plane| define(&plane).map(|()| plane));
    plane.unwrap_or_else(|error| panic!("no API server: {error}"))
}

fn start(name: &str) -> Result<ControlPlane, String> {
    let plane = ControlPlane::start(&folder(name))?;
    define(&plane)?;
    Ok(plane)
}

/// A new folder for a control plane. Those of processes that are gone are removed, so that only the last logs stay.
#[must_use]
pub fn folder(name: &str) -> PathBuf {
    let all = target().join("e2e");
    for old in std::fs::read_dir(&all).into_iter().flatten().flatten() {
        let process = old.file_name().to_string_lossy().rsplit('-').next().unwrap_or_default().to_owned();
        if !Path::new("/proc").join(process).exists() {
            let _ = std::fs::remove_dir_all(old.path());
        }
    }
    all.join(format!("{name}-{}", std::process::id()))
}

/// Installs our resource definitions and waits until they are served.
///
/// # Errors
/// When the API server refuses them.
pub fn define(plane: &ControlPlane) -> Result<(), String> {
    let definitions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crds");
    plane.kubectl(&["create", "-f", definitions.to_str().unwrap()])?;
    let names = tidegate_api::crd::all()
        .iter()
        .map(|crd| format!("crd/{}", crd["metadata"]["name"].as_str().unwrap()));
    let names: Vec<String> = names.collect();
    let mut wait = vec!["wait", "--for=condition=Established", "--timeout=0"];
    wait.extend(names.iter().map(String::as_str));
    // It fails on a definition that has no conditions yet.
    wait_until("our resources are served", LIMIT, || Ok(plane.kubectl(&wait).is_ok()))?;
    // From its cache, so that watches can begin at every version from here on.
    let list = "/apis/argoproj.io/v1alpha1/rollouts?resourceVersion=0";
    wait_until("Rollouts are served from the cache", LIMIT, || {
        Ok(plane.kubectl(&["get", "--raw", list]).is_ok())
    })
}

/// A program of this workspace, as built with the tests.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let file = target().join("debug").join(name);
    assert!(file.is_file(), "{name} is not built; run the tests by `cargo xtask e2e`");
    file
}

/// The folder of what is built: this test is `target/debug/deps/NAME`.
fn target() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    this.ancestors().nth(3).expect("tests are three folders deep").to_path_buf()
}
