//! The pure core: what shall happen next
//!
//! Event in, next state and effects out. No I/O, no clock (every event brings its time, in
//! milliseconds), no descriptor, no allocation: tables of fixed size, and a bounded channel that
//! the shell empties. It can be run anywhere, and the tests run it a hundred thousand events at a
//! time.
//!
//! | file           | noun                                                       |
//! |----------------|------------------------------------------------------------|
//! | `machine`      | the table of one unit: state, input, next state            |
//! | `state`        | the states and the inputs                                  |
//! | `unit`         | one unit's record and deadlines                            |
//! | `supervisor`   | every unit; events in, inputs worked off                   |
//! | `turn`         | one step of the table, carried through                     |
//! | `precedence`   | who comes first when the box comes up                      |
//! | `dice`         | numbers that scatter restarts                              |
//! | `briefing`     | what a core program is told when it begins                 |
//! | `request`      | the verbs of a control socket, by role                     |
//! | `spare`        | the next life of a unit, built before it is needed         |
//! | `queue`        | lives that wait for limen-jail                             |
//! | `park`         | virtual gateways that only need to be opened               |
//! | `store`        | the descriptors that the broker lets init keep             |
//! | `shutdown`     | the way down                                               |
//! | `readiness`    | what a bundle says on its readiness socket                 |
//! | `effect`       | what the shell is asked to do                              |

mod boot;
mod briefing;
mod dice;
pub mod effect;
mod freeze;
pub mod machine;
mod park;
pub mod precedence;
mod queue;
pub mod readiness;
pub mod request;
pub mod shutdown;
pub mod spare;
pub mod state;
pub mod store;
pub mod supervisor;
mod turn;
pub mod unit;

#[cfg(test)]
mod tests;
