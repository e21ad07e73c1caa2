//! The normal form of a filter
//!
//! No white space but inside values, escapes only where they are needed.

use std::fmt::{Display, Formatter, Result, Write};

use super::{Filter, Operator, Piece};

impl Display for Filter {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.write_char('(')?;
        match self {
            Self::And(children) => list(out, '&', children)?,
            Self::Or(children) => list(out, '|', children)?,
            Self::Not(child) => write!(out, "!{child}")?,
            Self::Present(attribute) => write!(out, "{attribute}=*")?,
            Self::Substring(attribute, pieces) => {
                write!(out, "{attribute}=")?;
                for piece in pieces {
                    match piece {
                        Piece::Any => out.write_char('*')?,
                        Piece::Text(text) => escaped(out, text)?,
                    }
                }
            }
            Self::Compare(attribute, operator, constant) => {
                let operator = match operator {
                    Operator::Equal => "=",
                    Operator::Approximate => "~=",
                    Operator::AtLeast => ">=",
                    Operator::AtMost => "<=",
                };
                write!(out, "{attribute}{operator}")?;
                escaped(out, constant)?;
            }
        }
        out.write_char(')')
    }
}

fn list(out: &mut Formatter<'_>, operator: char, children: &[Filter]) -> Result {
    out.write_char(operator)?;
    children.iter().try_for_each(|child| write!(out, "{child}"))
}

fn escaped(out: &mut Formatter<'_>, text: &str) -> Result {
    text.chars().try_for_each(|character| {
        if matches!(character, '(' | ')' | '*' | '\\') {
            out.write_char('\\')?;
        }
        out.write_char(character)
    })
}
