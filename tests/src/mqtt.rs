//! A message broker, spoken to as any client would: MQTT 3.1.1
//!
//! Just enough of the protocol to carry one small message through it. Source: OASIS MQTT Version 3.1.1,
//! sections 3.1 (CONNECT) to 3.9 (SUBACK).

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

const LIMIT: Duration = Duration::from_secs(10);

const CONNECT: u8 = 0x10;
const CONNECT_ACCEPTED: [u8; 4] = [0x20, 2, 0, 0];
const PUBLISH: u8 = 0x30;
const RETAIN: u8 = 0x01;
const SUBSCRIBE: u8 = 0x82;
const SUBSCRIBED: u8 = 0x90;

/// A connection that the broker accepted.
#[derive(Debug)]
pub struct Client(TcpStream);

impl Client {
    /// Connects under a name.
    ///
    /// # Errors
    /// Nobody listens, or whoever does is no MQTT broker.
    pub fn connect(address: &str, name: &str) -> Result<Self> {
        let place = address.to_socket_addrs()?.next().context("no address")?;
        let mut stream = TcpStream::connect_timeout(&place, LIMIT)?;
        stream.set_read_timeout(Some(LIMIT))?;
        let mut body = text("MQTT");
        // Version 4 is 3.1.1; a clean session; no keep-alive.
        body.extend([4, 0x02, 0, 0]);
        body.extend(text(name));
        send(&mut stream, CONNECT, &body)?;
        let mut answer = [0; 4];
        stream
            .read_exact(&mut answer)
            .with_context(|| format!("{address} does not answer"))?;
        ensure!(answer == CONNECT_ACCEPTED, "{address} answers {answer:?}");
        Ok(Self(stream))
    }

    /// Publishes a message that the broker keeps for later subscribers.
    ///
    /// # Errors
    /// The connection broke.
    pub fn retain(&mut self, topic: &str, message: &str) -> Result<()> {
        let mut body = text(topic);
        body.extend(message.as_bytes());
        send(&mut self.0, PUBLISH | RETAIN, &body)
    }

    /// Subscribes to a topic and returns the first message.
    ///
    /// # Errors
    /// There is none, or the broker does not keep to the protocol.
    pub fn first(&mut self, topic: &str) -> Result<String> {
        let mut body = vec![0, 1];
        body.extend(text(topic));
        body.push(0);
        send(&mut self.0, SUBSCRIBE, &body)?;
        loop {
            let (kind, body) = self.receive()?;
            if kind == SUBSCRIBED {
                continue;
            }
            ensure!(
                kind & 0xf0 == PUBLISH,
                "packet {kind:#x} instead of a message"
            );
            let length: [u8; 2] = *body.first_chunk().context("no topic")?;
            let message = body.get(2 + usize::from(u16::from_be_bytes(length))..);
            return Ok(String::from_utf8(
                message.context("a topic beyond its packet")?.to_vec(),
            )?);
        }
    }

    fn receive(&mut self) -> Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).context("no packet")?;
        let [kind, length] = head;
        ensure!(length < 0x80, "a packet larger than any that is expected");
        let mut body = vec![0; usize::from(length)];
        self.0.read_exact(&mut body)?;
        Ok((kind, body))
    }
}

/// A text with its length.
fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

/// A packet whose length fits one byte.
fn send(stream: &mut TcpStream, kind: u8, body: &[u8]) -> Result<()> {
    let length = u8::try_from(body.len())
        .ok()
        .filter(|length| *length < 0x80);
    let length = length.context("a packet larger than any that is needed")?;
    stream.write_all(&[&[kind, length], body].concat())?;
    Ok(())
}
