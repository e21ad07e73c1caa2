//! The recipes: steps in the only order that works
//!
//! Each file is one ordered list. docs/reference/jail.md is their normative text and
//! docs/adr/0002 the reasons. Common to all: what needs the box's rights or its full /proc comes
//! first, what takes them away last, and between the last wall and the program there is nothing
//! but the report that it is about to run.

mod bundle;
mod core;
mod destroy;
mod report;
mod vgw;

use ::core::convert::Infallible;
use std::os::fd::OwnedFd;

use limen_channel::Descriptors;
use limen_proto::jail::{Step, Task};
use rustix::io::Errno;

use crate::fault::Fault;
use crate::step::network;
use crate::sys::exit;

pub use report::Init;

/// Does one task. When it returns, a `Built` or `Failed` was sent or will be by the payload.
pub fn perform(task: Task, descriptors: Descriptors, init: Init) {
    let outcome = match task {
        Task::Core { unit, slot } => core::build(&unit, slot, descriptors, &init),
        Task::Vgw { spec } => vgw::build(&spec, descriptors, &init),
        Task::Bundle { spec, devices } => bundle::build(&spec, &devices, descriptors, &init),
        Task::Adjust { slot, contract } => {
            vgw::adjust(slot, &contract, descriptors).and_then(|()| init.done())
        }
        Task::DestroyVgw { slot } => destroy::vgw(slot).and_then(|()| init.done()),
        Task::PrepareNetwork { uplink, listen } => {
            network::prepare(&uplink, listen).and_then(|()| init.done())
        }
    };
    if let Err(fault) = outcome {
        init.failed(&fault);
    }
}

/// The end of a payload that was not executed.
fn gave_up(init: &Init, fault: &Fault) -> Infallible {
    init.failed(fault);
    exit(1)
}

/// The descriptors that ride with a task, in their order.
struct Given(<Descriptors as IntoIterator>::IntoIter);

impl Given {
    fn new(descriptors: Descriptors) -> Self {
        Self(descriptors.into_iter())
    }

    fn take(&mut self, what: &'static str) -> Result<OwnedFd, Fault> {
        self.0
            .next()
            .ok_or_else(|| Fault::new(Step::Task, "find", what, Errno::BADF))
    }
}
