//! What a bundle's program says on its readiness socket
//!
//! A datagram of lines, of which fixed tokens are matched and the rest is ignored: no number,
//! path or text of a bundle reaches any other part of PID 1. Normative: docs/reference/readiness.md.

/// Largest datagram that is looked at, bytes; what is behind is ignored.
pub const NOTIFY_FRAME: usize = 512;

/// What one datagram said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notice {
    /// `READY=1`: it is ready.
    pub ready: bool,
    /// `WATCHDOG=1`: it is alive.
    pub alive: bool,
    /// `STOPPING=1`: it is about to end.
    pub stopping: bool,
}

/// Reads one datagram.
pub fn read(datagram: &[u8]) -> Notice {
    let mut notice = Notice::default();
    for line in datagram.split(|byte| *byte == b'\n') {
        match line {
            b"READY=1" => notice.ready = true,
            b"WATCHDOG=1" => notice.alive = true,
            b"STOPPING=1" => notice.stopping = true,
            _ => {}
        }
    }
    notice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_tokens_count() {
        assert!(read(b"READY=1").ready);
        assert!(read(b"STATUS=warm\nREADY=1\n").ready);
        assert!(!read(b"READY=10").ready);
        assert!(!read(b" READY=1").ready);
        assert!(!read(b"READY=1\0").ready);
        assert_eq!(read(b""), Notice::default());
        let all = read(b"WATCHDOG=1\nSTOPPING=1");
        assert!(all.alive && all.stopping && !all.ready);
    }
}
