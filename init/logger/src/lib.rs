//! Keeps what units print: a capped ring in memory per unit
