//! A terminal of a given size: tmux, on a server of its own.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::playground::{needs, poll};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A terminal in which one shell command runs.
pub(crate) struct Terminal {
    socket: String,
}

impl Terminal {
    /// Opens it and types `command` into a shell without a prompt; what comes after the command shows as `exit: CODE`.
    pub(crate) fn open((width, height): (u16, u16), command: &str) -> Self {
        needs("tmux");
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let terminal = Self { socket: format!("tidegate-test-{}-{number}", std::process::id()) };
        // Ctrl-C is for the command; this shell stays to tell how it ended.
        let script = format!("trap : INT\n{command}\necho \"exit: $?\"\nread end_of_test");
        terminal.tmux(
            &[
                "new-session",
                "-d",
                "-x",
                &width.to_string(),
                "-y",
                &height.to_string(),
                "env -u NO_COLOR TERM=screen-256color sh -c \"$SCRIPT\"",
            ],
            &script,
        );
        terminal
    }

    fn tmux(&self, args: &[&str], script: &str) -> String {
        let output = Command::new("tmux")
            .args(["-L", &self.socket, "-f", "/dev/null", "-u"])
            .args(args)
            .env("SCRIPT", script)
            .output()
            .unwrap();
        assert!(output.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What stands on the screen, without blanks at the ends of lines.
    pub(crate) fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"], "")
    }

    /// The same with escape codes.
    pub(crate) fn coloured(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"], "")
    }

    /// Presses keys, named as tmux does: `C-c`, `Enter`.
    pub(crate) fn press(&self, keys: &str) {
        self.tmux(&["send-keys", keys], "");
    }

    /// Changes its size.
    pub(crate) fn resize(&self, (width, height): (u16, u16)) {
        self.tmux(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()], "");
    }

    /// Waits until the screen shows all of `texts`, and returns it.
    #[track_caller]
    pub(crate) fn shows(&self, texts: &[&str]) -> String {
        let mut screen = String::new();
        let came = poll(|| {
            screen = self.screen();
            texts.iter().all(|text| screen.contains(text))
        });
        assert!(came, "{texts:?} did not come; the screen shows:\n{screen}");
        screen
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-L", &self.socket, "kill-server"]).status();
    }
}
