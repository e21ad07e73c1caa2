//! From verdicts to a seccomp filter
//!
//! Its length is paid for at every start: the kernel checks, translates and compiles each
//! instruction (1.1 k instructions of its own for one of ours), and then runs the filter once for
//! every number to learn which calls it always allows. So: neighbouring numbers with one verdict are
//! a range ([`ranges`]); a few single numbers in a range of something else are compared one by one,
//! which is half the price of two more ranges ([`groups`]); what is left is a balanced tree; and all
//! its leaves share their ends ([`program`]). The conditions on arguments are cut the same way.
//!
//! And most of it is paid once. limen-jail puts itself behind a filter that allows what any class or recipe needs, and whoever
//! is cloned from it inherits that. A class's own filter then has to refuse only what the other does not ([`compile_within`]), and the
//! kernel asks it only about the numbers that the other always allows.

mod groups;
mod program;
mod ranges;

#[cfg(test)]
mod interpret;
#[cfg(test)]
mod tests;

pub(crate) use program::{compile, compile_within};
