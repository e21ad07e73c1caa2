//! Policy: the one owner of durable state
