//! Filters over properties: RFC 1960 as OSGi Core 8 has it
//!
//! A parsed [`Filter`] is bounded (its text is, and nesting stops at [`DEPTH`]) and total: it
//! matches or it does not, whatever the properties hold. Attributes compare without regard to
//! case, strings exactly, integers by value. A backslash makes the next character literal; the
//! hexadecimal escapes of RFC 4515 are not used. `Display` gives the normal form, which parses to
//! an equal filter.
//!
//! Source: OSGi Core 8, 3.2.7 "Filter Syntax". Three value types exist here, so floats,
//! characters, versions and lists do not. One deviation: strings are ordered by code point, not
//! by UTF-16 unit.

mod matching;
mod normal;
mod parse;
#[cfg(test)]
mod tests;

pub use parse::FilterError;

/// Deepest nesting.
pub const DEPTH: usize = 32;

/// A filter that was read completely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of them; at least one.
    And(Vec<Filter>),
    /// Any of them; at least one.
    Or(Vec<Filter>),
    /// Not that.
    Not(Box<Filter>),
    /// The attribute exists.
    Present(String),
    /// The attribute is text of this shape.
    Substring(String, Vec<Piece>),
    /// The attribute compares with a constant.
    Compare(String, Operator, String),
}

/// A part of a substring pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// `*`: anything.
    Any,
    /// Exactly this, never empty.
    Text(String),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `~=`: text without regard to case and white space, else equality.
    Approximate,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
}
