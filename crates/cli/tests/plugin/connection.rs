//! The way to the API server: kubeconfigs, credentials, and servers that refuse, misbehave or are not there.

use std::net::SocketAddr;
use std::path::Path;

use crate::process::{Outcome, plugin, run};
use crate::server::{Reply, serve, serve_and_record, status};
use crate::transcript::Transcript;
use crate::world::{Folder, World};

const TOKEN: &str = "very-secret-token";

/// A kubeconfig for a server; `user` is what it says of its user.
fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters:\n- name: there\n  cluster:\n    server: {server}\n\
         users:\n- name: jane\n  user:\n    {user}\ncontexts:\n- name: here\n  context: {{cluster: there, user: jane}}\n\
         - name: lost\n  context: {{cluster: nowhere, user: jane}}\n- name: nobody\n  context: {{cluster: there, user: joe}}\n"
    )
}

/// Runs a line with this kubeconfig, and notes what is told, without what differs from run to run.
fn with(transcript: &mut Transcript, kubeconfig: &str, line: &str) {
    let home = Folder::new();
    home.write(".kube/config", kubeconfig);
    note(transcript, &home.0, line);
}

fn note(transcript: &mut Transcript, home: &Path, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let outcome = run(&mut plugin(home, &words));
    for text in [&outcome.out, &outcome.err] {
        assert!(!text.contains(TOKEN), "{text}");
    }
    let err = outcome.err.replace(&home.display().to_string(), "HOME");
    transcript.note(&line.replace(&home.display().to_string(), "HOME"), &Outcome { err, ..outcome });
}

#[test]
fn kubeconfigs_that_are_wrong_are_told() {
    let mut transcript = Transcript::default();
    let good = kubeconfig("http://127.0.0.1:1", &format!("token: {TOKEN}"));
    let mut tell = |about: &str, kubeconfig: &str, line: &str| {
        transcript.about(about);
        with(&mut transcript, kubeconfig, line);
    };
    tell("An unknown context.", &good, "get rollout x --context nope");
    tell("An unknown cluster.", &good, "list rollouts --cluster nope");
    tell("An unknown user.", &good, "list rollouts --user nope");
    tell("A context whose cluster is not there.", &good, "list rollouts --context lost");
    tell("A context whose user is not there.", &good, "list rollouts --context nobody");
    tell("No context is chosen.", &good.replace("current-context: here\n", ""), "list rollouts");
    tell("Without a server.", &good.replace("server: http://127.0.0.1:1", "server: ''"), "list rollouts");
    tell("A server that is none.", &kubeconfig("'http://'", "token: a"), "list rollouts");
    tell("No kubeconfig at all.", "", "list rollouts");
    tell("No YAML.", &format!("users:\n- token: {TOKEN}\n  - [\n"), "list rollouts");
    tell("Something else.", &format!("- {TOKEN}\n"), "list rollouts");
    tell(
        "Certificates that are none.",
        &good.replace("there\n  cluster:", "there\n  cluster:\n    certificate-authority-data: '%'"),
        "list rollouts",
    );
    tell(
        "A certificate without a key.",
        &kubeconfig("https://127.0.0.1:1", "client-certificate-data: YQ=="),
        "list rollouts",
    );
    tell(
        "A file that is not there.",
        &kubeconfig("https://127.0.0.1:1", "client-certificate: gone.crt"),
        "list rollouts",
    );
    tell("Groups without a user.", &good, "list rollouts --as-group admins");
    let nowhere = Folder::new();
    transcript.about("No file of that name.");
    note(&mut transcript, &nowhere.0, "get rollout x --kubeconfig /nope/config");
    transcript.check("kubeconfig");
}

#[test]
fn servers_that_are_not_there_are_named() {
    let mut transcript = Transcript::default();
    let refused = kubeconfig("https://127.0.0.1:1", &format!("token: {TOKEN}"));
    for line in [
        "get rollout x",
        "get rollout x --watch",
        "status x",
        "list rollouts",
        "list rollouts --watch",
        "abort x",
        "restart x",
        "get rollout x --server http://127.0.0.1:1",
        "get rollout x --server 127.0.0.1:1",
    ] {
        with(&mut transcript, &refused, line);
    }
    transcript.check("unreachable");
}

/// Transcript lines about a server at `address`, under a name that does not change.
fn about(transcript: &mut Transcript, what: &str, address: SocketAddr, lines: &[&str]) {
    transcript.about(what);
    let home = Folder::new();
    home.write(".kube/config", &kubeconfig(&format!("http://{address}"), &format!("token: {TOKEN}")));
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let outcome = run(&mut plugin(&home.0, &words));
        let hide = |text: &str| {
            text.replace(&address.to_string(), "127.0.0.1:PORT")
                .replace(&home.0.display().to_string(), "HOME")
        };
        transcript
            .note(line, &Outcome { out: hide(&outcome.out), err: hide(&outcome.err), code: outcome.code });
    }
}

#[test]
fn answers_that_say_no_are_told() {
    let mut transcript = Transcript::default();
    let lines =
        ["get rollout x", "get rollout x -w", "status x", "list rollouts", "list rollouts -w", "pause x"];
    let forbidden = serve(|_| {
        status(403, "Forbidden", "rollouts.argoproj.io \"x\" is forbidden: User \"jane\" cannot do that")
    });
    about(&mut transcript, "Forbidden.", forbidden, &lines);
    let unknown = serve(|_| status(401, "Unauthorized", "Unauthorized"));
    about(&mut transcript, "Who is that?", unknown, &["get rollout x", "restart x"]);
    let without_crd =
        serve(|_| Reply::Answer(404, "content-type: text/plain\r\n", "404 page not found\n".to_owned()));
    about(&mut transcript, "No CustomResourceDefinition.", without_crd, &lines);
    let broken = serve(|_| Reply::Answer(500, "", "out of order".to_owned()));
    about(&mut transcript, "Broken.", broken, &["get rollout x"]);
    let website = serve(|_| Reply::Answer(200, "", "<html>Welcome</html>".to_owned()));
    about(&mut transcript, "No Kubernetes.", website, &["get rollout x", "list rollouts"]);
    let sudden = serve(|_| Reply::HangUp);
    about(&mut transcript, "It hangs up.", sudden, &["get rollout x"]);
    let silent = serve(|_| Reply::Silence);
    about(
        &mut transcript,
        "It says nothing.",
        silent,
        &["get rollout x --request-timeout 300ms", "pause x --request-timeout=1"],
    );
    transcript.check("refused");
}

#[test]
fn a_server_without_a_rights_to_pods_is_told() {
    let address = serve(|head| {
        if head.contains("/rollouts/x ") {
            let rollout = r#"{"metadata": {"name": "x", "uid": "u"}, "spec": {}, "status": {}}"#;
            return Reply::Answer(200, "", rollout.to_owned());
        }
        status(
            403,
            "Forbidden",
            "replicasets.apps is forbidden: User \"jane\" cannot list resource \"replicasets\"",
        )
    });
    let mut transcript = Transcript::default();
    about(&mut transcript, "Only the Rollout may be seen.", address, &["get rollout x"]);
    transcript.check("forbidden-pods");
}

#[test]
fn certificates_are_checked() {
    let world = World::frozen("guide/00-deployed");
    let other = World::empty();
    let authority = |kubeconfig: &str| {
        let line = kubeconfig.lines().find(|line| line.contains("certificate-authority-data")).unwrap();
        line.trim().to_owned()
    };
    let foreign =
        world.kubeconfig().replace(&authority(&world.kubeconfig()), &authority(&other.kubeconfig()));
    world.folder.write(".kube/config", &foreign);
    let mut transcript = Transcript::default();
    transcript.about("Signed by somebody else.").run(&world, "list rollouts");
    transcript.about("Never mind.").run(&world, "list rollouts --insecure-skip-tls-verify");
    let name = world.kubeconfig().replace(&authority(&other.kubeconfig()), "insecure-skip-tls-verify: true");
    world.folder.write(".kube/config", &name);
    transcript.about("The kubeconfig does not mind.").run(&world, "list rollouts");
    let right = World::frozen("guide/00-deployed");
    transcript.about("Another name.").run(&right, "list rollouts --tls-server-name example.org");
    let outcome = run(&mut plugin(
        &right.folder.0,
        &["list", "rollouts", "--tls-server-name", "localhost", "-n", "guide"],
    ));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let plain = serve(|_| Reply::Answer(200, "", "{}".to_owned()));
    let outcome = run(&mut plugin(&right.folder.0, &["list", "rollouts", "-s", &format!("https://{plain}")]));
    let expected = format!("Error: the server at {plain} does not speak TLS\n");
    assert!(outcome.err.starts_with(&expected), "{outcome:?}");
    transcript.check("certificates");
}

#[test]
fn exec_plugins_give_credentials_once() {
    let (address, asked) = serve_and_record(|_| Reply::Answer(200, "", r#"{"items": []}"#.to_owned()));
    let home = Folder::new();
    let script = |name: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = home.write(name, &format!("#!/bin/sh\n{text}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let exec = |command: &str| {
        let exec = format!(
            "exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: {command}\n      \
             interactiveMode: Never\n      installHint: get it from the shop"
        );
        home.write(".kube/config", &kubeconfig(&format!("http://{address}"), &exec));
    };
    let credential =
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"T"}}"#;
    script(
        "good",
        &format!(
            "echo run >> {}/runs\necho '{}'",
            home.0.display(),
            credential.replace("\"T\"", &format!("\"{TOKEN}\""))
        ),
    );
    script("bad", &format!("echo {TOKEN}\nexit 3"));
    script("odd", &format!("echo {TOKEN}"));
    let mut transcript = Transcript::default();
    exec("../good");
    transcript.about("One that works.");
    note(&mut transcript, &home.0, "list rollouts");
    assert_eq!(std::fs::read_to_string(home.0.join("runs")).unwrap(), "run\n");
    let head = asked.lock().unwrap()[0].to_ascii_lowercase();
    assert!(head.contains(&format!("authorization: bearer {TOKEN}\r\n")), "{head}");
    for (about, command) in [
        ("One that is not there.", "no-such-plugin"),
        ("One that fails.", "../bad"),
        ("One that prints something else.", "../odd"),
    ] {
        exec(command);
        transcript.about(about);
        note(&mut transcript, &home.0, "list rollouts");
    }
    exec("no-such-plugin");
    transcript.about("A token on the command line needs none.");
    note(&mut transcript, &home.0, "list rollouts --token abc");
    transcript.check("exec");
}

#[test]
fn requests_carry_who_and_what() {
    let (address, asked) = serve_and_record(|head| {
        let body = if head.starts_with("GET") { r#"{"items": []}"# } else { "{}" };
        Reply::Answer(200, "", body.to_owned())
    });
    let home = Folder::new();
    home.write(".kube/config", &kubeconfig(&format!("http://{address}"), &format!("token: {TOKEN}")));
    let line =
        ["list", "rollouts", "--as", "joe", "--as-group", "a", "--as-group=b", "--as-uid", "7", "-n", "n"];
    assert_eq!(run(&mut plugin(&home.0, &line)).code, Some(0));
    assert_eq!(run(&mut plugin(&home.0, &["pause", "x"])).code, Some(0));
    let asked = asked.lock().unwrap();
    assert!(asked[0].starts_with("GET /apis/argoproj.io/v1alpha1/namespaces/n/rollouts?"), "{}", asked[0]);
    let lower = asked[0].to_ascii_lowercase();
    for header in
        ["impersonate-user: joe", "impersonate-group: a", "impersonate-group: b", "impersonate-uid: 7"]
    {
        assert!(lower.contains(&format!("{header}\r\n")), "{header}: {lower}");
    }
    let agent = concat!("user-agent: kubectl-argo-rollouts/v", env!("CARGO_PKG_VERSION"));
    assert!(lower.contains(agent) && lower.contains("(linux/"), "{lower}");
    assert!(lower.contains("accept-encoding: gzip"), "{lower}");
    let path =
        "PATCH /apis/argoproj.io/v1alpha1/namespaces/default/rollouts/x?fieldManager=kubectl-argo-rollouts ";
    assert!(asked[1].starts_with(path), "{}", asked[1]);
    assert!(asked[1].contains("application/merge-patch+json"), "{}", asked[1]);
}

#[test]
fn kubeconfig_files_are_merged() {
    let (address, _) = serve_and_record(|_| Reply::Answer(200, "", r#"{"items": []}"#.to_owned()));
    let home = Folder::new();
    let full = kubeconfig(&format!("http://{address}"), "token: a");
    let users = home.write("users", &format!("users:{}", full.split("users:").nth(1).unwrap()));
    let rest = home.write("rest", full.split("users:").next().unwrap());
    let list = format!("{}:/nope/config:{}", rest.display(), users.display());
    let outcome = run(plugin(&home.0, &["list", "rollouts"]).env("KUBECONFIG", list));
    assert_eq!((outcome.err.as_str(), outcome.code), ("No resources found.\n", Some(0)));
    let outcome = run(plugin(&home.0, &["list", "rollouts"]).env("KUBECONFIG", rest));
    assert!(outcome.err.contains("context was not found"), "{outcome:?}");
}

#[test]
fn proxies_are_for_others() {
    let (proxy, asked) = serve_and_record(|_| Reply::HangUp);
    let world = World::frozen("guide/00-deployed");
    let through = |server: &[&str], none_for: &str| {
        let mut command =
            plugin(&world.folder.0, &[&["list", "rollouts", "--request-timeout", "20s"], server].concat());
        let proxy = format!("http://{proxy}");
        run(command.env("HTTPS_PROXY", &proxy).env("NO_PROXY", none_for)).code
    };
    assert_eq!(through(&[], ""), Some(0), "this machine needs no proxy");
    assert_eq!(asked.lock().unwrap().len(), 0);
    assert_eq!(through(&["-s", "https://tidegate.invalid"], ""), Some(1));
    let first = std::mem::take(&mut *asked.lock().unwrap());
    assert!(first[0].starts_with("CONNECT tidegate.invalid:443 "), "{first:?}");
    assert_eq!(through(&["-s", "https://tidegate.invalid"], "other,.invalid,"), Some(1));
    assert_eq!(asked.lock().unwrap().len(), 0, "the exception counts");
}

#[test]
fn busy_servers_are_asked_again() {
    let busy = |code: u16| {
        let (address, asked) = serve_and_record({
            let seen = std::sync::atomic::AtomicU32::new(0);
            move |_| {
                let is_first = seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
                let body = r#"{"items": []}"#.to_owned();
                if is_first { status(code, "Busy", "try later") } else { Reply::Answer(200, "", body) }
            }
        });
        move |words: &[&str]| {
            let server = format!("http://{address}");
            let outcome = run(&mut plugin("/nowhere".as_ref(), &[words, &["-s", &server]].concat()));
            (outcome.code, std::mem::take(&mut *asked.lock().unwrap()).len())
        }
    };
    assert_eq!(busy(429)(&["list", "rollouts"]), (Some(0), 2));
    assert_eq!(busy(503)(&["list", "rollouts"]), (Some(0), 2));
    assert_eq!(busy(429)(&["pause", "x"]), (Some(0), 2));
    assert_eq!(busy(503)(&["pause", "x"]), (Some(1), 1), "it may have been carried out");
}
