//! The server on a port, by the clients that people use.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use tidegate_kubesim::ApiServer;
use tidegate_kubesim::listener::Listener;

async fn config(kubeconfig: &str) -> Config {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).unwrap();
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap()
}

fn new_map(name: &str) -> ConfigMap {
    serde_json::from_value(serde_json::json!({"metadata": {"name": name}})).unwrap()
}

#[tokio::test]
async fn the_kubeconfig_leads_to_the_server() {
    let server = ApiServer::new(tidegate_kubesim::Config::default());
    let listener = Listener::bind(server.clone(), 0).await.unwrap();
    assert!(listener.address().ip().is_loopback());
    let kubeconfig = listener.kubeconfig("here");
    let serving = tokio::spawn(listener.serve());

    let client = Client::try_from(config(&kubeconfig).await).unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    maps.create(&kube::api::PostParams::default(), &new_map("a")).await.unwrap();
    assert!(server.get("configmaps", "default", "a").is_some());

    serving.abort();
    serving.await.unwrap_err();
    maps.get("a").await.unwrap_err();
}

#[tokio::test]
async fn without_the_token_only_health_and_version_answer() {
    let server = ApiServer::new(tidegate_kubesim::Config::default());
    let listener = Listener::bind(server.clone(), 0).await.unwrap();
    let mut config = config(&listener.kubeconfig("here")).await;
    let serving = tokio::spawn(listener.serve());

    config.auth_info.token = Some("wrong".to_owned().into());
    let client = Client::try_from(config).unwrap();
    client.apiserver_version().await.unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let error = maps.create(&kube::api::PostParams::default(), &new_map("a")).await.unwrap_err();
    assert!(matches!(&error, kube::Error::Api(status) if status.code == 401), "{error}");
    assert!(server.get("configmaps", "default", "a").is_none());
    serving.abort();
}

#[tokio::test]
async fn answers_tell_the_servers_time() {
    let server = ApiServer::new(tidegate_kubesim::Config::default());
    let listener = Listener::bind(server, 0).await.unwrap();
    let config = config(&listener.kubeconfig("here")).await;
    let serving = tokio::spawn(listener.serve());
    let client = Client::try_from(config).unwrap();
    let request = http::Request::get("/version").body(kube::client::Body::empty()).unwrap();
    let response = client.send(request).await.unwrap();
    let date = response.headers()[http::header::DATE].to_str().unwrap();
    assert!(date.starts_with("Thu, 01 Jan 2026 00:00:0") && date.ends_with(" GMT"), "{date}");
    serving.abort();
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let server = ApiServer::new(tidegate_kubesim::Config::default());
    let first = Listener::bind(server.clone(), 0).await.unwrap();
    let port = first.address().port();
    let error = Listener::bind(server, port).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on 127.0.0.1:{port}"));
    assert!(!format!("{first:?}").contains("token"));
}
