//! Lines, understood and refused.

use super::*;

#[track_caller]
fn check(line: &str, expected: Action) {
    assert_eq!(Command::parse(line).unwrap(), Command { action: expected, namespace: None }, "{line}");
}

fn web(change: Change) -> Action {
    Action::Rollout { name: "web".to_owned(), change }
}

#[test]
fn what_a_user_types_is_understood() {
    let file = Manifest::File("a.yaml".to_owned());
    check("kubectl apply -f a.yaml", Action::Apply { manifest: file.clone() });
    check("kubectl replace -f a.yaml", Action::Replace { manifest: file });
    let text = Manifest::Text("{\"kind\": \"Service\"}".to_owned());
    check("kubectl apply -f - <<< '{\"kind\": \"Service\"}'", Action::Apply { manifest: text });
    check("kubectl scale rollout web --replicas=3", web(Change::Scale(3)));
    check("kubectl get events", Action::Events);
    check(
        "kubectl patch rollout web --type merge -p '{\"spec\": {\"paused\": true}}'",
        web(Change::Patch { patch: serde_json::json!({"spec": {"paused": true}}), status: false }),
    );
    let images = [("a", "b:1"), ("c", "d")].map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
    check("kubectl argo rollouts set image web a=b:1 c=d", web(Change::SetImage(images)));
    let full = PromoteOptions { full: true, ..PromoteOptions::default() };
    check("kubectl argo rollouts promote web --full", web(Change::Promote(full)));
    check("kubectl argo rollouts undo web --to-revision 2", web(Change::Undo(2)));
    check("wait 90s", Action::Wait(Duration::from_secs(90)));
    check("attend 2m", Action::Attend(Duration::from_secs(120)));
    let wanted = |words: &str, of_all| Action::WaitUntil(Wanted { words: words.to_owned(), of_all });
    check("wait until step 1/8", wanted("step 1/8", false));
    check("wait until all Healthy", wanted("Healthy", true));
    let event = |fate| Action::Machine(MachineEvent::Pods { image: "bad".to_owned(), fate });
    check("pods of bad never ready", event(Fate::NeverReady));
    check("pods of bad crash", event(Fate::Crash));
    check("lose a pod of bad", Action::Machine(MachineEvent::Lose { image: "bad".to_owned() }));
    check("kubectl argo rollouts restart web --in 10m", web(Change::Restart("10m".to_owned())));
    check("kubectl argo rollouts restart web", web(Change::Restart(String::new())));
    check("kubectl get pods -L role", Action::Pods { label: "role".to_owned() });
    check(
        "kubectl get svc web -o jsonpath={.spec.selector.a\\.b/c}",
        Action::Member {
            kind: "svc".to_owned(),
            name: "web".to_owned(),
            pointer: "/spec/selector/a.b~1c".to_owned(),
        },
    );
    check(
        "kubectl patch svc web -p '{}'",
        Action::PatchObject { kind: "svc".to_owned(), name: "web".to_owned(), patch: serde_json::json!({}) },
    );
    let command = Command::parse("kubectl argo rollouts abort web -n prod").unwrap();
    assert_eq!((command.rollout(), command.namespace.as_deref()), (Some("web"), Some("prod")));
}

#[test]
fn what_happens_to_machines_is_understood() {
    let machine = |line: &str, event| check(line, Action::Machine(event));
    machine("crash before write 3", MachineEvent::CrashAtWrite { n: 3, side: Side::Before });
    machine("crash after write 1", MachineEvent::CrashAtWrite { n: 1, side: Side::After });
    machine("twin 10s", MachineEvent::Twin(Duration::from_secs(10)));
    machine("clock of cluster -1500ms", MachineEvent::ClusterClock(SignedDuration::from_millis(-1500)));
    machine("clock of controller 2s", MachineEvent::ControllerClock(SignedDuration::from_secs(2)));
    machine("apiserver away 4s", MachineEvent::ServerAway(Duration::from_secs(4)));
    machine("fault conflict at write 2", MachineEvent::Fault { n: 2, fault: Fault::Conflict });
    machine("faults none", MachineEvent::Faults(Rates::default()));
    machine("faults slow=5 conflict=1", MachineEvent::Faults("conflict=1 slow=5".parse().unwrap()));
    machine("calm", MachineEvent::Calm);
    machine("calm machines", MachineEvent::CalmMachines);
    machine("come to rest", MachineEvent::ComeToRest);
    machine("start anew", MachineEvent::StartAnew);
    machine("lose node 2", MachineEvent::LoseNode(2));
    machine("lose replicaset 0", MachineEvent::LoseReplicaSet(0));
    machine("relabel replicaset 3", MachineEvent::Relabel(3));
    let slow = Fate::StartAfter(Duration::from_secs(9));
    machine("pods of red start after 9s", MachineEvent::Pods { image: "red".to_owned(), fate: slow });
    let short = Fate::FailAfter(Duration::from_secs(4));
    machine("pods of red fail after 4s", MachineEvent::Pods { image: "red".to_owned(), fate: short });
    let error = Command::parse("faults slow=often").unwrap_err().to_string();
    assert!(error.starts_with("`slow=often` is no rate"), "{error}");
}

#[test]
fn everything_else_is_refused() {
    for line in [
        "",
        "fly to the moon",
        "kubectl",
        "kubectl argo rollouts",
        "kubectl argo rollouts abort",
        "kubectl argo rollouts abort web --full",
        "kubectl argo rollouts abort web --force",
        "kubectl argo rollouts promote web --to-revision 2",
        "kubectl argo rollouts set image web",
        "kubectl apply",
        "kubectl apply -f a extra",
        "kubectl scale rollout web",
        "kubectl patch rollout web --type=json -p '[]'",
        "kubectl patch svc web --subresource=status -p '{}'",
        "kubectl get svc web -o yaml",
        "kubectl get svc -L role",
        "kubectl argo rollouts abort web --in 5m",
        "pods of bad sleep",
        "kubectl apply -f - <<<",
        "kubectl delete -f a.yaml",
    ] {
        assert!(matches!(Command::parse(line), Err(CommandError::Unknown)), "{line}");
    }
    for (line, expected) in [
        ("crash before write 0", "`0` is no number of a write; write 1 for the next one, 2, ..."),
        ("crash around write 1", "`around` is no side of a write; write before or after"),
        ("fault flood at write 1", "`flood` is no fault; write one of conflict, "),
        ("lose node x", "`x` is no number; write 0, 1, ..."),
        ("kubectl scale rollout web --replicas many", "`many` is no number of pods; write 0, 1, ..."),
        (
            "kubectl argo rollouts undo web --to-revision x",
            "`x` is no revision; write 0 for the one before, 1, ...",
        ),
        ("kubectl argo rollouts set image web a", "`a` is no image of a container; write CONTAINER=IMAGE"),
    ] {
        let error = Command::parse(line).unwrap_err();
        assert!(
            matches!(error, CommandError::Word { .. }) && error.to_string().starts_with(expected),
            "{error}"
        );
    }
    assert!(matches!(Command::parse("wait soon"), Err(CommandError::Time(_))));
    assert!(matches!(Command::parse("wait until"), Err(CommandError::Time(_))));
    assert!(matches!(Command::parse("kubectl patch rollout web -p '{'"), Err(CommandError::Json(_))));
}
