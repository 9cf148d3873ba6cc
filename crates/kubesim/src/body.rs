//! Bodies of responses.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use serde_json::Value;

use crate::watch::WatchStream;

/// The body of a response: one document, or the events of a watch, one per frame.
pub struct Body(Kind);

enum Kind {
    Document(Option<Bytes>),
    Watch(Box<WatchStream>),
}

impl Body {
    pub(crate) fn document(value: &Value) -> Self {
        Self(Kind::Document(Some(Bytes::from(value.to_string()))))
    }

    pub(crate) fn raw(json: String) -> Self {
        Self(Kind::Document(Some(Bytes::from(json))))
    }

    pub(crate) fn text(text: &'static str) -> Self {
        Self(Kind::Document(Some(Bytes::from_static(text.as_bytes()))))
    }

    pub(crate) fn watch(stream: WatchStream) -> Self {
        Self(Kind::Watch(Box::new(stream)))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match &mut self.0 {
            Kind::Document(document) => Poll::Ready(document.take()),
            Kind::Watch(stream) => stream.poll_next(context),
        };
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Kind::Document(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Document(document) => {
                SizeHint::with_exact(document.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Kind::Watch(_) => SizeHint::default(),
        }
    }
}
