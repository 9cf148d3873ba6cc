//! The built binary run where the inputs of a command's tests are, and its transcript held against a golden file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Standard output, standard error and exit code of `tidegate LINE`.
pub(crate) fn run(line: &str, input: &[u8]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(line.split_whitespace()).current_dir(folder().join(command_of(line)));
    command.env_remove("NO_COLOR").env("TERM", "xterm-256color");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary was built for this test");
    // A command that does not read its input closes it, which is no failure here.
    let _ = child.stdin.take().expect("it was piped").write_all(input);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("only text is written");
    let (out, err) = (text(output.stdout), text(output.stderr));
    let code = output.status.code().expect("it is not killed");
    format!("$ tidegate {line}\n--- standard output\n{out}--- standard error\n{err}--- exit code {code}\n")
}

/// `simulate` of `simulate -f a.yaml`: inputs and golden files are sorted by it.
fn command_of(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

#[track_caller]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
pub(crate) fn check_with(name: &str, line: &str, input: &[u8]) {
    let path = folder().join("golden").join(command_of(line)).join(name).with_extension("txt");
    let played = run(line, input);
    assert!(!played.contains('\x1b'), "pipes get no escape codes");
    let accept =
        std::env::var("TIDEGATE_ACCEPT").is_ok_and(|value| value == "1") && std::env::var("CI").is_err();
    if accept {
        std::fs::write(&path, &played).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let mut lines = expected.lines().zip(played.lines()).enumerate();
    if let Some((number, (wanted, is))) = lines.find(|(_, (wanted, is))| wanted != is) {
        panic!("{name}, line {}:\n- {wanted}\n+ {is}\nTIDEGATE_ACCEPT=1 writes it anew", number + 1);
    }
    assert_eq!(expected.len(), played.len(), "{name}: as many lines as written");
}

#[track_caller]
pub(crate) fn check(name: &str, line: &str) {
    check_with(name, line, b"");
}
