//! A published port, asked as a browser would

use std::io::Read as _;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

const LIMIT: Duration = Duration::from_secs(10);

/// The text that `http://ADDRESS/path` answers with status 200.
///
/// # Errors
/// No connection, no answer, another status.
pub fn get(address: &str, path: &str) -> Result<String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(LIMIT))
        .build()
        .into();
    let url = format!("http://{address}{path}");
    let mut response = agent
        .get(&url)
        .call()
        .with_context(|| format!("cannot get {url}"))?;
    ensure!(
        response.status() == 200,
        "{url} answers {}",
        response.status()
    );
    Ok(response.body_mut().read_to_string()?)
}

/// Whether something that speaks takes a TCP connection: the emulator's own forwarding accepts for
/// the box, so only bytes, or a connection that stays open, prove a listener.
///
/// # Errors
/// The address cannot be read.
pub fn listens(address: &str) -> Result<bool> {
    let address = address.to_socket_addrs()?.next().context("no address")?;
    let Ok(mut stream) = TcpStream::connect_timeout(&address, LIMIT) else {
        return Ok(false);
    };
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut byte = [0];
    Ok(match stream.read(&mut byte) {
        Ok(read) => read > 0,
        Err(error) => matches!(
            error.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        ),
    })
}
