//! A playground as its user meets it: the built binary, its five lines, and a shell with kubectl.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A running playground, and what leads to it.
pub(crate) struct Playground {
    child: Child,
    /// `export KUBECONFIG=... PATH=...`, as it told us.
    export: String,
    /// The commands that it told us to type after that.
    pub(crate) commands: Vec<String>,
    /// The folder that its lines speak of.
    pub(crate) folder: PathBuf,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl Playground {
    /// Starts one whose time runs `speed` times as fast.
    pub(crate) fn start(speed: u32) -> Self {
        needs("kubectl");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["playground", "--speed", &speed.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary was built for this test");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told: Vec<String> = lines.by_ref().take(5).map(Result::unwrap).collect();
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let commands: Vec<String> =
            told.iter().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect();
        let [export, commands @ ..] = commands.as_slice() else { panic!("it told {told:#?}") };
        let manifest = commands[0].strip_prefix("kubectl apply -f ").unwrap();
        let folder = Path::new(manifest).parent().unwrap().to_path_buf();
        Self { child, export: export.clone(), commands: commands.to_vec(), folder }
    }

    /// What is typed for `text`: first the export that the playground asked for.
    pub(crate) fn typed(&self, text: &str) -> String {
        format!("{}\n{text}", self.export)
    }

    /// A shell in which `text` is typed.
    pub(crate) fn shell(&self, text: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.current_dir(&self.folder).args(["-c", &self.typed(text)]);
        shell.env_remove("NO_COLOR").env("TERM", "xterm-256color").env("HOME", &self.folder);
        shell.stdin(Stdio::null());
        shell
    }

    /// Types a command and waits for its end.
    pub(crate) fn run(&self, text: &str) -> Outcome {
        let output = self.shell(text).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("only text is written");
        Outcome { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code() }
    }

    /// Types a command that must succeed, without a word on stderr; returns what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, text: &str) -> String {
        let outcome = self.run(text);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "$ {text}\n{}", outcome.stdout);
        outcome.stdout
    }

    /// Types commands with what they must print, as a transcript has them: `$ command`, then its output.
    #[track_caller]
    pub(crate) fn plays(&self, transcript: &str) {
        let mut blocks = transcript.split("$ ").filter(|block| !block.trim().is_empty());
        blocks.by_ref().for_each(|block| {
            let (command, expected) = block.split_once('\n').unwrap_or((block, ""));
            assert_eq!(self.ok(command).trim_end(), expected.trim_end(), "$ {command}");
        });
    }

    /// Types a command again and again until `reached` likes what it prints.
    #[track_caller]
    pub(crate) fn until(&self, text: &str, reached: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let came = poll(|| {
            last = self.run(text).stdout;
            reached(&last)
        });
        assert!(came, "$ {text}\n{last}");
        last
    }

    /// Asks it to end, as a service manager would, and returns its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.ask_to_end();
        self.child.wait().unwrap().code()
    }

    fn ask_to_end(&self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
    }
}

impl Drop for Playground {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.ask_to_end();
            let _ = self.child.wait();
        }
    }
}

/// Fails with a word on what to install.
#[track_caller]
pub(crate) fn needs(program: &str) {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    assert!(found.status.success(), "`{program}` is not on PATH; `cargo xtask setup` gets it");
}

/// Asks every tenth of a second, for two minutes at most; whether the answer was yes.
#[allow(clippy::disallowed_methods, reason = "the one place where a test waits for real processes")]
pub(crate) fn poll(mut reached: impl FnMut() -> bool) -> bool {
    let began = std::time::Instant::now();
    while !reached() {
        if began.elapsed() > LIMIT {
            return false;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    true
}

/// What `get rollout` printed, without what differs from run to run: ages, hashes, pods' names, the registry.
pub(crate) fn essence(view: &str) -> String {
    view.trim().lines().map(essential_line).collect::<Vec<_>>().join("\n")
}

fn essential_line(line: &str) -> String {
    if line.starts_with("Namespace:") {
        return "Namespace: *".to_owned();
    }
    let words = line.split_whitespace().map(|word| {
        let is_age = word.len() > 1
            && word.ends_with(['s', 'm', 'h'])
            && word.starts_with(|c: char| c.is_ascii_digit());
        match word.strip_prefix("rollouts-demo-") {
            _ if is_age => "AGE".to_owned(),
            Some(rest) => format!("rollouts-demo{}", "-*".repeat(rest.split('-').count())),
            None => word.replace("argoproj/rollouts-demo:", "demo:"),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What upstream's `get rollout` printed at a captured moment, in the same way.
pub(crate) fn captured(scenario: &str, moment: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/upstream")
        .join(scenario)
        .join(moment)
        .join("get-rollout.txt");
    essence(&std::fs::read_to_string(path).unwrap())
}
