//! Something that was started and has said when its payload began

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::payload;

/// The command's own process, and what is known of its payload.
pub(super) struct Started {
    child: Child,
    output: BufReader<ChildStdout>,
    /// Clock at the payload's first statement.
    pub(super) first: u64,
    payload: Pid,
    /// What ends a payload that its command has left alone.
    ending: Option<Command>,
}

impl Started {
    /// Starts it and waits for the payload's first line.
    pub(super) fn begin(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("execute {command:?}"))?;
        let output = child.stdout.take().context("its output is a pipe")?;
        let mut output = BufReader::new(output);
        let (first, payload) = hear(&mut output)?;
        Ok(Self {
            child,
            output,
            first,
            payload,
            ending: None,
        })
    }

    /// The same, whose payload this command ends.
    pub(super) fn ended_by(self, command: Command) -> Self {
        Self {
            ending: Some(command),
            ..self
        }
    }

    /// Waits for the payload's successor: its first statement.
    pub(super) fn successor(&mut self) -> Result<u64> {
        (self.first, self.payload) = hear(&mut self.output)?;
        Ok(self.first)
    }

    /// SIGKILL to the payload. Only where its number is the one that we know: outside any pid
    /// namespace.
    pub(super) fn kill_payload(&self) -> Result<()> {
        kill_process(self.payload, Signal::KILL).context("kill the payload")
    }

    /// Waits for the command's end.
    pub(super) fn end(&mut self) -> Result<()> {
        self.child.wait().context("wait for a command")?;
        Ok(())
    }

    /// Ends it: politely, which a supervisor hands on, then by force, then whatever it leaves.
    pub(super) fn stop(&mut self) -> Result<()> {
        let process = Pid::from_child(&self.child);
        let _ = kill_process(process, Signal::TERM);
        crate::clock::settle(200);
        let _ = kill_process(process, Signal::KILL);
        self.end()?;
        if let Some(mut command) = self.ending.take() {
            let status = command.status().context("end a payload")?;
            ensure!(status.success(), "{command:?} ended with {status}");
        }
        // Whatever still writes to the pipe hangs up before the next measurement begins.
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut self.output, &mut rest).context("hear it end")?;
        Ok(())
    }
}

fn hear(output: &mut BufReader<ChildStdout>) -> Result<(u64, Pid)> {
    loop {
        let mut line = String::new();
        let read = output.read_line(&mut line).context("hear the payload")?;
        ensure!(read > 0, "it ended before its payload began");
        if let Some((first, number)) = payload::read(&line) {
            let payload = Pid::from_raw(number).context("a process number")?;
            return Ok((first, payload));
        }
        println!("probe: a peer says: {}", line.trim_end());
    }
}
