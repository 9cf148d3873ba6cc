//! The control plane that all tests of one process share. It ends with the process.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use xtask::cluster::{ControlPlane, wait_until};

use crate::LIMIT;

static PLANE: RwLock<Option<Result<ControlPlane, String>>> = RwLock::new(None);

/// The running control plane, started by the first who asks. Whoever holds it may rely on its staying up.
pub struct Shared(RwLockReadGuard<'static, Option<Result<ControlPlane, String>>>);

impl std::ops::Deref for Shared {
    type Target = ControlPlane;

    fn deref(&self) -> &ControlPlane {
        running(self.0.as_ref().map(Result::as_ref))
    }
}

/// The control plane for one alone, who may stop and start its programs.
pub struct Alone(RwLockWriteGuard<'static, Option<Result<ControlPlane, String>>>);

impl std::ops::Deref for Alone {
    type Target = ControlPlane;

    fn deref(&self) -> &ControlPlane {
        running(self.0.as_ref().map(Result::as_ref))
    }
}

impl std::ops::DerefMut for Alone {
    fn deref_mut(&mut self) -> &mut ControlPlane {
        running(self.0.as_mut().map(Result::as_mut))
    }
}

/// One that could not be started fails every test with the reason.
fn running<T, E: std::fmt::Display>(plane: Option<Result<T, E>>) -> T {
    plane
        .expect("it was started before it was shared")
        .unwrap_or_else(|error| panic!("no control plane: {error}"))
}

/// Shares the control plane with other tests.
#[must_use]
pub fn shared() -> Shared {
    loop {
        let plane = PLANE.read().unwrap_or_else(PoisonError::into_inner);
        if plane.is_some() {
            return Shared(plane);
        }
        drop(plane);
        drop(alone());
    }
}

/// Waits until nobody else uses the control plane.
#[must_use]
pub fn alone() -> Alone {
    let mut plane = PLANE.write().unwrap_or_else(PoisonError::into_inner);
    if plane.is_none() {
        *plane = Some(start());
    }
    Alone(plane)
}

/// An API server of one's own on which nothing acts by itself.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn storage() -> ControlPlane {
    let plane = ControlPlane::start_storage(&folder("storage"));
    let plane = plane.and_then(|plane| define(&plane).map(|()| plane));
    plane.unwrap_or_else(|error| panic!("no API server: {error}"))
}

fn start() -> Result<ControlPlane, String> {
    let plane = ControlPlane::start(&folder("cluster"))?;
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
