//! The steward's side of limen-install, which runs in a thread with a temporary directory for a tree.

#![allow(dead_code, reason = "each test program uses a part")]

use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread::JoinHandle;

use limen_bundle::install::{Hand, InstallError, run};
use limen_bundle::manifest::Architecture;
use limen_bundle::signature::PublicKey;
use limen_bundle::store::Ownership;
use limen_channel::{Buffer, Channel};
use limen_proto::id::Slot;
use limen_proto::install::{Order, Report, Summary};
use limen_proto::limits::LINK_FRAME;

/// A running limen-install and the channel to it.
pub(crate) struct Steward {
    pub(crate) channel: Channel<LINK_FRAME>,
    hand: JoinHandle<Result<(), InstallError>>,
    sender: Option<JoinHandle<bool>>,
}

/// Who owns what is written by these tests: on the box's terms when they may.
pub(crate) fn ownership() -> Ownership {
    if rustix::process::geteuid().is_root() {
        Ownership::Box
    } else {
        Ownership::Caller
    }
}

impl Steward {
    /// Starts limen-install on `tenant`; `upload` is sent to it by another thread.
    pub(crate) fn start(tenant: &Path, upload: Option<Vec<u8>>) -> Self {
        let Some(bytes) = upload else {
            return Self::reading(tenant, None);
        };
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        // A refused upload breaks the pipe, as mgmt would see it.
        let sender = std::thread::spawn(move || writer.write_all(&bytes).is_ok());
        Self {
            sender: Some(sender),
            ..Self::reading(tenant, Some(OwnedFd::from(reader)))
        }
    }

    /// The same; `upload` is what it reads from.
    pub(crate) fn reading(tenant: &Path, upload: Option<OwnedFd>) -> Self {
        fs::create_dir_all(tenant).expect("a directory");
        let (ours, theirs) = Channel::pair().expect("a channel");
        let hand = Hand {
            channel: OwnedFd::from(theirs),
            upload,
            tenant: fs::File::open(tenant).expect("a directory").into(),
            architecture: Some(Architecture::Aarch64),
            ownership: ownership(),
        };
        Self {
            channel: ours,
            hand: std::thread::spawn(move || run(hand)),
            sender: None,
        }
    }

    pub(crate) fn order(&self, order: &Order) {
        self.channel.send(order, &[]).expect("it listens");
    }

    pub(crate) fn next(&self) -> Option<Report> {
        let mut buffer = Box::new(Buffer::<LINK_FRAME>::new());
        self.channel
            .receive(&mut buffer)
            .expect("a report")
            .map(|(report, _)| report)
    }

    /// The last report, after progress.
    pub(crate) fn outcome(&self) -> Report {
        loop {
            match self.next().expect("an outcome before the hang-up") {
                Report::Progress { done, total } => assert!(done <= total),
                other => return other,
            }
        }
    }

    /// Waits for limen-install's end.
    pub(crate) fn end(self) -> Result<(), InstallError> {
        drop(self.channel);
        let outcome = self.hand.join().expect("it does not panic");
        if let Some(sender) = self.sender {
            sender.join().expect("the sender does not panic");
        }
        outcome
    }
}

/// One order without an upload.
pub(crate) fn carried_out(tenant: &Path, order: &Order) -> Report {
    let steward = Steward::start(tenant, None);
    steward.order(order);
    let report = steward.outcome();
    steward.end().expect("carried out");
    report
}

pub(crate) fn install_order(keys: &[PublicKey]) -> Order {
    Order::Install {
        slot: Slot::new(1).expect("a slot"),
        provider: "energy".parse().expect("a name"),
        keys: keys.iter().map(|key| key.line().to_owned()).collect(),
    }
}

/// Installs and says yes; the summary that was asked about, if it came that far, and the outcome.
pub(crate) fn install(
    tenant: &Path,
    bundle: &[u8],
    keys: &[PublicKey],
) -> (Option<Summary>, Report) {
    let steward = Steward::start(tenant, Some(bundle.to_vec()));
    steward.order(&install_order(keys));
    let (summary, report) = match steward.outcome() {
        Report::Admit(summary) => {
            steward.order(&Order::Go(Ok(())));
            (Some(summary), steward.outcome())
        }
        other => (None, other),
    };
    assert_eq!(
        steward.end().is_ok(),
        report == Report::Done,
        "exit and report agree"
    );
    (summary, report)
}
