//! What is where: the few paths of the endpoint
//!
//! No path names a file: there is nothing to traverse.

use std::rc::Rc;
use std::time::Duration;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, StatusCode, Version};
use serde_json::Value;

use super::answer::{self, Answer};
use super::{Server, origin, upload};
use crate::jolokia::{Identity, Problem, Reply};

/// Base path of the Jolokia protocol.
const BASE: &str = "/jolokia";
/// Largest body of a Jolokia request, bytes.
const BODY: usize = 256 * 1024;
/// Longest time that such a body may take.
const BODY_TIME: Duration = Duration::from_secs(30);

const HOME: &str = "\
Limen management endpoint.

  /jolokia   managed objects, Jolokia protocol (GET and POST)
  /bundles   POST a bundle file to install it

limenctl speaks both: limenctl --help
";

/// Answers one request of a caller whose identity was checked a moment ago.
pub(super) async fn route(
    server: &Rc<Server>,
    identity: Identity,
    request: Request<Incoming>,
) -> Answer {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return answer::text(StatusCode::BAD_REQUEST, "a request needs one Host header\n");
    }
    if request.method() == Method::OPTIONS && request.headers().contains_key(header::ORIGIN) {
        // A preflight. No origin is allowed, so there is nothing to say to it.
        return answer::text(StatusCode::NO_CONTENT, "");
    }
    if let Some(reason) = origin::foreign(request.headers()) {
        let object = Problem::forbidden(reason).object();
        return answer::json(StatusCode::OK, &Value::Object(object));
    }
    let path = request.uri().path().to_owned();
    if let Some(rest) = path.strip_prefix(BASE)
        && (rest.is_empty() || rest.starts_with('/'))
    {
        return jolokia(server, &identity, rest, request).await;
    }
    match (path.as_str(), request.method()) {
        ("/", &Method::GET | &Method::HEAD) => answer::text(StatusCode::OK, HOME),
        ("/bundles", &Method::POST) => upload::install(server, &identity.caller, request).await,
        ("/", _) => wrong_method("GET, HEAD"),
        ("/bundles", _) => wrong_method("POST"),
        _ => answer::text(StatusCode::NOT_FOUND, "no such path; see /\n"),
    }
}

fn wrong_method(allowed: &'static str) -> Answer {
    let text = format!("this path answers {allowed} only\n");
    let mut answer = answer::text(StatusCode::METHOD_NOT_ALLOWED, text);
    let headers = answer.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
    answer
}

async fn jolokia(
    server: &Rc<Server>,
    identity: &Identity,
    path: &str,
    request: Request<Incoming>,
) -> Answer {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let reply = match *request.method() {
        Method::GET => server.agent.get(identity, path, &query).await,
        Method::POST => {
            if !is_utf8(&request) {
                let text = "400 (Bad Request): the body must be UTF-8\n";
                return answer::text(StatusCode::BAD_REQUEST, text);
            }
            let body = Limited::new(request.into_body(), BODY).collect();
            match tokio::time::timeout(BODY_TIME, body).await {
                Ok(Ok(body)) => server.agent.post(identity, &body.to_bytes(), &query).await,
                Ok(Err(error)) if error.is::<LengthLimitError>() => {
                    let text = "413 (Content Too Large): a request has at most 256 KiB\n";
                    return answer::text(StatusCode::PAYLOAD_TOO_LARGE, text);
                }
                Ok(Err(_)) => {
                    let text = "400 (Bad Request): the body did not arrive\n";
                    return answer::text(StatusCode::BAD_REQUEST, text);
                }
                Err(_) => {
                    let text = "408 (Request Timeout): the body did not arrive in time\n";
                    return answer::text(StatusCode::REQUEST_TIMEOUT, text);
                }
            }
        }
        _ => {
            let text = "400 (Bad Request): Jolokia speaks GET and POST only\n";
            return answer::text(StatusCode::BAD_REQUEST, text);
        }
    };
    match reply {
        Reply::Json(value) => answer::json(StatusCode::OK, &value),
        Reply::BadRequest(text) => answer::text(StatusCode::BAD_REQUEST, text),
    }
}

/// Whether the body claims no other charset than UTF-8 (of which ASCII is a part).
fn is_utf8(request: &Request<Incoming>) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let charset = kind.to_ascii_lowercase();
    match charset.split_once("charset=") {
        None => true,
        Some((_, name)) => {
            let name = name.split(';').next().unwrap_or_default();
            matches!(name.trim().trim_matches('"'), "utf-8" | "utf8" | "us-ascii")
        }
    }
}
