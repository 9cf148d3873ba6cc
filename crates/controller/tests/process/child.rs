//! A process, what it logs, and what its ports answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// How long a test waits for something that a process must do.
const PATIENCE: Duration = Duration::from_secs(60);

/// The controller with arguments, in an empty environment.
pub(crate) fn controller(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollouts-controller"));
    command.args(args).env_clear();
    command
}

/// Runs it to its end: what it wrote, and its exit code.
pub(crate) fn run(args: &[&str]) -> (String, String, Option<i32>) {
    let Output { status, stdout, stderr } =
        controller(args).stdin(Stdio::null()).output().expect("the binary was built for this test");
    let text = |bytes| String::from_utf8(bytes).expect("only text is written");
    (text(stdout), text(stderr), status.code())
}

/// A controller that goes on by itself.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    log: Vec<String>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary was built for this test");
        let (send, lines) = mpsc::channel();
        let err = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || err.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { child, lines, log: Vec::new() }
    }

    /// Waits until it has logged a line with this text, and returns that line.
    #[track_caller]
    pub(crate) fn logs(&mut self, text: &str) -> String {
        if let Some(line) = self.log.iter().find(|line| line.contains(text)) {
            return line.clone();
        }
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.log.push(line.clone()),
                Err(why) => panic!("{text:?} was not logged ({why}):\n{}", self.log.join("\n")),
            }
            if let Some(line) = self.log.last().filter(|line| line.contains(text)) {
                return line.clone();
            }
        }
    }

    /// The value of a field of the first line.
    #[track_caller]
    pub(crate) fn field(&mut self, name: &str) -> String {
        let line = self.logs("Argo Rollouts controller starting");
        let (_, rest) = line.split_once(&format!(" {name}=")).unwrap();
        rest.split(' ').next().unwrap().to_owned()
    }

    /// Memory that it holds, in KiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Status, headers and body of the answer to a GET of the health port.
    #[track_caller]
    pub(crate) fn health(&mut self, path: &str) -> (String, String) {
        get(&self.field("healthzPort"), path)
    }

    /// The same of the metrics port.
    #[track_caller]
    pub(crate) fn metrics(&mut self, path: &str) -> (String, String) {
        get(&self.field("metricsPort"), path)
    }

    /// Waits until it ends by itself: the whole log, and the exit code.
    pub(crate) fn end(mut self) -> (String, Option<i32>) {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.log.push(line);
        }
        let code = self.child.wait().unwrap().code();
        (std::mem::take(&mut self.log).join("\n"), code)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A process that a failed test leaves behind would wait for ever.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Head and body of the answer.
#[track_caller]
fn get(port: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse().unwrap())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}
