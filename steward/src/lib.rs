//! Policy: the one owner of durable state

pub mod core;
