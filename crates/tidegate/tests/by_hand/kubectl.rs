//! Real kubectl against the playground's port: what it prints is what it prints against a cluster.

use crate::playground::{Outcome, Playground};

/// A playground with a healthy demo in it.
fn deployed() -> Playground {
    let playground = Playground::start(5);
    playground.plays(
        "$ kubectl apply -f rollouts-demo.yaml
rollout.argoproj.io/rollouts-demo created
service/rollouts-demo created",
    );
    playground.plays(
        "$ kubectl wait rollout/rollouts-demo --timeout=60s --for=jsonpath={.status.phase}=Healthy
rollout.argoproj.io/rollouts-demo condition met",
    );
    playground
}

/// A line without runs of blanks.
fn squeezed(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[track_caller]
fn contains(text: &str, parts: &[&str]) {
    let lines = squeezed(text).join("\n");
    for part in parts {
        assert!(lines.contains(part), "`{part}` is missing in:\n{text}");
    }
}

#[test]
fn tables_are_those_of_a_server() {
    let playground = deployed();
    let rollouts = squeezed(&playground.ok("kubectl get rollouts"));
    assert_eq!(rollouts[0], "NAME DESIRED CURRENT UP-TO-DATE AVAILABLE AGE");
    assert!(rollouts[1].starts_with("rollouts-demo 5 5 5 5 "), "{rollouts:?}");
    let sets = squeezed(&playground.ok("kubectl get rs"));
    assert_eq!(sets[0], "NAME DESIRED CURRENT READY AGE");
    assert!(sets[1].starts_with("rollouts-demo-5cd66ff7ff 5 5 5 "), "{sets:?}");
    let services = squeezed(&playground.ok("kubectl get services rollouts-demo"));
    assert_eq!(services[0], "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE");
    assert!(services[1].contains("ClusterIP 10.") && services[1].contains(" <none> 80/TCP "), "{services:?}");
    let pods = squeezed(&playground.ok("kubectl get pods -o wide"));
    assert_eq!(pods[0], "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES");
    assert_eq!(pods.iter().filter(|line| line.contains(" 1/1 Running 0 ")).count(), 5, "{pods:?}");
    contains(
        &playground.ok("kubectl get all"),
        &["pod/rollouts-demo-", "replicaset.apps/rollouts-demo-", "service/rollouts-demo"],
    );
    contains(&playground.ok("kubectl get pods -A"), &["NAMESPACE NAME READY", "default rollouts-demo-"]);
    contains(
        &playground.ok("kubectl get events --field-selector involvedObject.kind=Rollout"),
        &["LAST SEEN TYPE REASON OBJECT MESSAGE", "Normal RolloutCompleted rollout/rollouts-demo"],
    );
    let short_names = [
        "rollouts ro argoproj.io/v1alpha1 true Rollout",
        "experiments exp argoproj.io/v1alpha1 true Experiment",
        "clusteranalysistemplates cat argoproj.io/v1alpha1 false ClusterAnalysisTemplate",
    ];
    contains(&playground.ok("kubectl api-resources --api-group argoproj.io"), &short_names);
}

#[test]
fn describe_and_explain_tell_what_they_know() {
    let playground = deployed();
    contains(
        &playground.ok("kubectl describe rollout rollouts-demo"),
        &["Name: rollouts-demo", "Kind: Rollout", "Phase: Healthy", "Events:", "Normal RolloutCompleted"],
    );
    contains(
        &playground.ok("kubectl describe rs rollouts-demo-5cd66ff7ff"),
        &[
            "Replicas: 5 current / 5 desired",
            "Pods Status: 5 Running / 0 Waiting",
            "Controlled By: Rollout/rollouts-demo",
        ],
    );
    contains(
        &playground.ok("kubectl describe pods -l app=rollouts-demo"),
        &["Status: Running", "Ready True", "Image: argoproj/rollouts-demo:blue"],
    );
    contains(
        &playground.ok("kubectl describe service rollouts-demo"),
        &["Selector: app=rollouts-demo", "Port: http 80/TCP"],
    );
    contains(
        &playground.ok("kubectl explain rollout.spec.strategy.canary.steps"),
        &[
            "GROUP: argoproj.io",
            "KIND: Rollout",
            "VERSION: v1alpha1",
            "FIELD: steps <[]Object>",
            "setWeight <integer>",
            "pause <Object>",
        ],
    );
    contains(
        &playground.ok("kubectl explain rollout.spec.template.spec.containers --recursive"),
        &["livenessProbe <Object>", "containerPort <integer>"],
    );
    contains(
        &playground.ok("kubectl explain pod.spec.restartPolicy"),
        &["FIELD: restartPolicy <string>", "Restart policy"],
    );
    contains(&playground.ok("kubectl explain at.spec.metrics.provider.prometheus"), &["query <string>"]);
}

#[test]
fn scale_edit_wait_and_delete_act() {
    let playground = deployed();
    playground.ok(
        "printf '#!/bin/sh\\nsed -i \"s/revisionHistoryLimit: 2/revisionHistoryLimit: 4/\" \"$1\"\\n' > editor; chmod +x editor",
    );
    playground.plays(
        "$ kubectl scale rollout rollouts-demo --replicas 3
rollout.argoproj.io/rollouts-demo scaled
$ kubectl wait rollout/rollouts-demo --timeout=60s --for=jsonpath={.status.availableReplicas}=3
rollout.argoproj.io/rollouts-demo condition met
$ EDITOR=$PWD/editor kubectl edit rollout rollouts-demo
rollout.argoproj.io/rollouts-demo edited
$ kubectl get rollout rollouts-demo -o jsonpath='{.spec.revisionHistoryLimit}'
4
$ kubectl label rollout rollouts-demo team=blue
rollout.argoproj.io/rollouts-demo labeled
$ kubectl annotate service rollouts-demo note=mine
service/rollouts-demo annotated",
    );
    let pod = playground.ok("kubectl get pods -o name").lines().next().unwrap().to_owned();
    contains(&playground.ok(&format!("kubectl delete {pod}")), &["deleted"]);
    playground.until("kubectl get pods --no-headers", |pods| {
        pods.lines().filter(|line| line.contains("1/1")).count() == 3
            && !pods.contains(pod.trim_start_matches("pod/"))
    });
    contains(
        &playground.ok("kubectl delete rollout rollouts-demo"),
        &["rollout.argoproj.io \"rollouts-demo\" deleted"],
    );
    playground.ok("kubectl wait --for=delete pod -l app=rollouts-demo --timeout=60s");
    assert_eq!(playground.run("kubectl get rs -o name").stdout, "");
}

#[test]
fn apply_and_diff_see_what_changes() {
    let playground = deployed();
    playground.plays(
        "$ kubectl apply -f rollouts-demo.yaml
rollout.argoproj.io/rollouts-demo unchanged
service/rollouts-demo unchanged
$ kubectl diff -f rollouts-demo.yaml",
    );
    playground.ok("sed 's/replicas: 5/replicas: 6/; s/port: 80/port: 81/' rollouts-demo.yaml > changed.yaml");
    let diff = playground.run("kubectl diff -f changed.yaml");
    assert_eq!(diff.code, Some(1), "{diff:?}");
    contains(&diff.stdout, &["- replicas: 5", "+ replicas: 6"]);
    playground.plays(
        "$ kubectl apply --dry-run=server -f changed.yaml
rollout.argoproj.io/rollouts-demo configured (server dry run)
service/rollouts-demo configured (server dry run)
$ kubectl get rollout rollouts-demo -o jsonpath='{.spec.replicas}'
5
$ kubectl apply -f changed.yaml
rollout.argoproj.io/rollouts-demo configured
service/rollouts-demo configured
$ kubectl get rollout rollouts-demo -o jsonpath='{.spec.replicas}'
6
$ kubectl get service rollouts-demo -o jsonpath='{.spec.ports[*].port}'
81",
    );
    // Those that the playground was born with carry no mark of kubectl's yet; from the second time on nothing is left to say.
    let crds = format!("kubectl apply -f {}", concat!(env!("CARGO_MANIFEST_DIR"), "/../../crds"));
    let first = playground.run(&crds);
    assert_eq!(first.code, Some(0), "{first:?}");
    let again = playground.ok(&crds);
    assert_eq!(again.lines().filter(|line| line.ends_with(".argoproj.io unchanged")).count(), 5, "{again}");
    contains(&playground.ok("kubectl get rollouts"), &["rollouts-demo 6"]);
}

#[test]
fn server_side_apply_keeps_owners_and_tells_of_conflicts() {
    let playground = deployed();
    playground.plays(
        "$ kubectl apply --server-side -f rollouts-demo.yaml
rollout.argoproj.io/rollouts-demo serverside-applied
service/rollouts-demo serverside-applied
$ kubectl diff --server-side -f rollouts-demo.yaml",
    );
    // What client-side apply owned is the applier's now.
    let shown = playground.ok("kubectl get rollout rollouts-demo -o yaml --show-managed-fields");
    contains(
        &shown,
        &["managedFields:", "manager: kubectl", "operation: Apply", "f:replicas: {}", "subresource: status"],
    );
    assert!(!shown.contains("kubectl-client-side-apply"), "{shown}");
    assert!(!playground.ok("kubectl get rollout rollouts-demo -o yaml").contains("managedFields"));
    playground.ok("sed 's/replicas: 5/replicas: 6/' rollouts-demo.yaml > changed.yaml");
    let diff = playground.run("kubectl diff --server-side --field-manager=kubectl -f changed.yaml");
    assert_eq!(diff.code, Some(1), "{diff:?}");
    contains(&diff.stdout, &["- replicas: 5", "+ replicas: 6"]);
    let other = "kubectl apply --server-side --field-manager=other -f changed.yaml";
    let conflict = playground.run(other);
    assert_eq!(conflict.code, Some(1), "{conflict:?}");
    contains(
        &conflict.stderr,
        &[
            "error: Apply failed with 1 conflict: conflict with \"kubectl\": .spec.replicas",
            "--force-conflicts",
        ],
    );
    assert_eq!(playground.ok("kubectl get rollout rollouts-demo -o jsonpath='{.spec.replicas}'"), "5");
    playground.plays(&format!(
        "$ {other} --force-conflicts
rollout.argoproj.io/rollouts-demo serverside-applied
service/rollouts-demo serverside-applied
$ kubectl get rollout rollouts-demo -o jsonpath='{{.spec.replicas}}'
6"
    ));
    playground
        .ok("kubectl wait rollout/rollouts-demo --timeout=60s --for=jsonpath={.status.availableReplicas}=6");
    // Whoever has lost a field does not lose the others.
    playground.plays(
        "$ kubectl scale rollout rollouts-demo --replicas 3
rollout.argoproj.io/rollouts-demo scaled
$ kubectl apply --server-side -f rollouts-demo.yaml --dry-run=server --force-conflicts
rollout.argoproj.io/rollouts-demo serverside-applied (server dry run)
service/rollouts-demo serverside-applied (server dry run)
$ kubectl get rollout rollouts-demo -o jsonpath='{.spec.replicas}'
3
$ printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: new}\\ndata: {a: b}\\n' | kubectl apply --server-side -f -
configmap/new serverside-applied",
    );
}

#[test]
fn what_is_wrong_is_refused_in_one_line() {
    let playground = deployed();
    let refused = |text: &str, parts: &[&str]| {
        let Outcome { stdout, stderr, code } = playground.run(text);
        assert_eq!(code, Some(1), "$ {text}\n{stdout}{stderr}");
        contains(&stderr, parts);
    };
    refused(
        "sed s/setWeight:/setWieght:/ rollouts-demo.yaml | kubectl apply -f -",
        &["strict decoding error", "unknown field \"spec.strategy.canary.steps[0].setWieght\""],
    );
    refused(
        "sed 's/replicas: 5/replicas: five/' rollouts-demo.yaml | kubectl apply -f -",
        &[
            "spec.replicas: Invalid value: \"string\": spec.replicas in body must be of type integer: \"string\"",
        ],
    );
    refused(
        "kubectl get rollout nope",
        &["Error from server (NotFound): rollouts.argoproj.io \"nope\" not found"],
    );
    refused("kubectl --token wrong get rollouts", &["Unauthorized"]);
    assert_eq!(
        playground
            .ok("kubectl get rollout rollouts-demo -o jsonpath='{.spec.replicas} {.metadata.generation}'"),
        "5 1"
    );
}
