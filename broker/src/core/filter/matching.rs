//! Matching a filter against properties
//!
//! The property's type decides how the constant is read. A constant that cannot be read as that
//! type, a missing attribute, and a substring of what is not text match nothing.

use std::cmp::Ordering;

use limen_proto::registry::Value;

use super::{Filter, Operator, Piece};

impl Filter {
    /// Whether it holds for properties that `look_up` finds by name. The name arrives as written
    /// in the filter; `look_up` compares it without regard to case.
    pub fn matches(&self, look_up: &dyn Fn(&str) -> Option<Value>) -> bool {
        match self {
            Self::And(all) => all.iter().all(|one| one.matches(look_up)),
            Self::Or(any) => any.iter().any(|one| one.matches(look_up)),
            Self::Not(one) => !one.matches(look_up),
            Self::Present(attribute) => look_up(attribute).is_some(),
            Self::Substring(attribute, pieces) => match look_up(attribute) {
                Some(Value::Text(text)) => has_shape(&text, pieces),
                Some(Value::Integer(_) | Value::Boolean(_)) | None => false,
            },
            Self::Compare(attribute, operator, constant) => {
                look_up(attribute).is_some_and(|value| compare(&value, *operator, constant))
            }
        }
    }
}

fn compare(value: &Value, operator: Operator, constant: &str) -> bool {
    match value {
        Value::Text(text) => match operator {
            Operator::Approximate => squeeze(text) == squeeze(constant),
            Operator::Equal | Operator::AtLeast | Operator::AtMost => {
                holds(text.as_str().cmp(constant), operator)
            }
        },
        Value::Integer(number) => constant
            .trim()
            .parse::<i64>()
            .is_ok_and(|constant| holds(number.cmp(&constant), operator)),
        // Whatever is not "true" is false, and no order exists between the two.
        Value::Boolean(flag) => *flag == constant.trim().eq_ignore_ascii_case("true"),
    }
}

fn holds(order: Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Equal | Operator::Approximate => order.is_eq(),
        Operator::AtLeast => order.is_ge(),
        Operator::AtMost => order.is_le(),
    }
}

fn squeeze(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Leftmost matching is enough: a piece that is found earlier leaves more for the rest, and only
/// a piece at an edge is tied to one place.
fn has_shape(text: &str, pieces: &[Piece]) -> bool {
    let mut rest = text;
    let mut tied = true;
    for (place, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Any => tied = false,
            Piece::Text(wanted) => {
                let last = place + 1 == pieces.len();
                let left = match (tied, last) {
                    (true, true) => (rest == wanted).then_some(""),
                    (true, false) => rest.strip_prefix(wanted.as_str()),
                    (false, true) => rest.ends_with(wanted.as_str()).then_some(""),
                    (false, false) => rest.split_once(wanted.as_str()).map(|(_, right)| right),
                };
                let Some(left) = left else { return false };
                rest = left;
                tied = true;
            }
        }
    }
    !tied || rest.is_empty()
}
