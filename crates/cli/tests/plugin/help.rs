//! `help` and `--help`.

use crate::process::{plugin, run};
use crate::transcript::Transcript;
use crate::world::World;

#[test]
fn help_has_kubectls_layout() {
    let world = World::empty();
    let mut transcript = Transcript::default();
    transcript.run(&world, "--help").run(&world, "get rollout -h").run(&world, "help get");
    transcript.about("None.").run(&world, "help me");
    transcript.check("help");
}

#[test]
fn all_ways_to_help_lead_to_the_same() {
    let help = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let outcome = run(&mut plugin("/nowhere".as_ref(), &words));
        assert_eq!((outcome.err.as_str(), outcome.code), ("", Some(0)), "{line}");
        outcome.out
    };
    let expected = help("set image --help");
    assert!(expected.contains("set image ROLLOUT_NAME CONTAINER=IMAGE... [flags]"), "{expected}");
    for line in ["help set image", "-h set image", "set image a b=c -h", "set image --help=true"] {
        assert_eq!(help(line), expected, "{line}");
    }
    assert_eq!(help("help get ro"), help("get rollouts -h"));
}

#[test]
fn what_is_not_there_is_not_offered() {
    let help = run(&mut plugin("/nowhere".as_ref(), &["--help"])).out;
    for command in ["create", "dashboard", "lint", "notifications", "terminate"] {
        assert!(!help.contains(&format!("\n  {command} ")), "{command}");
    }
}
