//! Answers: code, body, and what their headers say.

use std::hash::{DefaultHasher, Hasher};

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use crate::body::Body;
use crate::status::ApiError;

/// What a request leads to.
pub(crate) type Answer = Result<Reply, ApiError>;

/// A successful answer.
pub(crate) struct Reply {
    code: u16,
    body: Body,
    headers: HeaderMap,
}

impl Reply {
    pub(crate) fn new(code: u16, body: Body) -> Self {
        Self { code, body, headers: HeaderMap::new() }
    }

    /// 200 with a document.
    pub(crate) fn document(value: &Value) -> Self {
        Self::new(200, Body::document(value))
    }

    /// What tells of a failure, and when to try again if that is known: clients look at the header only.
    pub(crate) fn failure(error: &ApiError) -> Self {
        let reply = Self::new(error.code, Body::document(&error.to_value()));
        match error.details.get("retryAfterSeconds").and_then(Value::as_u64) {
            Some(seconds) if seconds > 0 => reply.with(header::RETRY_AFTER, &seconds.to_string()),
            _ => reply,
        }
    }

    /// 200 with a document that a client may keep until its hash is another one; 304 when it has it already.
    pub(crate) fn cacheable(text: String, known: Option<&HeaderValue>) -> Self {
        let tag = format!("\"{}\"", hash(&text));
        let is_known = known.and_then(|known| known.to_str().ok()) == Some(tag.as_str());
        let reply = if is_known { Self::new(304, Body::text("")) } else { Self::new(200, Body::raw(text)) };
        reply.with(header::ETAG, &tag).with(header::VARY, "Accept").with(header::CACHE_CONTROL, "public")
    }

    /// With a header; a value that is none is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    /// With warnings for the person who sent the request.
    pub(crate) fn warning(self, warnings: &[String]) -> Self {
        warnings.iter().fold(self, |reply, warning| {
            let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
            reply.with(header::WARNING, &format!("299 - \"{quoted}\""))
        })
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(self.body);
        *response.status_mut() = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = self.headers;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().entry(header::CONTENT_TYPE).or_insert(json);
        response
    }
}

/// The response that tells of a failure.
pub(crate) fn failure(error: &ApiError) -> Response<Body> {
    Reply::failure(error).into_response()
}

/// A text's fingerprint, the same in every process.
pub(crate) fn hash(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    format!("{:016X}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_document_is_not_sent_again() {
        let first = Reply::cacheable("{}".to_owned(), None).into_response();
        let tag = first.headers()[header::ETAG].clone();
        assert_eq!(first.status(), 200);
        assert_eq!(Reply::cacheable("{}".to_owned(), Some(&tag)).into_response().status(), 304);
        assert_eq!(Reply::cacheable("{1}".to_owned(), Some(&tag)).into_response().status(), 200);
    }

    #[test]
    fn failures_say_when_to_try_again() {
        let mut error = ApiError::new(429, "TooManyRequests", "");
        assert_eq!(failure(&error).headers().get(header::RETRY_AFTER), None);
        error.details.insert("retryAfterSeconds".to_owned(), 10.into());
        assert_eq!(failure(&error).headers()[header::RETRY_AFTER], "10");
    }

    #[test]
    fn warnings_are_quoted() {
        let warnings = [r#"unknown field "spec.a""#.to_owned(), "b".to_owned()];
        let response = Reply::document(&Value::Null).warning(&warnings).into_response();
        let headers: Vec<&HeaderValue> = response.headers().get_all(header::WARNING).iter().collect();
        assert_eq!(headers, [r#"299 - "unknown field \"spec.a\"""#, r#"299 - "b""#]);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    }
}
