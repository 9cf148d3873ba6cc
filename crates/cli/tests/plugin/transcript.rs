//! Commands and what they print, compared with what was accepted.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::process::{Outcome, plugin, run};
use crate::world::World;

/// Commands and what they printed, as golden files have it: standard output as it is, each line of standard error behind `! `,
/// and an exit code other than 0.
#[derive(Default)]
pub(crate) struct Transcript {
    text: String,
}

impl Transcript {
    /// A sentence about what follows.
    pub(crate) fn about(&mut self, text: &str) -> &mut Self {
        let between = if self.text.is_empty() { "" } else { "\n" };
        writeln!(self.text, "{between}# {text}").unwrap();
        self
    }

    /// Runs the plugin with words that a blank ends.
    pub(crate) fn run(&mut self, world: &World, line: &str) -> &mut Self {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let outcome = run(&mut plugin(&world.folder.0, &words));
        let hide = |text: &str| {
            let text = text.replace(&world.folder.0.display().to_string(), "HOME");
            text.replace(&world.address.to_string(), "127.0.0.1:PORT")
        };
        self.note(line, &Outcome { out: hide(&outcome.out), err: hide(&outcome.err), code: outcome.code })
    }

    pub(crate) fn note(&mut self, line: &str, outcome: &Outcome) -> &mut Self {
        writeln!(self.text, "$ kubectl-argo-rollouts {line}").unwrap();
        self.text.push_str(&outcome.out);
        if !outcome.out.is_empty() && !outcome.out.ends_with('\n') {
            self.text.push_str("(no line end)\n");
        }
        for line in outcome.err.lines() {
            writeln!(self.text, "{}", format!("! {line}").trim_end()).unwrap();
        }
        if outcome.code != Some(0) {
            let code = outcome.code.map_or("by a signal".to_owned(), |code| code.to_string());
            writeln!(self.text, "(exit code {code})").unwrap();
        }
        self
    }

    /// Compares with `golden/NAME.txt`.
    #[track_caller]
    pub(crate) fn check(&self, name: &str) {
        check_file(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt")),
            &self.text,
        );
    }
}

/// Compares a file with what it should hold, or writes it if that is accepted.
#[track_caller]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
pub(crate) fn check_file(path: &Path, text: &str) {
    let accept =
        std::env::var("TIDEGATE_ACCEPT").is_ok_and(|value| value == "1") && std::env::var("CI").is_err();
    if accept {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    let mut lines = expected.lines().zip(text.lines()).enumerate();
    if let Some((number, (wanted, is))) = lines.find(|(_, (wanted, is))| wanted != is) {
        panic!(
            "{}, line {}:\n- {wanted}\n+ {is}\nTIDEGATE_ACCEPT=1 writes it anew\n{text}",
            path.display(),
            number + 1
        );
    }
    assert_eq!(expected.len(), text.len(), "{}: as many lines as accepted\n{text}", path.display());
}
