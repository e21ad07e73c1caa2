//! What stopped the boot
//!
//! One opaque value with operation, object and errno, and the remedy where it is known. Never
//! matched, only printed: there is nobody above the early stage who could handle it.

use std::fmt;

use rustix::io::Errno;

/// A failed step: printed on the console, never handled.
#[derive(Debug)]
pub(crate) struct Fault {
    operation: &'static str,
    object: String,
    errno: Option<Errno>,
    remedy: String,
}

impl Fault {
    /// `operation` on `object` failed with `errno`.
    pub(crate) fn new(operation: &'static str, object: impl Into<String>, errno: Errno) -> Self {
        Self {
            operation,
            object: object.into(),
            errno: Some(errno),
            remedy: String::new(),
        }
    }

    /// `operation` on `object` cannot be done, and no system call said so.
    pub(crate) fn without_errno(operation: &'static str, object: impl Into<String>) -> Self {
        Self {
            operation,
            object: object.into(),
            errno: None,
            remedy: String::new(),
        }
    }

    /// The same for the standard library's errors, whose number is lost when there was none.
    pub(crate) fn io(
        operation: &'static str,
        object: impl Into<String>,
        error: &std::io::Error,
    ) -> Self {
        Self {
            operation,
            object: object.into(),
            errno: error.raw_os_error().map(Errno::from_raw_os_error),
            remedy: String::new(),
        }
    }

    /// Adds what a person can do about it.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} failed", self.operation, self.object)?;
        if let Some(errno) = self.errno {
            write!(f, ": {errno}")?;
        }
        if !self.remedy.is_empty() {
            write!(f, " ({})", self.remedy)?;
        }
        Ok(())
    }
}
