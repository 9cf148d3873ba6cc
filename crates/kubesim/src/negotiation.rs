//! Which form of an answer a client takes, and which form its body has.
//!
//! The server writes JSON: a client that would rather have something else gets JSON if it takes it at all. It reads JSON, and of
//! built-in types the protobuf that Go clients send unasked.

use crate::status::ApiError;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What a client asks an answer to be turned into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// `Table`, `PartialObjectMetadata`, ..; empty for the object as it is.
    pub(crate) kind: String,
    group: String,
    pub(crate) version: String,
}

impl Form {
    pub(crate) fn is_plain(&self) -> bool {
        self.kind.is_empty() && self.group.is_empty() && self.version.is_empty()
    }

    /// The Content-Type of aggregated discovery, by which clients tell it from the older kind.
    pub(crate) fn media_type(&self) -> String {
        format!("{JSON};g={};v={};as={}", self.group, self.version, self.kind)
    }
}

/// Forms that an endpoint has besides the plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forms {
    None,
    /// Tables and metadata.
    Objects,
    /// The aggregated form.
    Discovery,
}

impl Forms {
    fn has(self, form: &Form) -> bool {
        let is = |group: &str, versions: &[&str], kinds: &[&str]| {
            form.group == group
                && versions.contains(&form.version.as_str())
                && kinds.contains(&form.kind.as_str())
        };
        form.is_plain()
            || match self {
                Self::None => false,
                Self::Objects => is(
                    "meta.k8s.io",
                    &["v1", "v1beta1"],
                    &["Table", "PartialObjectMetadata", "PartialObjectMetadataList"],
                ),
                Self::Discovery => is("apidiscovery.k8s.io", &["v2", "v2beta1"], &["APIGroupDiscoveryList"]),
            }
    }
}

/// The form that the Accept header likes best among those that there are; 406 when it takes none of them.
pub(crate) fn negotiate(accept: &str, forms: Forms) -> Result<Form, ApiError> {
    if accept.trim().is_empty() {
        return Ok(Form::default());
    }
    let mut clauses: Vec<Clause> = accept.split(',').filter_map(Clause::parse).collect();
    clauses.sort_by(|one, other| other.quality.total_cmp(&one.quality));
    let taken = clauses.into_iter().find(|clause| clause.takes_json && forms.has(&clause.form));
    taken.map(|clause| clause.form).ok_or_else(|| {
        let message = format!("only the following media types are accepted: {JSON}");
        ApiError::new(406, "NotAcceptable", message)
    })
}

/// One of the forms that an Accept header lists.
struct Clause {
    takes_json: bool,
    quality: f64,
    form: Form,
}

impl Clause {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next()?;
        let mut clause = Self {
            takes_json: matches!(media, JSON | "application/*" | "*/*" | "*"),
            quality: 1.0,
            form: Form::default(),
        };
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim_matches('"');
            match key {
                "q" => clause.quality = value.parse().ok()?,
                "as" => value.clone_into(&mut clause.form.kind),
                "g" => value.clone_into(&mut clause.form.group),
                "v" => value.clone_into(&mut clause.form.version),
                "stream" => clause.takes_json &= value == "watch",
                _ => {}
            }
        }
        (clause.quality > 0.0).then_some(clause)
    }
}

/// The form of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyForm {
    Json,
    Protobuf,
}

/// The form that a Content-Type names; 415 for those that are not read. `protobuf`: whether that is one that is.
pub(crate) fn body_form(content_type: &str, protobuf: bool) -> Result<BodyForm, ApiError> {
    let media = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match media.as_str() {
        "" | JSON => Ok(BodyForm::Json),
        PROTOBUF if protobuf => Ok(BodyForm::Protobuf),
        _ if protobuf => Err(ApiError::unsupported_media(&[JSON, PROTOBUF])),
        _ => Err(ApiError::unsupported_media(&[JSON])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind and version that are answered, or the code of the refusal.
    fn check(accept: &str, forms: Forms, expected: Result<(&str, &str), u16>) {
        let found = negotiate(accept, forms);
        let found = found.as_ref().map(|form| (form.kind.as_str(), form.version.as_str()));
        assert_eq!(found.map_err(|error| error.code), expected, "{accept}");
    }

    #[test]
    fn clients_get_json_if_they_take_it_at_all() {
        for accept in [
            "",
            "*/*",
            "application/json",
            "application/*;q=0.5",
            "application/vnd.kubernetes.protobuf,application/json",
            "application/cbor, application/json;q=0.8",
            "text/html, */*; q=.2",
        ] {
            check(accept, Forms::Objects, Ok(("", "")));
        }
        for accept in
            ["application/vnd.kubernetes.protobuf", "application/yaml", "text/html", "application/json;q=0"]
        {
            check(accept, Forms::Objects, Err(406));
        }
    }

    #[test]
    fn the_first_form_that_there_is_is_taken() {
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,\
                       application/json";
        check(kubectl, Forms::Objects, Ok(("Table", "v1")));
        check(kubectl, Forms::None, Ok(("", "")));
        check("application/json;as=Chart;v=v1;g=meta.k8s.io", Forms::Objects, Err(406));
        check("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", Forms::Objects, Ok(("", "")));
        check("application/json,application/json;as=Table;v=v1;g=meta.k8s.io", Forms::Objects, Ok(("", "")));
        let discovery =
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
        check(discovery, Forms::Discovery, Ok(("APIGroupDiscoveryList", "v2")));
    }

    #[test]
    fn other_bodies_than_those_that_are_read_are_refused() {
        for content_type in ["", "application/json", "application/json; charset=utf-8"] {
            assert_eq!(body_form(content_type, false), Ok(BodyForm::Json));
        }
        assert_eq!(body_form(PROTOBUF, true), Ok(BodyForm::Protobuf));
        let error = body_form(PROTOBUF, false).unwrap_err();
        assert_eq!((error.code, error.reason.as_str()), (415, "UnsupportedMediaType"));
        assert_eq!(
            error.message,
            "the body of the request was in an unknown format - accepted media types include: application/json"
        );
        let error = body_form("application/yaml", true).unwrap_err();
        assert!(
            error.message.ends_with(": application/json, application/vnd.kubernetes.protobuf"),
            "{error}"
        );
    }
}
