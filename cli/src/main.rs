//! The operator's and the provider's console for the terminal, and the bundle tool

fn main() {}
