//! One connection, from the first byte to the last
//!
//! Handshake in a bounded time, then HTTP/1.1. Who the client is was decided by its certificate, and
//! is decided again before every request and whenever trust changes: a connection whose holder is
//! no longer who it was is closed, whatever it is doing.

use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use limen_proto::manage::Caller;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Server;
use super::answer::Answer;
use super::door::{GuestId, Stage};
use super::patience::Patient;
use super::route::route;
use crate::jolokia::Identity;
use crate::tls::{Trusted, reason};

/// Longest handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Longest wait for the whole head of the next request: how long an idle connection lives.
const HEAD: Duration = Duration::from_secs(30);
/// Longest time that a client may leave an answer unread.
const UNREAD: Duration = Duration::from_secs(30);
/// Largest head of a request, bytes; hyper holds no more than this of a connection's input.
const HEAD_SIZE: usize = 16 * 1024;
/// Most headers of a request.
const HEADERS: usize = 64;

/// Who is at the other end.
struct Holder {
    caller: Caller,
    chain: Vec<CertificateDer<'static>>,
}

impl Holder {
    /// Whether an epoch of trust still says the same of this chain.
    fn stands(&self, trusted: &Trusted) -> bool {
        trusted.caller(&self.chain).as_ref() == Ok(&self.caller)
    }
}

/// Serves one connection to its end.
pub(super) async fn serve(server: Rc<Server>, guest: GuestId, address: IpAddr, stream: TcpStream) {
    let mut trust = server.trust.subscribe();
    let Some(trusted) = trust.borrow_and_update().clone() else {
        return;
    };
    // An answer is written whole; waiting for more to fill a packet only delays it.
    let _ = stream.set_nodelay(true);
    let Some((stream, chain)) = shake(&server, address, stream, &trusted).await else {
        return;
    };
    let holder = match trusted.caller(&chain) {
        Ok(caller) => Rc::new(Holder { caller, chain }),
        Err(_) => return,
    };
    server.stage(guest, Stage::Idle);
    let answering = {
        let (server, holder) = (server.clone(), holder.clone());
        service_fn(move |request| answer(server.clone(), guest, holder.clone(), request))
    };
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_SIZE)
        .max_headers(HEADERS)
        .half_close(false);
    let connection = http.serve_connection(TokioIo::new(stream), answering);
    tokio::pin!(connection);
    loop {
        tokio::select! {
            // Broken and abandoned connections are everyday; there is nothing to report.
            _ = &mut connection => return,
            changed = trust.changed() => {
                let stands = trust.borrow_and_update().as_ref().is_some_and(|now| holder.stands(now));
                if changed.is_err() || !stands {
                    return;
                }
            }
        }
    }
}

async fn answer(
    server: Rc<Server>,
    guest: GuestId,
    holder: Rc<Holder>,
    request: Request<Incoming>,
) -> io::Result<Answer> {
    let trusted = server.trust.borrow().clone();
    // Also the time of its certificate may have run out since the last request.
    let Some(trusted) = trusted.filter(|trusted| holder.stands(trusted)) else {
        return Err(io::ErrorKind::PermissionDenied.into());
    };
    server.stage(guest, Stage::Busy);
    let caller = holder.caller.clone();
    let trust = trusted.facts(&caller);
    let answer = route(&server, Identity { caller, trust }, request).await;
    server.stage(guest, Stage::Idle);
    Ok(answer)
}

/// The handshake. A failure is told to the steward and, by an alert, to the client.
async fn shake(
    server: &Server,
    address: IpAddr,
    stream: TcpStream,
    trusted: &Trusted,
) -> Option<(TlsStream<Patient<TcpStream>>, Vec<CertificateDer<'static>>)> {
    let acceptor = TlsAcceptor::from(trusted.server.clone());
    let stream = Patient::new(stream, UNREAD);
    server.pace.turn().await;
    let accepting = acceptor.accept(stream).into_fallible();
    let error = match tokio::time::timeout(HANDSHAKE, accepting).await {
        Ok(Ok(stream)) => {
            let chain = stream.get_ref().1.peer_certificates()?;
            let chain = chain.iter().map(|part| part.clone().into_owned()).collect();
            return Some((stream, chain));
        }
        Ok(Err((error, stream))) => {
            linger(stream).await;
            error
        }
        Err(_) => io::ErrorKind::TimedOut.into(),
    };
    if let Some(reason) = reason(&error) {
        server.notes.refused(address, reason);
    }
    None
}

/// Lets the client read the alert: closing a socket with unread input would reset it instead.
async fn linger(mut stream: Patient<TcpStream>) {
    let reading = async {
        let mut rest = [0; 1024];
        stream.shutdown().await.ok()?;
        for _ in 0..64 {
            if stream.read(&mut rest).await.ok()? == 0 {
                return None;
            }
        }
        Some(())
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), reading).await;
}
