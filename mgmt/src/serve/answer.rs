//! Answers: bodies, types and headers

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc;

/// The body of an answer.
pub(super) enum Outgoing {
    /// Known as a whole.
    Whole(Full<Bytes>),
    /// Line by line, as they come.
    Lines(mpsc::Receiver<Bytes>),
}

/// An answer.
pub(super) type Answer = Response<Outgoing>;

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context),
            Self::Lines(lines) => lines
                .poll_recv(context)
                .map(|line| Some(Ok(Frame::data(line?)))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Lines(_) => SizeHint::default(),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Lines(_) => false,
        }
    }
}

/// A text for people.
pub(super) fn text(status: StatusCode, text: impl Into<String>) -> Answer {
    let body = Outgoing::Whole(Full::new(Bytes::from(text.into())));
    finish(status, "text/plain; charset=utf-8", body)
}

/// A JSON value.
pub(super) fn json(status: StatusCode, value: &Value) -> Answer {
    let body = Outgoing::Whole(Full::new(Bytes::from(value.to_string())));
    finish(status, "application/json; charset=utf-8", body)
}

/// Lines of JSON, as they come.
pub(super) fn lines(lines: mpsc::Receiver<Bytes>) -> Answer {
    finish(
        StatusCode::OK,
        "application/x-ndjson; charset=utf-8",
        Outgoing::Lines(lines),
    )
}

fn finish(status: StatusCode, kind: &'static str, body: Outgoing) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let past = SystemTime::now() - Duration::from_secs(3600);
    let expires = HeaderValue::from_str(&httpdate::fmt_http_date(past));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(expires) = expires {
        headers.insert(header::EXPIRES, expires);
    }
    answer
}
