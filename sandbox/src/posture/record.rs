//! A record: one text for each aspect of a unit

use core::fmt;
use std::collections::BTreeMap;

use limen_proto::posture::Aspect;

/// What is, or should be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Record(BTreeMap<Aspect, String>);

/// One aspect that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// Which.
    pub(super) aspect: Aspect,
    expected: String,
    found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            aspect,
            expected,
            found,
        } = self;
        write!(out, "{aspect} should be `{expected}` and is `{found}`")
    }
}

impl Record {
    /// Sets an aspect. A second text for it (another thread's) is kept beside the first unless it
    /// says the same.
    pub(super) fn put(&mut self, aspect: Aspect, text: impl Into<String>) {
        let text = text.into();
        match self.0.get_mut(&aspect) {
            None => {
                self.0.insert(aspect, text);
            }
            Some(known) => {
                if !known.split(" | ").any(|one| one == text) {
                    known.push_str(" | ");
                    known.push_str(&text);
                }
            }
        }
    }

    /// What it says of one aspect; nothing is empty.
    pub(super) fn text(&self, aspect: Aspect) -> String {
        self.0.get(&aspect).cloned().unwrap_or_default()
    }

    /// Every aspect of the two that is not the same text in both.
    pub(super) fn differences(&self, found: &Self) -> Vec<Difference> {
        let aspects = Aspect::ALL.iter().copied();
        aspects
            .filter_map(|aspect| {
                let (expected, found) = (self.0.get(&aspect), found.0.get(&aspect));
                let text = |text: Option<&String>| text.cloned().unwrap_or_default();
                (expected != found).then(|| Difference {
                    aspect,
                    expected: text(expected),
                    found: text(found),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_that_is_not_like_the_others_is_a_difference() {
        let mut expected = Record::default();
        expected.put(Aspect::Identity, "1000");
        let mut found = expected.clone();
        found.put(Aspect::Identity, "1000");
        assert_eq!(expected.differences(&found), []);
        found.put(Aspect::Identity, "0");
        let differences = expected.differences(&found);
        assert_eq!(differences.len(), 1);
        assert_eq!(
            differences[0].to_string(),
            "identity should be `1000` and is `1000 | 0`"
        );
    }

    #[test]
    fn what_is_missing_on_either_side_is_a_difference() {
        let mut one = Record::default();
        one.put(Aspect::Mounts, "/");
        assert_eq!(one.differences(&Record::default()).len(), 1);
        assert_eq!(Record::default().differences(&one).len(), 1);
    }
}
