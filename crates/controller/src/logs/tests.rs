use std::sync::Arc;

use super::*;

/// What has been written.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(format: Format, level: LevelFilter, say: impl FnOnce()) -> String {
    let memory = Memory::default();
    let now = || "2026-01-02T03:04:05.678Z".parse().unwrap();
    tracing::subscriber::with_default(subscriber(format, level, now, memory.clone()), say);
    let bytes = memory.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn check(say: impl Fn(), text: &str, json: &str) {
    assert_eq!(logged(Format::Text, LevelFilter::DEBUG, &say), format!("{text}\n"));
    assert_eq!(logged(Format::Json, LevelFilter::DEBUG, &say), format!("{json}\n"));
}

#[test]
fn fields_are_sorted_and_quoted_where_needed() {
    check(
        || {
            tracing::info!(
                rollout = "x-1",
                namespace = "a b",
                generation = 3,
                time_ms = 1.25,
                empty = "",
                "Patched: {}",
                r#"{"status":{"phase":"Healthy"}}"#
            );
        },
        r#"time="2026-01-02T03:04:05Z" level=info msg="Patched: {\"status\":{\"phase\":\"Healthy\"}}" empty= generation=3 namespace="a b" rollout=x-1 time_ms=1.25"#,
        r#"{"empty":"","generation":3,"level":"info","msg":"Patched: {\"status\":{\"phase\":\"Healthy\"}}","namespace":"a b","rollout":"x-1","time":"2026-01-02T03:04:05Z","time_ms":1.25}"#,
    );
}

#[test]
fn words_need_no_quotes_and_odd_characters_are_escaped() {
    check(
        || tracing::warn!(error = %"<a> it's \u{1}\t\u{200b}ü\\ & \u{1f600}", "plain.word/of_2@x^+-"),
        "time=\"2026-01-02T03:04:05Z\" level=warning msg=plain.word/of_2@x^+- error=\"<a> it's \\x01\\t\\u200bü\\\\ & \u{1f600}\"",
        "{\"error\":\"\\u003ca\\u003e it's \\u0001\\t\u{200b}ü\\\\ \\u0026 \u{1f600}\",\"level\":\"warning\",\"msg\":\"plain.word/of_2@x^+-\",\"time\":\"2026-01-02T03:04:05Z\"}",
    );
}

#[test]
fn levels_by_their_names() {
    let say = || {
        tracing::debug!("a");
        tracing::info!("b");
        tracing::warn!("c");
        tracing::error!("d");
        tracing::error!(fatal = true, "e");
    };
    let all = logged(Format::Text, LevelFilter::DEBUG, say);
    let levels: Vec<_> = all.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(levels, ["level=debug", "level=info", "level=warning", "level=error", "level=fatal"]);
    assert_eq!(logged(Format::Text, LevelFilter::WARN, say).lines().count(), 3);
}

#[test]
fn nothing_is_built_for_a_level_that_is_off() {
    struct Loud;
    impl fmt::Display for Loud {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("built")
        }
    }
    assert_eq!(logged(Format::Text, LevelFilter::INFO, || tracing::debug!(field = %Loud, "{Loud}")), "");
}

#[test]
fn other_crates_say_nothing() {
    let say = || tracing::error!(target: "kube_client::client", "an answer with whatever is in it");
    assert_eq!(logged(Format::Text, LevelFilter::DEBUG, say), "");
}
