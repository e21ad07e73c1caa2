//! From verdicts to a seccomp filter
//!
//! The kernel runs the filter at every system call, and each instruction on the path costs
//! (KERNEL: 1.2 k instructions to load one, some to run it). A linear list of a hundred
//! comparisons is ten times a binary tree of seven. So neighbouring numbers with the same verdict
//! become one range, and the ranges a balanced tree.

mod program;
mod tree;

#[cfg(test)]
mod interpret;
#[cfg(test)]
mod tests;

pub(crate) use program::compile;
