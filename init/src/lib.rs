//! PID 1: a pure supervisor core and a thin shell
