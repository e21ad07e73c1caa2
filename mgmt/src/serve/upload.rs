//! `POST /bundles`: a bundle goes through this program and stays in none of it
//!
//! The steward hands the write end of a stream whose other end limen-install reads. The body is
//! copied there piece by piece: when the reader waits, so does the client. When the client goes away
//! the stream ends early and the hand reports it. Nothing is looked at on the way.
//!
//! A client that accepts `application/x-ndjson` gets a line for each step of progress and the outcome
//! as last line; any other gets the outcome alone, with the status in HTTP.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap};
use hyper::{Request, StatusCode};
use limen_proto::manage::{self, Caller, Refusal, RefusalKind, Verb};
use serde_json::{Value, json};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

use super::Server;
use super::answer::{self, Answer};
use crate::jolokia::{Problem, kind_name};
use crate::link::watched;
use crate::steward::{Arrival, Pending, unavailable};

/// Longest silence of a client in the middle of an upload.
const SILENCE: Duration = Duration::from_secs(60);
/// Longest silence of the steward once everything was sent: verifying and syncing what was written.
const PATIENCE: Duration = Duration::from_secs(240);
/// What is read and thrown away of an upload whose outcome came early, bytes, and for how long: a
/// client that is still sending would not see the outcome otherwise.
const LEFTOVER: usize = 256 * 1024 * 1024;
const LEFTOVER_TIME: Duration = Duration::from_secs(60);

/// Installs the bundle that is the request's body.
pub(super) async fn install(
    server: &Rc<Server>,
    caller: &Caller,
    request: Request<Incoming>,
) -> Answer {
    let by_lines = wants_lines(request.headers());
    let pending = server.steward.begin(caller, Verb::InstallBundle).await;
    let body = request.into_body();
    if !by_lines {
        let outcome = carry(pending, body, |_, _| {}).await;
        let (status, value) = told(outcome);
        return answer::json(status, &value);
    }
    let (sender, receiver) = mpsc::channel::<Bytes>(16);
    tokio::task::spawn_local(async move {
        let lines = sender.clone();
        let progress = |done: u64, total: u64| {
            // A reader that does not keep up misses progress, never the outcome.
            let _ = lines.try_send(line(&json!({"progress": {"done": done, "total": total}})));
        };
        let outcome = match carry(pending, body, progress).await {
            Ok(bundle) => json!({"result": installed(&bundle)}),
            Err(refusal) => told(Err(refusal)).1,
        };
        let _ = sender.send(line(&outcome)).await;
    });
    answer::lines(receiver)
}

fn wants_lines(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accept.is_some_and(|kinds| kinds.contains("application/x-ndjson"))
}

fn line(value: &Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}

fn installed(bundle: &manage::Bundle) -> Value {
    json!({
        "operation": "install",
        "state": bundle.state.to_string(),
        "name": bundle.name.as_str(),
        "version": bundle.version,
        "digest": bundle.digest.to_string(),
    })
}

fn told(outcome: Result<manage::Bundle, Refusal>) -> (StatusCode, Value) {
    match outcome {
        Ok(bundle) => (StatusCode::OK, installed(&bundle)),
        Err(refusal) => {
            let kind = kind_name(refusal.kind);
            let error = refusal.message.clone();
            let status = Problem::from(refusal).status();
            let value = json!({"error": error, "refusal": kind, "status": status});
            (StatusCode::from_u16(status).unwrap_or_default(), value)
        }
    }
}

/// Carries the body to the stream and waits for the outcome.
async fn carry(
    pending: Result<Pending, Refusal>,
    mut body: Incoming,
    mut progress: impl FnMut(u64, u64),
) -> Result<manage::Bundle, Refusal> {
    let outcome = async {
        let mut pending = pending?;
        let stream = stream(&mut pending).await?;
        let pump = pump(&mut body, stream);
        tokio::pin!(pump);
        let mut pumping = true;
        loop {
            let patience = if pumping { Duration::MAX } else { PATIENCE };
            tokio::select! {
                pumped = &mut pump, if pumping => {
                    pumped?;
                    pumping = false;
                }
                arrival = pending.next(patience) => match arrival? {
                    Arrival::Progress(done, total) => progress(done, total),
                    Arrival::Outcome(result, _) => return outcome(result?),
                },
            }
        }
    };
    let outcome = outcome.await;
    // A refusal, or news that this very bundle is there already, may come in mid upload. What cannot
    // be drained in time is cut off with the connection.
    let _ = tokio::time::timeout(LEFTOVER_TIME, drain(&mut body)).await;
    outcome
}

fn outcome(answer: manage::Answer) -> Result<manage::Bundle, Refusal> {
    match answer {
        manage::Answer::Bundle(bundle) => Ok(bundle),
        _ => Err(unavailable()),
    }
}

/// Waits for the stream's write end.
async fn stream(pending: &mut Pending) -> Result<OwnedFd, Refusal> {
    loop {
        match pending.next(PATIENCE).await? {
            Arrival::Outcome(Ok(manage::Answer::Upload), Some(stream)) => return Ok(stream),
            Arrival::Outcome(Err(refusal), _) => return Err(refusal),
            Arrival::Outcome(Ok(_), _) => return Err(unavailable()),
            Arrival::Progress(..) => {}
        }
    }
}

/// Copies the body until it ends; a reader that hangs up early is not this side's failure: the
/// outcome says why. The stream is closed when this returns.
async fn pump(body: &mut Incoming, stream: OwnedFd) -> Result<(), Refusal> {
    let stream = writable(stream).map_err(|error| failed(&error))?;
    loop {
        let frame = tokio::time::timeout(SILENCE, body.frame()).await;
        let frame = match frame {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(incomplete("the connection broke in mid upload")),
            Err(_) => return Err(incomplete("the client fell silent in mid upload")),
        };
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        while data.has_remaining() {
            let mut guard = stream.writable().await.map_err(|error| failed(&error))?;
            match rustix::io::write(&stream, data.chunk()) {
                Ok(written) => data.advance(written),
                Err(rustix::io::Errno::AGAIN) => guard.clear_ready(),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => return Ok(()),
                Err(errno) => return Err(failed(&errno.into())),
            }
        }
    }
}

fn writable(stream: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    rustix::io::ioctl_fionbio(&stream, true)?;
    watched(stream, Interest::WRITABLE)
}

async fn drain(body: &mut Incoming) {
    let mut left = LEFTOVER;
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(size) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

fn incomplete(message: &str) -> Refusal {
    Refusal {
        kind: RefusalKind::Invalid,
        message: format!("{message}; send the bundle again"),
    }
}

fn failed(error: &io::Error) -> Refusal {
    Refusal {
        kind: RefusalKind::Failed,
        message: format!("handing the upload on: {error}"),
    }
}
