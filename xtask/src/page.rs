//! A published port, asked as a browser would.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// The emulator accepts a connection before the box does, so only an answer counts.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether an HTTP server behind this port of the loopback address gives its first page.
pub(crate) fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.split(' ').nth(1) == Some("200"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn serve(answer: &'static str) -> std::io::Result<bool> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let server = thread::spawn(move || -> std::io::Result<()> {
            let (mut stream, _) = listener.accept()?;
            let _ = stream.read(&mut [0; 64])?;
            stream.write_all(answer.as_bytes())
        });
        let answered = answers(port);
        let _ = server.join();
        Ok(answered)
    }

    #[test]
    fn a_page_is_an_answer_and_a_closed_connection_is_none() -> std::io::Result<()> {
        assert!(serve("HTTP/1.0 200 OK\r\n\r\npage")?);
        assert!(!serve("HTTP/1.0 404 Not Found\r\n\r\n")?);
        assert!(!serve("")?);
        Ok(())
    }
}
