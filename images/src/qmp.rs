//! Orders to a running emulator, over its machine protocol
//!
//! One JSON object a line each way (QEMU's `docs/interop/qmp-spec`). An answer is the first line with
//! `return` or `error`; events in between are passed over.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::qemu::file;

/// An emulator that does not answer for this long is stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection on which orders can be given.
#[derive(Debug)]
pub struct Orders {
    stream: BufReader<UnixStream>,
}

impl Orders {
    /// Connects to the emulator whose sockets lie in `folder`.
    ///
    /// # Errors
    /// No emulator listens there, or another one has the connection: there is one at a time.
    pub fn connect(folder: &Path) -> Result<Self> {
        let stream = connect(folder, file::ORDERS)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut orders = Self {
            stream: BufReader::new(stream),
        };
        orders
            .line()
            .context("no greeting from the emulator; is another connection open?")?;
        orders.give("qmp_capabilities", &json!({}))?;
        Ok(orders)
    }

    /// Presses Ctrl-Alt-Delete on the box's keyboard: the kernel signals limen-init, which stops
    /// everything in order and restarts the box; the emulator ends with it.
    ///
    /// # Errors
    /// The emulator is gone or refuses.
    pub fn press_restart(&mut self) -> Result<()> {
        let keys: Vec<_> = ["ctrl", "alt", "delete"]
            .iter()
            .map(|key| json!({ "type": "qcode", "data": key }))
            .collect();
        self.give("send-key", &json!({ "keys": keys })).map(drop)
    }

    /// Gives any order and returns its answer.
    ///
    /// # Errors
    /// The emulator is gone, does not answer in ten seconds, or refuses.
    pub fn give(&mut self, order: &str, arguments: &Value) -> Result<Value> {
        let line = json!({ "execute": order, "arguments": arguments });
        self.stream
            .get_mut()
            .write_all(format!("{line}\n").as_bytes())
            .with_context(|| format!("order {order}"))?;
        loop {
            let mut answer = self.line().with_context(|| format!("answer to {order}"))?;
            if let Some(error) = answer.get("error") {
                bail!(
                    "the emulator refuses {order}: {}",
                    error.get("desc").unwrap_or(error)
                );
            }
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
        }
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the emulator closed the connection");
        }
        serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))
    }
}

/// Connects to a socket of the box's folder, whatever the length of its path.
///
/// # Errors
/// There is no such socket, or nobody listens.
pub fn connect(folder: &Path, name: &str) -> Result<UnixStream> {
    let held = std::fs::File::open(folder).with_context(|| format!("open {}", folder.display()))?;
    // A socket's path may have 107 bytes; by way of the open folder it always fits.
    let path = format!("/proc/self/fd/{}/{name}", held.as_raw_fd());
    UnixStream::connect(path).with_context(|| format!("connect to {}", folder.join(name).display()))
}

#[cfg(test)]
mod tests {
    use super::Orders;
    use serde_json::json;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::os::unix::net::UnixListener;

    #[test]
    fn answers_are_told_from_events_and_refusals() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let deep = folder.path().join("x".repeat(120));
        std::fs::create_dir(&deep)?;
        let held = std::fs::File::open(&deep)?;
        let short = format!(
            "/proc/self/fd/{}/qmp.sock",
            std::os::fd::AsRawFd::as_raw_fd(&held)
        );
        let listener = UnixListener::bind(short)?;
        let emulator = std::thread::spawn(move || -> std::io::Result<Vec<String>> {
            let (mut stream, _) = listener.accept()?;
            let mut lines = BufReader::new(stream.try_clone()?).lines();
            let mut got = Vec::new();
            writeln!(stream, "{{\"QMP\": {{}}}}")?;
            for answer in [
                "{\"return\": {}}",
                "{\"event\": \"RESUME\"}\n{\"return\": 7}",
                "{\"error\": {\"desc\": \"no\"}}",
            ] {
                got.extend(lines.next().transpose()?);
                writeln!(stream, "{answer}")?;
            }
            Ok(got)
        });
        let mut orders = Orders::connect(&deep)?;
        assert_eq!(orders.give("query-status", &json!({}))?, json!(7));
        assert!(
            orders
                .give("fly", &json!({}))
                .is_err_and(|error| error.to_string().contains("refuses fly"))
        );
        let got = emulator
            .join()
            .map_err(|_| anyhow::anyhow!("emulator panicked"))??;
        assert!(got[0].contains("qmp_capabilities") && got[1].contains("query-status"));
        Ok(())
    }
}
