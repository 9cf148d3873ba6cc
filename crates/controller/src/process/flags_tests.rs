//! The command line, as an existing Deployment may have it.

use super::*;

fn parse(line: &str) -> Result<Parsed, String> {
    let words = std::iter::once("rollouts-controller").chain(line.split_whitespace());
    Flags::parse(words.map(OsString::from))
}

#[track_caller]
fn run(line: &str) -> (Flags, Vec<String>) {
    match parse(line) {
        Ok(Parsed::Run { flags, warnings }) => (*flags, warnings),
        Ok(Parsed::Help) => panic!("{line}: help"),
        Err(text) => panic!("{line}: {text}"),
    }
}

#[track_caller]
fn refused(line: &str, expected: &str) {
    match parse(line) {
        Ok(_) => panic!("{line} was understood"),
        Err(text) => assert_eq!(text, expected, "{line}"),
    }
}

#[test]
fn the_command_is_well_formed() {
    command().debug_assert();
}

#[test]
fn defaults_are_upstreams() {
    let (flags, warnings) = run("");
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!((flags.qps, flags.burst, flags.rollout_threads), (40.0, 80, 10));
    assert_eq!((flags.healthz_port, flags.metrics_port), (8080, 8090));
    assert_eq!((flags.namespaced, flags.leader_elect, flags.version), (false, true, false));
    assert_eq!(
        (flags.instance_id.as_str(), flags.loglevel.as_str(), flags.logformat.as_str()),
        ("", "info", "")
    );
    let seconds = [
        flags.leader_election_lease_duration,
        flags.leader_election_renew_deadline,
        flags.leader_election_retry_period,
    ];
    assert_eq!(seconds.map(|it| it.as_secs()), [15, 10, 2]);
}

#[test]
fn values_are_written_as_in_go() {
    for line in ["--namespaced", "--namespaced=true", "--namespaced=T", "--namespaced=false --namespaced"] {
        assert!(run(line).0.namespaced, "{line}");
    }
    for line in ["--leader-elect=false", "--leader-elect=0", "--leader-elect --leader-elect=F"] {
        assert!(!run(line).0.leader_elect, "{line}");
    }
    for line in ["-n a", "-n=a", "-na", "--namespace a", "--namespace=a", "-n b --namespace a"] {
        assert_eq!(run(line).0.connection.namespace.as_deref(), Some("a"), "{line}");
    }
    for line in ["--healthzPort 1234", "--healthzPort=1234", "--healthzPort 1 --healthzPort 1234"] {
        assert_eq!(run(line).0.healthz_port, 1234, "{line}");
    }
    let (flags, _) =
        run("--leader-election-lease-duration=1m30s --qps 0.5 --controllers a,b --controllers c");
    assert_eq!((flags.leader_election_lease_duration.as_secs(), flags.qps), (90, 0.5));
    assert_eq!(flags.controllers, ["a", "b", "c"]);
    assert!(matches!(parse("--help"), Ok(Parsed::Help)));
    assert!(matches!(parse("-h"), Ok(Parsed::Help)));
}

#[test]
fn mistakes_are_named_and_helped() {
    refused("--qsp 3", "unknown flag: --qsp\nhint: did you mean --qps?");
    refused("--namespaces=true", "unknown flag: --namespaces\nhint: did you mean --namespace?");
    refused("--healthzport 1", "unknown flag: --healthzport\nhint: did you mean --healthzPort?");
    refused("--leader-elected", "unknown flag: --leader-elected\nhint: did you mean --leader-elect?");
    refused("-z", "unknown flag: -z\nhint: --help lists all flags");
    refused("--qps", "flag needs an argument: --qps");
    refused("--qps 3 -n", "flag needs an argument: -n");
    refused("--qps=-1", "invalid argument \"-1\" for --qps: it must be a number above 0");
    refused("--qps many", "invalid argument \"many\" for --qps: it must be a number above 0");
    refused("--burst 0", "invalid argument \"0\" for --burst: 0 is not in 1..=4294967295");
    refused("--healthzPort 65536", "invalid argument \"65536\" for --healthzPort: 65536 is not in 0..=65535");
    refused(
        "--namespaced=maybe",
        "invalid argument \"maybe\" for --namespaced: \"maybe\" is neither true nor false",
    );
    refused(
        "--leader-election-retry-period 2",
        "invalid argument \"2\" for --leader-election-retry-period: time: missing unit in duration \"2\"",
    );
    refused(
        "--leader-election-retry-period=-2s",
        "invalid argument \"-2s\" for --leader-election-retry-period: it must not be below zero",
    );
    refused(
        "--experiment-threads x",
        "invalid argument \"x\" for --experiment-threads: invalid digit found in string",
    );
}

#[test]
fn what_has_no_effect_is_accepted_and_told() {
    for flag in &unhonoured::UNHONOURED {
        let default = command();
        let default = default.get_arguments().find(|arg| arg.get_long() == Some(flag.name)).unwrap();
        for value in default.get_default_values() {
            let line = format!("--{}={}", flag.name, value.to_string_lossy());
            assert_eq!(run(&line).1, Vec::<String>::new(), "{line}");
        }
        let other = match flag.name {
            name if name.ends_with("-threads") || name.ends_with("-retries") || name.ends_with("-resync") => {
                "=7"
            }
            name if name.contains("verify") || name.contains("enabled") || name.starts_with("disable") => "",
            _ => "=other",
        };
        let line = format!("--{}{other}", flag.name);
        let expected = format!("--{} has no effect in this version: {}", flag.name, flag.because);
        assert_eq!(run(&line).1, [expected], "{line}");
    }
}

#[test]
fn old_and_stray_arguments_are_told() {
    let (flags, warnings) = run("--metricsport=9000");
    assert_eq!(
        (flags.metrics_port, warnings[0].as_str()),
        (9000, { "--metricsport is deprecated, use --metricsPort instead" })
    );
    let (flags, warnings) = run("--namespaced true");
    assert!(flags.namespaced);
    assert_eq!(
        warnings,
        [
            "arguments without a flag have no effect: true (the value of a boolean flag is written --flag=false)"
        ]
    );
}
