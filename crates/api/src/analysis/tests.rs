//! What no schema says of the types.

use serde_json::json;

use super::providers::{DatadogAggregator, DatadogMetric, MetricProvider, WebMethod};
use super::*;
use crate::rollout::AnalysisPhase;

#[test]
fn unknown_words_survive() {
    let stored = json!({"apiVersion": "v3", "aggregator": "p99"});
    let datadog: DatadogMetric = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(datadog.aggregator, Some(DatadogAggregator::Other("p99".to_owned())));
    assert_eq!(serde_json::to_value(&datadog).unwrap(), stored);
    let stored = json!({"web": {"url": "https://example.com", "method": "PATCH"}});
    let provider: MetricProvider = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(provider.web.as_ref().unwrap().method, Some(WebMethod::Other("PATCH".to_owned())));
    assert_eq!(serde_json::to_value(&provider).unwrap(), stored);
}

/// A run that its controller has not seen has no status or an empty phase, and both are kept apart from `Pending`.
#[test]
fn a_run_may_have_no_phase_yet() {
    let run: AnalysisRun =
        serde_json::from_value(json!({"spec": {"metrics": []}, "status": {"phase": ""}})).unwrap();
    let status = run.status.unwrap();
    assert_eq!(status.phase, AnalysisPhase::Other(String::new()));
    assert_eq!(serde_json::to_value(&status).unwrap(), json!({"phase": "", "runSummary": {}}));
}

/// An empty text is a value of an argument, absence is none.
#[test]
fn an_empty_value_is_a_value() {
    for stored in [json!({"name": "a", "value": ""}), json!({"name": "a"})] {
        let argument: Argument = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(argument.value.is_some(), stored.get("value").is_some());
        assert_eq!(serde_json::to_value(&argument).unwrap(), stored);
    }
}
