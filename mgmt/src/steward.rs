//! The steward as seen from here: calls and their answers
//!
//! One task speaks the link; everybody else holds a [`Steward`] and waits for answers by number. A
//! steward that is away, that hangs up or that takes too long is the same to a caller:
//! `Unavailable`, try again. A new link is a new steward: what the old one owed is never answered
//! by the new one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use limen_channel::ChannelError;
use limen_proto::limits::LINK_FRAME;
use limen_proto::manage::{Answer, Call, Caller, Push, Refusal, RefusalKind, Verb};
use tokio::sync::mpsc;

use crate::link::Link;

/// Longest wait for an answer: longer than the steward's own longest deadline (a removal, three
/// minutes), so that its words arrive and not ours.
const PATIENCE: Duration = Duration::from_secs(240);

/// What arrives for one call.
pub enum Arrival {
    /// The outcome, or the first half of it.
    Outcome(Result<Answer, Refusal>, Option<OwnedFd>),
    /// Progress of an installation: bytes done, bytes in all.
    Progress(u64, u64),
}

/// A handle on whichever steward is there. Cheap to clone, bound to one thread.
#[derive(Clone, Default)]
pub struct Steward(Rc<RefCell<Shared>>);

#[derive(Default)]
struct Shared {
    /// Frames to send; none while no steward is there.
    out: Option<mpsc::Sender<Call>>,
    waiting: HashMap<u32, mpsc::UnboundedSender<Arrival>>,
    last: u32,
}

/// A call under way. Dropping it forgets the answer.
pub struct Pending {
    id: u32,
    steward: Steward,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
}

impl Steward {
    /// Asks and waits for the outcome.
    ///
    /// # Errors
    /// The steward's refusal, or `Unavailable`.
    pub async fn call(&self, caller: &Caller, verb: Verb) -> Result<Answer, Refusal> {
        let mut pending = self.begin(caller, verb).await?;
        loop {
            match pending.next(PATIENCE).await? {
                Arrival::Outcome(result, _) => return result,
                Arrival::Progress(..) => {}
            }
        }
    }

    /// Asks and returns at once; what arrives is taken with [`Pending::next`].
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn begin(&self, caller: &Caller, verb: Verb) -> Result<Pending, Refusal> {
        let (arrive, arrivals) = mpsc::unbounded_channel();
        let (id, out) = {
            let mut shared = self.0.borrow_mut();
            let out = shared.out.clone().ok_or_else(unavailable)?;
            shared.last = shared.last.wrapping_add(1);
            let id = shared.last;
            shared.waiting.insert(id, arrive);
            (id, out)
        };
        let pending = Pending {
            id,
            steward: self.clone(),
            arrivals,
        };
        let caller = caller.clone();
        let call = Call { id, caller, verb };
        out.send(call).await.map_err(|_| unavailable())?;
        Ok(pending)
    }

    /// Speaks one link until it ends; `changed` is told when trust must be asked for again.
    pub async fn serve(&self, link: Link<LINK_FRAME>, changed: mpsc::UnboundedSender<()>) {
        let (out, mut outgoing) = mpsc::channel::<Call>(64);
        {
            let mut shared = self.0.borrow_mut();
            shared.waiting.clear();
            shared.out = Some(out);
        }
        // Nobody listens when the program is going down.
        let _ = changed.send(());
        let sending = async {
            while let Some(call) = outgoing.recv().await {
                match link.send(&call).await {
                    Ok(()) => {}
                    Err(ChannelError::Frame(error)) => self.deliver(call.id, too_large(error)),
                    Err(error) => return error,
                }
            }
            ChannelError::HungUp
        };
        let receiving = async {
            loop {
                match link.receive::<Push>().await {
                    Ok(Some((push, descriptors))) => {
                        self.take(push, descriptors.into_iter().next(), &changed);
                    }
                    Ok(None) => return ChannelError::HungUp,
                    // The socket is still in step, but what the frame said is lost: a steward that
                    // sends such frames is not one to go on with.
                    Err(error) => return error,
                }
            }
        };
        let error = tokio::select! {
            error = sending => error,
            error = receiving => error,
        };
        eprintln!("link to the steward ended: {error}");
        let mut shared = self.0.borrow_mut();
        shared.out = None;
        shared.waiting.clear();
    }

    fn take(&self, push: Push, descriptor: Option<OwnedFd>, changed: &mpsc::UnboundedSender<()>) {
        match push {
            Push::Reply { id, result } => self.deliver(id, Arrival::Outcome(result, descriptor)),
            Push::Progress { id, done, total } => self.deliver(id, Arrival::Progress(done, total)),
            Push::TrustChanged => {
                let _ = changed.send(());
            }
        }
    }

    fn deliver(&self, id: u32, arrival: Arrival) {
        let shared = self.0.borrow();
        if let Some(waiter) = shared.waiting.get(&id) {
            // Who does not wait any more wants no answer.
            let _ = waiter.send(arrival);
        }
    }
}

impl Pending {
    /// What arrives next.
    ///
    /// # Errors
    /// `Unavailable`: the steward is gone, or took longer than `patience`.
    pub async fn next(&mut self, patience: Duration) -> Result<Arrival, Refusal> {
        let arrival = tokio::time::timeout(patience, self.arrivals.recv()).await;
        arrival.ok().flatten().ok_or_else(unavailable)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.steward.0.borrow_mut().waiting.remove(&self.id);
    }
}

/// The refusal of a steward that is not there.
pub fn unavailable() -> Refusal {
    Refusal {
        kind: RefusalKind::Unavailable,
        message: "the steward is unavailable; try again in a few seconds".to_owned(),
    }
}

fn too_large(error: limen_proto::frame::FrameError) -> Arrival {
    let refusal = Refusal {
        kind: RefusalKind::Invalid,
        message: format!("{error}; send less in one request"),
    };
    Arrival::Outcome(Err(refusal), None)
}
