//! `tidegate simulate`, as users and pipelines meet it: standard output, standard error and exit code of the built binary.
//! `TIDEGATE_ACCEPT=1` writes the golden files anew.

#![allow(clippy::unwrap_used, reason = "a test")]

mod transcript;

use transcript::{check, check_with, folder, run};

const GUIDE: &str = "simulate -f ../../../../examples/rollouts-demo.yaml";

#[test]
fn without_a_script_it_is_updated_and_promoted() {
    check("guide", GUIDE);
    check("two", "simulate -f two.yaml");
}

#[test]
fn what_does_not_end_healthy_says_why() {
    check("abort", &format!("{GUIDE} --script abort.txt"));
    check("bad-image", &format!("{GUIDE} --script bad-image.txt"));
    check("left-paused", &format!("{GUIDE} --script left-paused.txt"));
    check("invalid-edit", &format!("{GUIDE} --script invalid-edit.txt"));
    check("slow-pods", &format!("{GUIDE} --ready-after 15m"));
    check("refused", &format!("{GUIDE} --script refused.txt"));
    check("deleted", &format!("{GUIDE} --script deleted.txt"));
}

#[test]
fn what_a_script_applies_is_played_without_kinds_that_no_cluster_here_has() {
    check("applied", &format!("{GUIDE} --script applied.txt"));
    check("faults-applied", &format!("{GUIDE} --script applied.txt --faults --seeds 2"));
}

#[test]
fn a_rollout_that_is_gone_kept_no_promise() {
    let told = run(&format!("{GUIDE} --script deleted.txt --faults --seeds 2"), b"");
    assert!(told.contains("no Rollout is there") && told.ends_with("--- exit code 1\n"), "{told}");
}

#[test]
fn wrong_input_is_told_with_file_and_line() {
    check("unknown-fields", "simulate -f unknown-fields.yaml");
    check("many-faults", "simulate -f many-faults.yaml");
    check("syntax", "simulate -f syntax.yaml -f unknown-fields.yaml");
    check("template", "simulate -f template.yaml");
    check("unsupported", "simulate -f unsupported.yaml");
    check("no-rollout", "simulate -f service-only.yaml");
    check("missing-file", "simulate -f nowhere.yaml -f service-only.yaml --script nothing.txt");
    check("no-commands", &format!("{GUIDE} --script no-commands.txt"));
    check("other-namespace", "simulate -f two.yaml --namespace test");
    check("no-arguments", "simulate");
    check("no-duration", &format!("{GUIDE} --ready-after soon"));
    check("replaced", &format!("{GUIDE} --script replaced.txt"));
    check("strangers", "simulate -f two.yaml --script strangers.txt");
    check("elsewhere", "simulate -f two.yaml -f own.yaml --script elsewhere.txt");
    check("no-seeds", "simulate --faults --seed 18446744073709551615 --seeds 2");
    check("nothing-to-be-ready", "simulate --faults --ready-after 2s");
}

#[test]
fn standard_input_is_a_file_too() {
    let manifest = std::fs::read_to_string(folder().join("../../../examples/rollouts-demo.yaml")).unwrap();
    check_with("stdin", "simulate -f -", manifest.as_bytes());
    check_with("stdin-syntax", "simulate -f -", b"a: [\n");
}

#[test]
fn a_folder_stands_for_its_manifests() {
    let told = run("simulate -f .", b"");
    for file in
        ["many-faults.yaml", "syntax.yaml", "template.yaml", "unknown-fields.yaml", "unsupported.yaml"]
    {
        assert!(told.contains(&format!("error: ./{file}:")), "{file}: {told}");
    }
}

#[test]
fn the_same_input_gives_the_same_output() {
    assert_eq!(run("simulate -f two.yaml --seed 5", b""), run("simulate -f two.yaml --seed 5", b""));
    assert_ne!(run("simulate -f two.yaml --seed 5", b""), run("simulate -f two.yaml --seed 6", b""));
}

/// Their figures change with every write that the controller makes otherwise: TIDEGATE_ACCEPT=1, and read them.
#[test]
fn worlds_with_faults_are_told_in_a_table() {
    check("faults", &format!("{GUIDE} --faults --seeds 8 --jobs 2"));
    check("faults-two", "simulate -f two.yaml --faults --seeds 4 --jobs 3");
    check("faults-script", &format!("{GUIDE} --script bad-image.txt --faults --seeds 4"));
    check("faults-wrong", "simulate -f unknown-fields.yaml --faults");
    check("faults-unused", &format!("{GUIDE} --seeds 4"));
    check("faults-namespaces", "simulate -f namespaces.yaml --faults");
}

#[test]
fn one_seed_is_told_line_by_line() {
    check("faults-seed", &format!("{GUIDE} --faults --seed 2"));
}

#[test]
fn a_broken_promise_is_found_replayed_and_shortened() {
    // After this script the Rollout can never be Healthy.
    let line = format!("{GUIDE} --script invalid-edit.txt --faults --seeds 2 --jobs 1");
    check("faults-broken", &line);
    let told = run(&line, b"");
    assert!(told.ends_with("--- exit code 1\n"), "{told}");
    let replay = told.lines().find_map(|line| line.strip_prefix("  replay: tidegate ")).unwrap();
    let long = run(&format!("{replay} --no-shrink"), b"");
    assert!(long.ends_with("--- exit code 1\n") && !long.contains("Shortened"), "{long}");
    let short = run(replay, b"");
    let (_, script) = short.split_once("\nShortened, as a scenario; it breaks end: ").unwrap();
    let commands =
        |text: &str| text.lines().filter(|line| line.starts_with("$ ") && !line.contains("tidegate")).count();
    assert!(script.contains("setWeight\":300"), "{script}");
    // What makes it an end that must come stays: ten commands.
    assert!(commands(script) < 8 + 10 && commands(script) < commands(&long), "{script}");
    assert!(script.ends_with("--- exit code 1\n"), "{script}");
}

#[test]
fn two_processes_tell_the_same_of_the_same_seeds() {
    let table = |line: &str| {
        let told = run(line, b"");
        told.split("--- standard output").nth(1).unwrap().to_owned()
    };
    let random = table("simulate --faults --seeds 4 --jobs 1");
    assert_eq!(random, table("simulate --faults --seeds 4 --jobs 3"));
    assert!(random.contains("Random Rollouts") && random.contains("(seeds 1 to 4)"), "{random}");
    assert!(table("simulate --faults --seeds 2 --seed 9").contains("(seeds 9 to 10)"));
    assert_eq!(
        table("simulate -f two.yaml --faults --seed 3"),
        table("simulate -f two.yaml --faults --seed 3")
    );
}

#[test]
fn help_has_an_example() {
    let help = run("simulate --help", b"");
    assert!(help.contains("Example: tidegate simulate -f rollout.yaml"), "{help}");
    assert!(help.ends_with("--- exit code 0\n"), "{help}");
}

#[test]
fn the_documentation_shows_what_is_told() {
    let told = run(&format!("{GUIDE} --faults --seeds 8"), b"").replace("../../../../examples", "examples");
    let (_, table) = told.split_once("--- standard output\n").unwrap();
    let (table, _) = table.split_once("--- standard error").unwrap();
    let page = std::fs::read_to_string(folder().join("../../../docs/simulate.md")).unwrap();
    assert!(page.contains(&format!("--seeds 8\n{table}```")), "{table}");
}
