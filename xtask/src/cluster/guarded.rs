//! A program that ends when we drop it, and when we die without a word.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const TICK: Duration = Duration::from_millis(50);
/// Lines of a log that an error shows.
const SHOWN: usize = 15;

/// A shell that becomes the program, after it has left a guard behind which holds the other end of a pipe of ours: when that
/// ends, whatever ended us, the program is asked to end, and five seconds later made to. The guard belongs to the process
/// group of that number, so the number means no other process as long as there is a guard.
const GUARD: &str = r#"
exec 3<&0
( trap '' INT TERM HUP; cat <&3 >/dev/null; kill -TERM $$; i=0
  while [ $i -lt 50 ] && kill -0 $$; do sleep 0.1; i=$((i + 1)); done; kill -KILL $$ ) >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null"#;

/// A running program.
#[derive(Debug)]
pub struct Guarded {
    name: String,
    child: Child,
    log: PathBuf,
    /// Open as long as the program may run.
    leash: Option<ChildStdin>,
}

impl Guarded {
    /// Starts a program; what it prints is added to `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(name: &str, command: &Command, log: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{name} cannot be started: {error}");
        let output = OpenOptions::new().create(true).append(true).open(log).map_err(failed)?;
        let mut shell = Command::new("sh");
        shell.args([OsStr::new("-c"), OsStr::new(GUARD), OsStr::new(name), command.get_program()]);
        shell.args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(key, value),
                None => shell.env_remove(key),
            };
        }
        shell.stdin(Stdio::piped()).stdout(output.try_clone().map_err(failed)?).stderr(output);
        // Ctrl-C in our terminal is for us to hear.
        let mut child = shell.process_group(0).spawn().map_err(failed)?;
        let leash = child.stdin.take();
        Ok(Self { name: name.to_owned(), child, log: log.to_path_buf(), leash })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it has printed.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends it a signal: `TERM`, `KILL`, `STOP`, `CONT`.
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn signal(&self, signal: &str) -> Result<(), String> {
        let sent = Command::new("kill").args(["-s", signal, &self.id().to_string()]).status();
        match sent {
            Ok(status) if status.success() => Ok(()),
            _ => Err(format!("{} could not be sent SIG{signal}", self.name)),
        }
    }

    /// Its exit code, or `None` of a signal, once it has ended.
    ///
    /// # Errors
    /// When it has not within this time.
    pub fn wait(&mut self, limit: Duration) -> Result<Option<i32>, String> {
        let mut ended = None;
        let what = format!("{} ends", self.name);
        wait_until(&what, limit, || {
            ended = self.child.try_wait().map_err(|error| error.to_string())?;
            Ok(ended.is_some())
        })?;
        Ok(ended.and_then(|status| status.code()))
    }

    /// Fails, with the end of its log, when it has ended.
    ///
    /// # Errors
    /// See there.
    pub fn check(&mut self) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("{} has ended ({status}){}", self.name, self.end_of_log())),
            Err(error) => Err(format!("{}: {error}", self.name)),
        }
    }

    /// Whether it runs, with the end of its log.
    pub fn state(&mut self) -> String {
        match self.check() {
            Ok(()) => format!("{} is running{}", self.name, self.end_of_log()),
            Err(error) => error,
        }
    }

    /// Waits until `reached`; an error, also that it has ended, shows the end of its log.
    pub(crate) fn wait_until(
        &mut self,
        what: &str,
        limit: Duration,
        mut reached: impl FnMut() -> bool,
    ) -> Result<(), String> {
        let what = format!("{} {what}", self.name);
        let mut has_ended = Ok(());
        let came = wait_until(&what, limit, || {
            has_ended = self.check();
            Ok(has_ended.is_err() || reached())
        });
        has_ended.and(came.map_err(|error| format!("{error}{}", self.end_of_log())))
    }

    fn end_of_log(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let shown = lines[lines.len().saturating_sub(SHOWN)..].join("\n  ");
        format!("; the end of {}:\n  {shown}", self.log.display())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.leash = None;
        let _ = self.child.wait();
    }
}

/// Looks again and again until `reached`.
///
/// # Errors
/// When it is not within this time, or `reached` fails.
pub fn wait_until(
    what: &str,
    limit: Duration,
    mut reached: impl FnMut() -> Result<bool, String>,
) -> Result<(), String> {
    let start = now();
    while !reached()? {
        if start.elapsed() > limit {
            return Err(format!("waited {} s until {what}, in vain", limit.as_secs()));
        }
        pause();
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "real programs run on the real clock")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "real programs run on the real clock")]
fn pause() {
    thread::sleep(TICK);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(name: &str, script: &str) -> Guarded {
        let log = std::env::temp_dir().join(format!("tidegate-{name}-{}", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Guarded::spawn(name, &command, &log).unwrap()
    }

    fn is_there(id: u32) -> bool {
        Path::new(&format!("/proc/{id}")).exists()
    }

    #[test]
    fn what_is_dropped_ends() {
        let mut program = start("dropped", "exec cat /dev/zero >/dev/null");
        let id = program.id();
        assert!(is_there(id));
        assert!(program.state().starts_with("dropped is running; the end of "), "{}", program.state());
        drop(program);
        assert!(!is_there(id));
    }

    #[test]
    fn one_that_ends_says_how_and_shows_its_log() {
        let mut program = start("failing", "echo no such port; exit 3");
        assert_eq!(program.wait(Duration::from_secs(20)), Ok(Some(3)));
        let error = program.check().unwrap_err();
        assert!(error.starts_with("failing has ended (exit status: 3)"), "{error}");
        assert!(error.ends_with("no such port"), "{error}");
        assert!(program.signal("TERM").is_err());
    }

    #[test]
    fn signals_reach_the_program_itself() {
        let mut program = start("killed", "exec cat /dev/zero >/dev/null");
        program.signal("KILL").unwrap();
        assert_eq!(program.wait(Duration::from_secs(20)), Ok(None));
    }
}
