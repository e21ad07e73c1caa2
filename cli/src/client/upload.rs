//! Sending a bundle, with progress of both halves
//!
//! The gateway reads as fast as it can verify and write, so what was sent is nearly what is installed;
//! what remains it tells line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use ureq::SendBody;

use super::request::Client;
use super::trouble::explain;
use crate::failure::Failure;

/// Longest time until the gateway has made up its mind about a bundle.
const PATIENCE: Duration = Duration::from_secs(600);

/// Told how far an installation is.
pub(crate) trait Progress {
    /// Bytes of the file that were sent.
    fn sent(&self, bytes: u64);
    /// Unpacked bytes that the gateway has written, and of how many.
    fn written(&self, done: u64, total: u64);
}

struct Counted<'a, P> {
    file: File,
    sent: u64,
    progress: &'a P,
}

impl<P: Progress> Read for Counted<'_, P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.sent += read as u64;
        self.progress.sent(self.sent);
        Ok(read)
    }
}

impl Client {
    /// Installs the bundle in a file; answers what the gateway says of it.
    pub(crate) fn install(&self, path: &Path, progress: &impl Progress) -> Result<Value, Failure> {
        let file = File::open(path).map_err(|error| Failure::file(path, error))?;
        let length = file
            .metadata()
            .map_err(|error| Failure::file(path, error))?;
        if !length.is_file() {
            return Err(Failure::file(
                path,
                "not a file; give the bundle that pack wrote",
            ));
        }
        let mut body = Counted {
            file,
            sent: 0,
            progress,
        };
        let request = self
            .agent
            .post(format!("{}/bundles", self.identity.url))
            .config()
            .timeout_recv_response(Some(PATIENCE))
            .build()
            .header("Accept", "application/x-ndjson")
            .header("Content-Type", "application/octet-stream")
            .header("Content-Length", length.len().to_string());
        let sent = request.send(SendBody::from_reader(&mut body));
        let response = sent.map_err(|error| explain(&error, &self.identity))?;
        let status = response.status().as_u16();
        let lines = BufReader::new(response.into_body().into_reader()).lines();
        for line in lines {
            let line = line.map_err(|error| explain(&ureq::Error::Io(error), &self.identity))?;
            let value: Value = serde_json::from_str(&line)
                .map_err(|_| Failure::Protocol(format!("HTTP status {status}")))?;
            if let Some(step) = value.get("progress") {
                let number = |key: &str| step[key].as_u64().unwrap_or(0);
                progress.written(number("done"), number("total"));
            } else {
                return outcome(value);
            }
        }
        Err(Failure::Protocol(
            "the outcome of the installation is missing".to_owned(),
        ))
    }
}

fn outcome(mut value: Value) -> Result<Value, Failure> {
    match value.get("error").and_then(Value::as_str) {
        None => Ok(value["result"].take()),
        Some(error) => Err(Failure::Refused {
            message: error.to_owned(),
            kind: value["refusal"].as_str().unwrap_or("Invalid").to_owned(),
        }),
    }
}
