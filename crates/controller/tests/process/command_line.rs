//! Command lines that end the process by themselves.

use crate::child::run;

#[track_caller]
fn fails(args: &[&str], expected: &str) {
    let (out, err, code) = run(args);
    assert_eq!((out.as_str(), code), ("", Some(1)), "{args:?}\n{err}");
    assert!(err.ends_with(&format!("{expected}\n")), "{args:?}\n{err}\nexpected:\n{expected}");
    assert!(!err.contains("starting"), "{err}");
}

#[test]
fn the_version_is_one_line() {
    let (out, err, code) = run(&["--version"]);
    assert!(
        out.starts_with(concat!("v", env!("CARGO_PKG_VERSION"), "+")) && out.lines().count() == 1,
        "{out}"
    );
    assert_eq!((err.as_str(), code), ("", Some(0)));
}

#[test]
fn help_goes_to_standard_output() {
    let (out, err, code) = run(&["--help"]);
    assert!(out.contains("\n  -n, --namespace string"), "{out}");
    assert_eq!((err.as_str(), code), ("", Some(0)));
}

#[test]
fn mistakes_end_it_with_a_hint() {
    fails(&["--qsp=3"], "Error: unknown flag: --qsp\nhint: did you mean --qps?");
    fails(&["--qps"], "Error: flag needs an argument: --qps");
}

#[test]
fn what_makes_no_sense_is_fatal() {
    fails(
        &["--loglevel=loud"],
        r#"level=fatal msg="not a valid logrus Level: \"loud\"; --loglevel is debug, info, warn or error""#,
    );
    fails(&["--controllers=rollout"], r#"level=fatal msg="unsupported controller: rollout""#);
    fails(
        &["--controllers", "analysis"],
        "level=fatal msg=\"--controllers analysis: this version has no controller for AnalysisRuns yet; leave the flag \
         out to run the one for Rollouts\"",
    );
    fails(
        &["--instance-id", "a b"],
        r#"level=fatal msg="--instance-id \"a b\" cannot be a value of the label argo-rollouts.argoproj.io/controller-instance-id: at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends""#,
    );
    fails(
        &["--instance-id", "Blue"],
        r#"level=fatal msg="--instance-id \"Blue\" cannot be part of the name of the Lease argo-rollouts-controller-lock-Blue: use small letters, digits, '-' and '.', or --leader-elect=false""#,
    );
    fails(
        &["--leader-election-renew-deadline=15s"],
        "level=fatal msg=\"the flags --leader-election-* do not fit together: the lease duration, in whole seconds, must be longer than \
         the renew deadline (lease duration 15s, renew deadline 15s, retry period 2s)\"",
    );
}

#[test]
fn servers_that_are_not_configured_are_fatal() {
    fails(
        &[],
        "level=fatal msg=\"no API server is configured: this is no pod, and there is no kubeconfig (looked at none); \
         name one with --kubeconfig or KUBECONFIG, or a server with --server\"",
    );
    fails(
        &["--kubeconfig=nowhere/config"],
        "level=fatal msg=\"kubeconfig nowhere/config cannot be read: No such file or directory (os error 2)\"",
    );
}
