//! A `rollouts-controller` as a process.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use xtask::cluster::{ControlPlane, Guarded, User, wait_until};

use crate::LIMIT;
use crate::place::Place;
use crate::plane::program;

/// How a controller is started.
pub struct Start {
    kubeconfig: PathBuf,
    log: PathBuf,
    namespace: String,
    flags: Vec<String>,
}

impl Start {
    /// For the Rollouts of one namespace, with its Lease there. `name` tells its log from others'.
    #[must_use]
    pub fn new(plane: &ControlPlane, place: &Place, name: &str) -> Self {
        Self {
            kubeconfig: plane.kubeconfig(User::Ctl),
            log: plane.folder().join(format!("controller-{}-{name}.log", place.namespace)),
            namespace: place.namespace.clone(),
            flags: vec!["--namespaced".to_owned(), format!("--namespace={}", place.namespace)],
        }
    }

    /// As another user.
    #[must_use]
    pub fn kubeconfig(mut self, kubeconfig: PathBuf) -> Self {
        self.kubeconfig = kubeconfig;
        self
    }

    /// For the whole cluster.
    #[must_use]
    pub fn for_all_namespaces(mut self) -> Self {
        self.flags.clear();
        self
    }

    /// With one more flag.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Starts the process and waits until it listens.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Controller {
        let mut command = Command::new(program("rollouts-controller"));
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(&self.flags);
        // Ports of its own choice: whatever is free now may be taken by then.
        command.args(["--healthzPort=0", "--metricsPort=0"]).env("POD_NAMESPACE", &self.namespace);
        let earlier = fs::read_to_string(&self.log).map_or(0, |log| log.len());
        let mut process = Guarded::spawn("rollouts-controller", &command, &self.log).unwrap();
        let mut ports = None;
        let listens = wait_until("the controller listens", LIMIT, || {
            process.check()?;
            let log = process.log();
            ports = Option::zip(port(&log[earlier..], "healthzPort="), port(&log[earlier..], "metricsPort="));
            Ok(ports.is_some())
        });
        listens.unwrap_or_else(|error| panic!("{error}"));
        let (health, metrics) = ports.unwrap();
        Controller { process, health, metrics }
    }

    /// Starts it and waits until it is ready.
    #[must_use]
    #[track_caller]
    pub fn ready(self) -> Controller {
        let mut controller = self.start();
        controller.until_ready();
        controller
    }
}

/// A running controller. Dropped, it is asked to stop, and waited for; a test that fails meanwhile shows the end of its log.
pub struct Controller {
    /// The process.
    pub process: Guarded,
    health: u16,
    metrics: u16,
}

impl Controller {
    /// Waits until `/readyz` says so.
    #[track_caller]
    pub fn until_ready(&mut self) {
        let (process, port) = (&mut self.process, self.health);
        let ready = wait_until("the controller is ready", LIMIT, || {
            process.check()?;
            Ok(get(port, "/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")))
        });
        if let Err(error) = ready {
            panic!("{error}; readyz: {:?}; log:\n{}", get(port, "/readyz"), self.process.log());
        }
    }

    /// What `/metrics` says.
    #[must_use]
    pub fn metrics(&self) -> String {
        get(self.metrics, "/metrics").expect("the metrics port answers")
    }

    /// What `/readyz` says, status line included.
    #[must_use]
    pub fn readiness(&self) -> String {
        get(self.health, "/readyz").unwrap_or_default()
    }

    /// Ends it as a lost node would.
    pub fn kill(mut self) {
        self.process.signal("KILL").unwrap();
        self.process.wait(LIMIT).unwrap();
    }

    /// Asks it to end, unless it has; answers its exit code.
    #[must_use]
    pub fn stop(mut self) -> Option<i32> {
        if self.process.check().is_ok() {
            self.process.signal("TERM").unwrap();
        }
        self.process.wait(LIMIT).unwrap()
    }
}

impl Drop for Controller {
    #[expect(clippy::print_stderr, reason = "a failing test shows it")]
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", self.process.state());
        }
    }
}

/// The port that the first line of a controller's log names by this key.
fn port(log: &str, key: &str) -> Option<u16> {
    let (_, rest) = log.split_once(key)?;
    // The line may not be there to its end yet.
    let (number, _) = rest.split_once([' ', '\n'])?;
    number.parse().ok()
}

/// The whole answer of a small HTTP server; `None` while it does not listen.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
