//! What a query says of the version that a list or a watch is to show.

use serde_json::Value;

use crate::field::Cause;
use crate::request::Query;
use crate::status::ApiError;

const MATCH: &str = "resourceVersionMatch";
const EXACT: &str = "Exact";
const NOT_OLDER: &str = "NotOlderThan";

/// 422, when the options make no sense together.
pub(crate) fn check(query: &Query, is_watch: bool) -> Result<(), ApiError> {
    let causes = if is_watch { faults_of_watch(query) } else { faults_of_list(query) };
    if causes.is_empty() { Ok(()) } else { Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", &causes)) }
}

fn faults_of_list(query: &Query) -> Vec<Cause> {
    let mut causes = Vec::new();
    let (matching, version) = (query.get(MATCH), query.get("resourceVersion"));
    if !matching.is_empty() {
        let mut forbid = |why| causes.push(Cause::forbidden(MATCH, why));
        if version.is_empty() {
            forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
        }
        if !query.get("continue").is_empty() {
            forbid("resourceVersionMatch is forbidden when continue is provided");
        }
        if matching == EXACT && version == "0" {
            forbid("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
        }
        if !matches!(matching, EXACT | NOT_OLDER) {
            causes.push(unsupported(matching, &[EXACT, NOT_OLDER, ""]));
        }
    }
    if query.has("sendInitialEvents") {
        causes.push(Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    causes
}

fn faults_of_watch(query: &Query) -> Vec<Cause> {
    let mut causes = Vec::new();
    let matching = query.get(MATCH);
    let sends_initial = query.has("sendInitialEvents");
    let mut forbid = |why| causes.push(Cause::forbidden(MATCH, why));
    if sends_initial && matching != NOT_OLDER {
        forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
    if !matching.is_empty() {
        if !sends_initial {
            forbid("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
        if !query.get("continue").is_empty() {
            forbid("resourceVersionMatch is forbidden when continue is provided");
        }
        if matching != NOT_OLDER {
            causes.push(unsupported(matching, &[NOT_OLDER]));
        }
    }
    causes
}

fn unsupported(matching: &str, supported: &[&str]) -> Cause {
    let supported: Vec<String> = supported.iter().map(|&word| word.to_owned()).collect();
    Cause::unsupported(MATCH, &Value::from(matching), &supported)
}

/// The version that a list must show; nothing for one that is as new as can be. A page of a version is of just that version, though
/// nothing says so.
pub(crate) fn exact_version(query: &Query, is_page: bool) -> Result<Option<u64>, ApiError> {
    let version = query.number("resourceVersion")?.filter(|version| *version > 0);
    if version.is_some() && !query.get("continue").is_empty() {
        let message = "specifying resource version is not allowed when using continue";
        return Err(ApiError::bad_request(message));
    }
    let matching = query.get(MATCH);
    Ok(version.filter(|_| matching == EXACT || (matching.is_empty() && is_page)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        for (query, is_watch, causes) in [
            ("", false, 0),
            ("resourceVersion=5", false, 0),
            ("resourceVersion=5&resourceVersionMatch=Exact", false, 0),
            ("resourceVersion=0&resourceVersionMatch=NotOlderThan", false, 0),
            ("resourceVersion=0&resourceVersionMatch=Exact", false, 1),
            ("resourceVersionMatch=Exact", false, 1),
            ("resourceVersionMatch=Other", false, 2),
            ("resourceVersion=5&resourceVersionMatch=Exact&continue=x", false, 1),
            ("sendInitialEvents=false", false, 1),
            ("", true, 0),
            ("sendInitialEvents=true&resourceVersionMatch=NotOlderThan", true, 0),
            ("sendInitialEvents=true", true, 1),
            ("sendInitialEvents=true&resourceVersionMatch=Exact", true, 2),
            ("resourceVersionMatch=NotOlderThan", true, 1),
        ] {
            let found = check(&Query::parse(query), is_watch).err();
            let found = found.map_or(0, |error| error.details["causes"].as_array().unwrap().len());
            assert_eq!(found, causes, "{query}");
        }
    }

    #[test]
    fn versions_are_exact_where_they_are_asked_to_be_or_in_pages() {
        let exact = |query, is_page| exact_version(&Query::parse(query), is_page);
        assert_eq!(exact("resourceVersion=5", false), Ok(None));
        assert_eq!(exact("resourceVersion=5", true), Ok(Some(5)));
        assert_eq!(exact("resourceVersion=0", true), Ok(None));
        assert_eq!(exact("resourceVersion=5&resourceVersionMatch=NotOlderThan", true), Ok(None));
        assert_eq!(exact("resourceVersion=5&resourceVersionMatch=Exact", false), Ok(Some(5)));
        assert_eq!(exact("resourceVersion=5&continue=x", true).unwrap_err().code, 400);
    }
}
