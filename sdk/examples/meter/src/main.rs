//! A smart meter service: DSMR P1 telegrams in, energy.meter out

fn main() {}
