//! The kernel's log, read for refused system calls
//!
//! One record a read (`Documentation/ABI/testing/dev-kmsg`): priority, sequence number, time and flags,
//! then the text. Only what the kernel itself wrote counts: a program's line has a facility. Names
//! of programs are hexadecimal in it when they could be taken for something else.

use rustix::io::Errno;

use super::serve::Shell;
use crate::core::turn::Input;

/// Longest record: the kernel's own limit.
const RECORD: usize = 8192;
/// `AUDIT_ARCH_AARCH64`, and of the machine that tests run on.
const NATIVE: [&str; 2] = ["c00000b7", "c000003e"];

impl Shell {
    /// One record. Returns whether there may be more.
    pub(super) fn read_kernel_log(&mut self) -> bool {
        let Some(log) = &self.kernel_log else {
            return false;
        };
        let mut record = [0; RECORD];
        let length = match rustix::io::read(log, &mut record) {
            Ok(length @ 1..) => length,
            // Records were overwritten before they were read; the next read gets the oldest left.
            Err(Errno::PIPE | Errno::INTR) => return true,
            Err(Errno::AGAIN) => return false,
            Ok(0) | Err(_) => {
                self.kernel_log = None;
                return false;
            }
        };
        let record = record.get(..length).unwrap_or_default();
        if let Some(input) = refused(&String::from_utf8_lossy(record)) {
            self.take(input);
        }
        true
    }
}

/// A record about a system call that a filter refused.
fn refused(record: &str) -> Option<Input> {
    let (head, text) = record.split_once(';')?;
    let priority: u32 = head.split(',').next()?.parse().ok()?;
    let text = text.lines().next()?;
    // The kernel's facility is 0: a priority below 8.
    if priority >= 8 || !text.starts_with("audit: type=1326 ") {
        return None;
    }
    let field = |name: &str| {
        let mut words = text.split(' ');
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    };
    Some(Input::CallRefused {
        uid: field("uid")?.parse().ok()?,
        call: field("syscall")?.parse().ok()?,
        native: NATIVE.contains(&field("arch")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "5,812,9000000,-;audit: type=1326 audit(1700000000.123:7): auid=4294967295 \
        uid=197608 gid=197608 ses=4294967295 pid=77 comm=\"x\" exe=\"/bin/x\" sig=0 arch=c00000b7 \
        syscall=40 compat=0 ip=0x1 code=0x50000\n";

    #[test]
    fn a_refused_call_is_read_and_nothing_else() {
        let expected = Input::CallRefused {
            uid: 197_608,
            call: 40,
            native: true,
        };
        assert_eq!(refused(LINE), Some(expected));
        let foreign = refused(&LINE.replace("c00000b7", "40000028"));
        assert!(matches!(
            foreign,
            Some(Input::CallRefused { native: false, .. })
        ));
        for other in [
            LINE.replacen("5,", "13,", 1),
            LINE.replace("type=1326", "type=1400"),
            LINE.replace(" uid=197608", ""),
            LINE.replace("syscall=40", "syscall=x"),
            "5,1,2,-;limen-init: audit: type=1326 uid=1 syscall=1 arch=c00000b7".to_owned(),
            String::new(),
        ] {
            assert_eq!(refused(&other), None, "{other}");
        }
    }
}
