//! The meter's parts: the P1 port's language, and the interface that is made of it
//!
//! [`p1`] reads and writes telegrams and knows no device; [`household`] is what was read last;
//! [`energy_meter`] is the interface as its callers see it, for them to use as well.

pub mod energy_meter;
pub mod household;
pub mod p1;
pub mod port;
