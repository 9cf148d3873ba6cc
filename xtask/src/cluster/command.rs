//! `cargo xtask cluster up|down`: a control plane that goes on after the command, until it is taken down.

use std::fs;
use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{ControlPlane, User, wait_until};

/// Written once everything is ready: the process id of the one that holds the programs.
const READY: &str = "ready";
/// Written to end it.
const STOP: &str = "stop";
/// The word that lets it go on without the one who started it.
const STAY: &str = "stay";
const LIMIT: Duration = Duration::from_secs(600);

fn folder(root: &Path) -> PathBuf {
    root.join("target/cluster")
}

/// Starts a control plane and prints what leads to it. Interrupted, it leaves nothing behind.
pub(crate) fn up(root: &Path) -> Result<(), String> {
    let folder = folder(root);
    if let Some(holder) = holder(&folder) {
        return Err(format!("there is one already (process {holder}); `cargo xtask cluster down` ends it"));
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let log = folder.join("holder.log");
    let file = fs::File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let output = file.try_clone().map_err(|error| error.to_string())?;
    let mut child = Command::new(this)
        .args(["cluster", "hold"])
        .stdin(Stdio::piped())
        .stdout(output)
        .stderr(file)
        .process_group(0)
        .spawn()
        .map_err(|error| format!("the control plane cannot be started: {error}"))?;
    wait_until("the control plane is ready", LIMIT, || match child.try_wait() {
        Ok(Some(_)) => Err(fs::read_to_string(&log).unwrap_or_default()),
        _ => Ok(holder(&folder).is_some()),
    })?;
    if let Some(mut leash) = child.stdin.take() {
        writeln!(leash, "{STAY}").map_err(|error| format!("the control plane does not listen: {error}"))?;
    }
    let state = folder.join("state");
    println!("export KUBECONFIG={}", super::files::kubeconfig(&state, User::Admin).display());
    println!("# for a controller under test: {}", super::files::kubeconfig(&state, User::Ctl).display());
    println!("# its requests: {}", state.join(super::files::AUDIT_LOG).display());
    println!("# the end: cargo xtask cluster down");
    Ok(())
}

/// Ends the control plane.
pub(crate) fn down(root: &Path) -> Result<(), String> {
    let folder = folder(root);
    holder(&folder).ok_or("there is no control plane")?;
    fs::write(folder.join(STOP), "").map_err(|error| format!("{}: {error}", folder.display()))?;
    wait_until("the control plane has ended", LIMIT, || Ok(holder(&folder).is_none()))
}

/// What `up` leaves in the background: holds the programs until it is ended itself, which their guards notice.
pub(crate) fn hold(root: &Path) -> Result<(), String> {
    let folder = folder(root);
    std::thread::spawn(|| {
        let mut word = String::new();
        let _ = std::io::stdin().lock().read_line(&mut word);
        if word.trim() != STAY {
            // Whoever wanted a control plane is gone.
            std::process::exit(1);
        }
    });
    let mut plane = ControlPlane::start(&folder.join("state"))?;
    let number = std::process::id().to_string();
    fs::write(folder.join(READY), number).map_err(|error| format!("{}: {error}", folder.display()))?;
    // A year: until it is ended, or one of its programs ends.
    let stop = folder.join(STOP);
    wait_until("it is taken down", Duration::from_secs(31_536_000), || plane.check().map(|()| stop.exists()))
}

/// The process that holds a running control plane.
fn holder(folder: &Path) -> Option<u32> {
    let number = fs::read_to_string(folder.join(READY)).ok()?.trim().parse().ok()?;
    let words = fs::read_to_string(format!("/proc/{number}/cmdline")).ok()?;
    words.contains("cluster\0hold").then_some(number)
}
