//! A presence detector: reads energy.meter under a grant and reports

fn main() {}
