//! The built binary, as users and scripts meet it. `TIDEGATE_ACCEPT=1` writes the golden file anew.

use std::path::Path;
use std::process::{Command, Stdio};

fn tidegate(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(args).env_remove("NO_COLOR").env("TERM", "xterm-256color");
    command
}

#[track_caller]
fn run(args: &[&str]) -> (String, String, Option<i32>) {
    let output = tidegate(args).output().expect("the binary was built for this test");
    let text = |bytes| String::from_utf8(bytes).expect("only text is written");
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn the_fast_demo_is_as_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/demo.txt");
    let (played, errors, code) = run(&["demo", "--fast"]);
    assert_eq!((errors.as_str(), code), ("", Some(0)));
    let accept =
        std::env::var("TIDEGATE_ACCEPT").is_ok_and(|value| value == "1") && std::env::var("CI").is_err();
    if accept {
        std::fs::write(&path, &played).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    let mut lines = expected.lines().zip(played.lines()).enumerate();
    if let Some((number, (wanted, is))) = lines.find(|(_, (wanted, is))| wanted != is) {
        panic!("line {}:\n- {wanted}\n+ {is}\nTIDEGATE_ACCEPT=1 writes it anew", number + 1);
    }
    assert_eq!(expected.len(), played.len(), "as many lines as written");
}

#[test]
fn pipes_get_no_escape_codes() {
    let (plain, ..) = run(&["demo", "--fast"]);
    assert!(!plain.contains('\x1b'));
    assert!(plain.lines().all(|line| line == line.trim_end()), "no blanks at the ends of lines");
    for (variable, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let output = tidegate(&["demo", "--fast"]).env(variable, value).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), plain, "{variable}={value}");
    }
    assert_eq!(run(&["demo", "--fast", "--no-color"]).0, plain);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    for args in [&["demo", "--fast"][..], &["demo"], &["--help"], &[]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = tidegate(args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(141), "{args:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{args:?}");
    }
}

#[test]
fn without_a_command_there_is_help() {
    let (help, errors, code) = run(&[]);
    assert!(help.starts_with("Progressive delivery for Kubernetes"), "{help}");
    assert!(help.contains("Usage: tidegate") && help.contains("\n  demo "), "{help}");
    assert_eq!((errors.as_str(), code), ("", Some(0)));
    assert_eq!(run(&["--help"]), (help, errors, code));
    let (help, _, code) = run(&["demo", "--help"]);
    assert!(help.contains("--fast") && help.contains("--no-color"), "{help}");
    assert_eq!(code, Some(0));
}

#[test]
fn what_is_not_understood_is_refused() {
    for args in [&["fly"][..], &["demo", "--slow"], &["demo", "again"]] {
        let (output, errors, code) = run(args);
        assert!(errors.starts_with("error: ") && errors.contains(args.last().unwrap()), "{errors}");
        assert_eq!((output.as_str(), code), ("", Some(2)), "{args:?}");
    }
}
