//! Elements of sets and maps, as they are written and read

use crate::message::{Attributes, find, walk};

use super::table::{DATA_VALUE, ELEMENT_DATA, ELEMENT_END, ELEMENT_KEY, ELEMENT_OBJECT, ELEMENTS};

/// One element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) set: &'static str,
    pub(super) key: Vec<u8>,
    /// Last key, of a range; empty for a single one.
    pub(super) end: Vec<u8>,
    pub(super) value: Value,
}

/// What a map has for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// It is a set.
    None,
    Bytes(Vec<u8>),
    /// A named object.
    Object(String),
}

impl Element {
    pub(super) fn new(set: &'static str, key: impl Into<Vec<u8>>) -> Self {
        Self {
            set,
            key: key.into(),
            end: Vec::new(),
            value: Value::None,
        }
    }

    /// Every element in a message of the kernel's about `set`.
    pub(super) fn read(set: &'static str, message: &[u8]) -> Vec<Self> {
        let lists = find(message, ELEMENTS).into_iter();
        let elements = lists.flat_map(walk);
        elements
            .filter_map(|(_, element)| Self::of(set, element))
            .collect()
    }

    fn of(set: &'static str, element: &[u8]) -> Option<Self> {
        let bytes = |kind| find(element, kind).and_then(|inner| find(inner, DATA_VALUE));
        let object = find(element, ELEMENT_OBJECT)
            .and_then(|name| std::str::from_utf8(name.strip_suffix(&[0])?).ok());
        let value = match (bytes(ELEMENT_DATA), object) {
            (Some(data), _) => Value::Bytes(data.into()),
            (None, Some(name)) => Value::Object(name.to_owned()),
            (None, None) => Value::None,
        };
        Some(Self {
            set,
            key: bytes(ELEMENT_KEY)?.into(),
            end: bytes(ELEMENT_END).unwrap_or_default().into(),
            value,
        })
    }

    /// Writes what names it, and what it holds if that is asked for.
    pub(super) fn write(&self, to: &mut Attributes<'_>, whole: bool) {
        let mut bytes = |kind, bytes: &[u8]| {
            to.nest(kind, |to| {
                to.bytes(DATA_VALUE, bytes);
            });
        };
        bytes(ELEMENT_KEY, &self.key);
        if !self.end.is_empty() {
            bytes(ELEMENT_END, &self.end);
        }
        match &self.value {
            Value::Bytes(data) if whole => bytes(ELEMENT_DATA, data),
            Value::Object(name) if whole => {
                to.text(ELEMENT_OBJECT, name);
            }
            _ => {}
        }
    }
}
