//! One ordered recipe that turns a spec into a jailed process
