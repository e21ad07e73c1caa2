//! Network namespaces: made, entered by a thread

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

/// A network namespace, kept by a descriptor.
pub(crate) struct Space(File);

impl Space {
    /// A new one, empty but for its loopback, which is down.
    pub(crate) fn fresh() -> Self {
        std::thread::spawn(|| {
            leave();
            Self(own())
        })
        .join()
        .unwrap()
    }

    /// The one that the caller lives in.
    pub(crate) fn here() -> Self {
        Self(own())
    }

    /// The calling thread, and those that it starts, live in a new one from now on.
    pub(crate) fn enter_fresh() {
        leave();
    }

    /// Runs `body` in a thread of the namespace and waits for it.
    pub(crate) fn inside<T: Send>(&self, body: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    self.enter();
                    body()
                })
                .join()
                .unwrap()
        })
    }

    /// Moves the calling thread there.
    pub(crate) fn enter(&self) {
        let network = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(self.0.as_fd(), network).unwrap();
    }
}

impl AsFd for Space {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn own() -> File {
    File::open("/proc/thread-self/ns/net").unwrap()
}

#[expect(
    deprecated,
    reason = "safe as long as CLONE_FILES is not among the flags, and there is no other safe one"
)]
fn leave() {
    rustix::thread::unshare(UnshareFlags::NEWNET).unwrap();
}
