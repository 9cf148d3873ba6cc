//! ConfigMaps and Secrets.

use serde_json::Value;

use crate::field::Cause;
use crate::json::{at, text};

const KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// Adds what is wrong with a ConfigMap.
pub(super) fn check_config_map(object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    check_immutable(object, old, &["data", "binaryData"], causes);
    for member in ["data", "binaryData"] {
        check_keys(at(object, &[member]), member, causes);
    }
    for (key, _) in at(object, &["data"]).as_object().into_iter().flatten() {
        if !at(object, &["binaryData", key]).is_null() {
            let field = format!("data[{key}]");
            causes.push(Cause::invalid(
                &field,
                &key.as_str().into(),
                "duplicate of key present in binaryData",
            ));
        }
    }
}

/// Adds what is wrong with a Secret.
pub(super) fn check_secret(object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let ty = at(object, &["type"]);
    if old.is_some_and(|old| at(old, &["type"]) != ty) {
        causes.push(Cause::invalid("type", ty, "field is immutable"));
    }
    check_immutable(object, old, &["data"], causes);
    check_keys(at(object, &["data"]), "data", causes);
    let has = |key: &str| at(object, &["data"]).get(key).is_some();
    let required: &[&str] = match text(object, &["type"]) {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => &["username", "password"],
        _ => &[],
    };
    for key in required.iter().filter(|key| !has(key)) {
        causes.push(Cause::required(&format!("data[{key}]"), ""));
    }
    let account = "kubernetes.io/service-account.name";
    if text(object, &["type"]) == "kubernetes.io/service-account-token"
        && text(object, &["metadata", "annotations", account]).is_empty()
    {
        causes.push(Cause::required(&format!("metadata.annotations[{account}]"), ""));
    }
}

fn check_immutable(object: &Value, old: Option<&Value>, members: &[&str], causes: &mut Vec<Cause>) {
    let is_fixed = |object: &Value| at(object, &["immutable"]) == &Value::Bool(true);
    let Some(old) = old.filter(|old| is_fixed(old)) else { return };
    let detail = "field is immutable when `immutable` is set";
    if !is_fixed(object) {
        causes.push(Cause::forbidden("immutable", detail));
    }
    for member in members {
        if object.get(member) != old.get(member) {
            causes.push(Cause::forbidden(member, detail));
        }
    }
}

fn check_keys(data: &Value, member: &str, causes: &mut Vec<Cause>) {
    for (key, _) in data.as_object().into_iter().flatten() {
        let mut refuse = |detail: &str| {
            causes.push(Cause::invalid(&format!("{member}[{key}]"), &key.as_str().into(), detail));
        };
        if key.len() > 253 {
            refuse("must be no more than 253 bytes");
        }
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            refuse(KEY);
        }
        if key == "." {
            refuse("must not be '.'");
        } else if key == ".." {
            refuse("must not be '..'");
        } else if key.starts_with("..") {
            refuse("must not start with '..'");
        }
    }
}
