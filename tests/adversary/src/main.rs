//! A hostile bundle: attacks one wall and reports what happened

fn main() {}
