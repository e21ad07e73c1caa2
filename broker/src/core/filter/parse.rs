//! Reading a filter
//!
//! Recursive descent over characters. An `&`, `|` or `!` that no parenthesis follows is the
//! beginning of an attribute's name, as in the reference implementation.

use std::str::FromStr;

use super::{DEPTH, Filter, Operator, Piece};

/// The text is not a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a filter at character {0}: write (attribute=value), or (&(..)(..)), (|(..)(..)), (!(..))"
)]
pub struct FilterError(pub usize);

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let mut reader = Reader {
            text: text.chars().collect(),
            at: 0,
        };
        let filter = reader.filter(DEPTH)?;
        if reader.at == reader.text.len() {
            Ok(filter)
        } else {
            reader.fail()
        }
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
}

type Read<T> = Result<T, FilterError>;

impl Reader {
    fn fail<T>(&self) -> Read<T> {
        Err(FilterError(self.at))
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn expect(&mut self, wanted: char) -> Read<()> {
        if self.peek() == Some(wanted) {
            self.at += 1;
            Ok(())
        } else {
            self.fail()
        }
    }

    fn filter(&mut self, depth: usize) -> Read<Filter> {
        let Some(depth) = depth.checked_sub(1) else {
            return self.fail();
        };
        self.skip_space();
        self.expect('(')?;
        self.skip_space();
        let filter = match self.peek() {
            Some(operator @ ('&' | '|' | '!')) if self.parenthesis_behind() => {
                self.at += 1;
                self.skip_space();
                match operator {
                    '&' => Filter::And(self.children(depth)?),
                    '|' => Filter::Or(self.children(depth)?),
                    _ => Filter::Not(Box::new(self.filter(depth)?)),
                }
            }
            _ => self.item()?,
        };
        self.skip_space();
        self.expect(')')?;
        self.skip_space();
        Ok(filter)
    }

    fn parenthesis_behind(&self) -> bool {
        self.text
            .iter()
            .skip(self.at + 1)
            .find(|character| !character.is_whitespace())
            == Some(&'(')
    }

    fn children(&mut self, depth: usize) -> Read<Vec<Filter>> {
        let mut children = Vec::new();
        while self.peek() == Some('(') {
            children.push(self.filter(depth)?);
        }
        Ok(children)
    }

    fn item(&mut self) -> Read<Filter> {
        let attribute = self.attribute()?;
        match self.peek() {
            Some('=') => {
                self.at += 1;
                self.equality(attribute)
            }
            Some('~') => self.comparison(attribute, Operator::Approximate),
            Some('>') => self.comparison(attribute, Operator::AtLeast),
            Some('<') => self.comparison(attribute, Operator::AtMost),
            _ => self.fail(),
        }
    }

    fn attribute(&mut self) -> Read<String> {
        let begin = self.at;
        while self
            .peek()
            .is_some_and(|character| !"~<>=()".contains(character))
        {
            self.at += 1;
        }
        let name: String = self.text.iter().take(self.at).skip(begin).collect();
        let name = name.trim();
        if name.is_empty() {
            self.fail()
        } else {
            Ok(name.to_owned())
        }
    }

    fn comparison(&mut self, attribute: String, operator: Operator) -> Read<Filter> {
        self.at += 1;
        self.expect('=')?;
        let mut value = String::new();
        while let Some(character) = self.literal()? {
            value.push(character);
        }
        if value.is_empty() {
            return self.fail();
        }
        Ok(Filter::Compare(attribute, operator, value))
    }

    /// The next character of a value; none at its end.
    fn literal(&mut self) -> Read<Option<char>> {
        let character = match self.peek() {
            Some(')') => return Ok(None),
            Some('\\') => {
                self.at += 1;
                self.peek()
            }
            Some('(') => None,
            other => other,
        };
        if character.is_none() {
            return self.fail();
        }
        self.at += 1;
        Ok(character)
    }

    fn equality(&mut self, attribute: String) -> Read<Filter> {
        if self.presence() {
            return Ok(Filter::Present(attribute));
        }
        let mut pieces = Vec::new();
        let mut text = String::new();
        loop {
            if self.peek() == Some('*') {
                self.at += 1;
                flush(&mut text, &mut pieces);
                pieces.push(Piece::Any);
            } else if let Some(character) = self.literal()? {
                text.push(character);
            } else {
                break;
            }
        }
        if pieces.is_empty() {
            return Ok(Filter::Compare(attribute, Operator::Equal, text));
        }
        flush(&mut text, &mut pieces);
        Ok(Filter::Substring(attribute, pieces))
    }

    /// Takes a lone `*` that the closing parenthesis follows.
    fn presence(&mut self) -> bool {
        let begin = self.at;
        if self.peek() == Some('*') {
            self.at += 1;
            self.skip_space();
            if self.peek() == Some(')') {
                return true;
            }
        }
        self.at = begin;
        false
    }
}

fn flush(text: &mut String, pieces: &mut Vec<Piece>) {
    if !text.is_empty() {
        pieces.push(Piece::Text(std::mem::take(text)));
    }
}
