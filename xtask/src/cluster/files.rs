//! What the programs of a control plane read: a key, tokens, policies, the behaviour of pods, kubeconfigs.

use std::fs;
use std::path::{Path, PathBuf};

use super::User;

pub(super) const CERTIFICATES: &str = "certificates";
pub(super) const TOKENS: &str = "tokens.csv";
pub(super) const KEY: &str = "service-account.key";
pub(super) const PUBLIC_KEY: &str = "service-account.pub";
pub(super) const AUDIT_POLICY: &str = "audit-policy.yaml";
pub(super) const AUDIT_LOG: &str = "audit.log";
pub(super) const STAGES: &str = "stages.yaml";
pub(super) const NODE: &str = "node.yaml";

/// Requests of the controllers under test, once each.
const AUDIT_POLICY_TEXT: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: [ctl, guest]
- level: None
";

const NODE_TEXT: &str = "\
apiVersion: v1
kind: Node
metadata:
  name: n0
  labels: {kubernetes.io/hostname: n0, kubernetes.io/os: linux, type: kwok}
";

/// Writes everything that does not depend on the API server's certificate.
pub(super) fn write(folder: &Path) -> Result<(), String> {
    let is_used = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if is_used {
        return Err(format!("{} is not empty", folder.display()));
    }
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let key = rcgen::KeyPair::generate().map_err(|error| format!("a key for service accounts: {error}"))?;
    let groups = |user| if user == User::Guest { "" } else { ",\"system:masters\"" };
    let tokens: String =
        User::ALL.map(|user| format!("{0},{0},{0}{1}\n", user.name(), groups(user))).concat();
    let (key, public_key) = (key.serialize_pem(), key.public_key_pem());
    let texts = [
        (KEY, key.as_str()),
        (PUBLIC_KEY, &public_key),
        (TOKENS, &tokens),
        (AUDIT_POLICY, AUDIT_POLICY_TEXT),
        (AUDIT_LOG, ""),
        (STAGES, include_str!("stages.yaml")),
        (NODE, NODE_TEXT),
    ];
    texts.iter().try_for_each(|(file, text)| write_file(&folder.join(file), text))
}

/// Writes a kubeconfig for each user, once the API server has made its certificate.
pub(super) fn write_kubeconfigs(folder: &Path, port: u16) -> Result<(), String> {
    let certificate = folder.join(CERTIFICATES).join("apiserver.crt");
    User::ALL.into_iter().try_for_each(|user| {
        let name = user.name();
        let text = format!(
            "\
apiVersion: v1
kind: Config
current-context: {name}
clusters:
- name: test
  cluster:
    server: https://127.0.0.1:{port}
    certificate-authority: {}
users:
- name: {name}
  user:
    token: {name}
contexts:
- name: {name}
  context: {{cluster: test, user: {name}}}
",
            certificate.display()
        );
        write_file(&kubeconfig(folder, user), &text)
    })
}

pub(super) fn kubeconfig(folder: &Path, user: User) -> PathBuf {
    folder.join(format!("{}.kubeconfig", user.name()))
}

fn write_file(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
