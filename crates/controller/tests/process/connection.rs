//! Ways to the API server.

use crate::child::{Running, controller};
use crate::world::World;

/// The value of a member of the kubeconfig.
fn member(kubeconfig: &str, name: &str) -> String {
    let line = kubeconfig.lines().find(|line| line.trim().starts_with(&format!("{name}: "))).unwrap();
    line.split_once(": ").unwrap().1.to_owned()
}

#[test]
fn flags_alone_lead_to_a_server() {
    let world = World::new();
    let kubeconfig = world.kubeconfig();
    let (server, token) = (member(&kubeconfig, "server"), member(&kubeconfig, "token"));
    let ports = ["--healthzPort=0", "--metricsPort=0", "--insecure-skip-tls-verify"];
    let mut started = Running::start(
        controller(&ports).args(["--server", &server, "--token", &token]).env("POD_NAMESPACE", "default"),
    );
    started.logs("Started controller");
    started.signal("-TERM");
    let (log, code) = started.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(&token), "{log}");
    assert!(!world.object(crate::world::LEASES, "default", crate::world::LOCK).is_null());
}

#[test]
fn kubeconfigs_are_found_through_the_environment() {
    let world = World::new();
    let path = world.write("elsewhere", &world.kubeconfig());
    let ports = ["--healthzPort=0", "--metricsPort=0", "--context=test"];
    let mut started =
        Running::start(controller(&ports).arg("--kloglevel=6").env("KUBECONFIG", format!("nowhere:{path}")));
    started.logs("Started controller");
    let line = started.logs("msg=request method=POST");
    assert!(line.contains("namespaces/argo-rollouts/leases") && line.contains("status=201"), "{line}");
}

#[test]
fn a_kubeconfig_that_is_none_is_refused_without_its_secrets() {
    let world = World::new();
    let broken = world.write("broken", "users:\n- name: a\n  user:\n    token: [geheim\n");
    let other = world.write("other", &world.kubeconfig());
    let exec = "exec:\n      apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: Never\n      command: sh\n      args: [-c, \"echo geheim; exit 3\"]";
    let token = format!("token: {}", member(&world.kubeconfig(), "token"));
    let plugin = world.write("plugin", &world.kubeconfig().replace(&token, exec));
    let used = "the kubeconfig cannot be used: failed to load ";
    let cases: [([&str; 3], &str); 6] = [
        (["--kubeconfig", &broken, "--context="], "is no kubeconfig"),
        (["--kubeconfig", &other, "--context=b"], &format!("{used}current context: b\"")),
        (["--kubeconfig", &other, "--cluster=b"], &format!("{used}the cluster of context: b\"")),
        (
            ["--kubeconfig", &other, "--certificate-authority=nowhere.crt"],
            &format!("{used}certificate authority: "),
        ),
        (
            ["--kubeconfig", &other, "--client-certificate=nowhere.crt"],
            &format!("{used}client certificate: "),
        ),
        (["--kubeconfig", &plugin, "--context="], "the credential plugin failed: exit status: 3"),
    ];
    for (args, expected) in cases {
        let (log, code) =
            Running::start(controller(&args).args(["--healthzPort=0", "--metricsPort=0"])).end();
        assert_eq!(code, Some(1), "{log}");
        assert!(log.contains("level=fatal") && log.contains(expected) && !log.contains("geheim"), "{log}");
    }
}

#[test]
fn a_server_that_does_not_know_us_is_told() {
    let world = World::new();
    let mut started = world.start(&["--token=wrong"]);
    let line = started.logs("cannot get leases.coordination.k8s.io");
    let why = "Unauthorized; the API server does not accept the controller's token or certificate";
    assert!(line.contains(why) && !line.contains("wrong"), "{line}");
}

#[test]
fn a_proxy_that_is_named_is_used() {
    let world = World::new();
    let mut started = world.start(&["--proxy-url=http://127.0.0.1:1"]);
    let line = started.logs("cannot get leases.coordination.k8s.io");
    assert!(line.contains("Connection refused"), "{line}");
    let (log, code) = world.start(&["--proxy-url=gopher://me:geheim@127.0.0.1"]).end();
    let expected =
        "level=fatal msg=\"the proxy's address is none: it begins with http://, https:// or socks5://\"";
    assert!(code == Some(1) && log.ends_with(expected), "{log}");
}
