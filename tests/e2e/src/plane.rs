//! The control plane that all tests of one process share. It ends with the process.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use xtask::cluster::ControlPlane;

static PLANE: RwLock<Option<ControlPlane>> = RwLock::new(None);

/// The running control plane, started by the first who asks. Whoever holds it may rely on its staying up.
pub struct Shared(RwLockReadGuard<'static, Option<ControlPlane>>);

impl std::ops::Deref for Shared {
    type Target = ControlPlane;

    fn deref(&self) -> &ControlPlane {
        self.0.as_ref().expect("it was started before it was shared")
    }
}

/// The control plane for one alone, who may stop and start its programs.
pub struct Alone(RwLockWriteGuard<'static, Option<ControlPlane>>);

impl std::ops::Deref for Alone {
    type Target = ControlPlane;

    fn deref(&self) -> &ControlPlane {
        self.0.as_ref().expect("it was started before it was shared")
    }
}

impl std::ops::DerefMut for Alone {
    fn deref_mut(&mut self) -> &mut ControlPlane {
        self.0.as_mut().expect("it was started before it was shared")
    }
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

fn start() -> ControlPlane {
    let folder = target().join("e2e").join(std::process::id().to_string());
    let plane = ControlPlane::start(&folder).unwrap_or_else(|error| panic!("no control plane: {error}"));
    let definitions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crds");
    plane.kubectl(&["create", "-f", definitions.to_str().unwrap()]).unwrap();
    let kinds = tidegate_api::crd::all()
        .into_iter()
        .map(|crd| format!("crd/{}", crd["metadata"]["name"].as_str().unwrap()));
    let kinds: Vec<String> = kinds.collect();
    let mut wait = vec!["wait", "--for=condition=Established", "--timeout=60s"];
    wait.extend(kinds.iter().map(String::as_str));
    plane.kubectl(&wait).unwrap();
    plane
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
