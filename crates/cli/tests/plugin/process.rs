//! The built binary as a process.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// How long a test waits for something that a process must do.
const PATIENCE: Duration = Duration::from_secs(30);

/// The plugin with arguments, in an environment that holds nothing but a home.
pub(crate) fn plugin(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-argo-rollouts"));
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("TERM", "xterm-256color")
        .env("PATH", "/usr/bin:/bin");
    command
}

/// What a process has written, and its exit code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

pub(crate) fn run(command: &mut Command) -> Outcome {
    let output = command.stdin(Stdio::null()).output().expect("the binary was built for this test");
    let text = |bytes| String::from_utf8(bytes).expect("only text is written");
    Outcome { out: text(output.stdout), err: text(output.stderr), code: output.status.code() }
}

/// A process that goes on by itself.
pub(crate) struct Running {
    child: Child,
    chunks: [Receiver<String>; 2],
    /// What it has written so far to standard output, and to standard error.
    pub(crate) texts: [String; 2],
}

/// Standard output.
pub(crate) const OUT: usize = 0;
/// Standard error.
pub(crate) const ERR: usize = 1;

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary was built for this test");
        let chunks = [chunks(child.stdout.take().unwrap()), chunks(child.stderr.take().unwrap())];
        Self { child, chunks, texts: [String::new(), String::new()] }
    }

    /// Waits until it has written this text.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, stream: usize, text: &str) {
        while !self.texts[stream].contains(text) {
            match self.chunks[stream].recv_timeout(PATIENCE) {
                Ok(chunk) => self.texts[stream].push_str(&chunk),
                Err(why) => {
                    self.collect();
                    panic!("{text:?} was not written ({why}):\n{}\n{}", self.texts[OUT], self.texts[ERR]);
                }
            }
        }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits until it ends by itself.
    pub(crate) fn end(mut self) -> Outcome {
        for stream in [OUT, ERR] {
            while let Ok(chunk) = self.chunks[stream].recv_timeout(PATIENCE) {
                self.texts[stream].push_str(&chunk);
            }
        }
        let code = self.child.wait().unwrap().code();
        let [out, err] = std::mem::take(&mut self.texts);
        Outcome { out, err, code }
    }

    fn collect(&mut self) {
        for stream in [OUT, ERR] {
            while let Ok(chunk) = self.chunks[stream].try_recv() {
                self.texts[stream].push_str(&chunk);
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A process that a failed test leaves behind would wait for ever.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes from a pipe, as it comes; text is cut at characters.
fn chunks(mut pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut pending = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = pipe.read(&mut buffer) {
            pending.extend_from_slice(&buffer[..read]);
            let whole = match std::str::from_utf8(&pending) {
                Ok(_) => pending.len(),
                Err(error) => error.valid_up_to(),
            };
            let text = String::from_utf8(pending.drain(..whole).collect()).unwrap();
            if send.send(text).is_err() {
                return;
            }
        }
    });
    receive
}
