//! Names of managed objects, and patterns over them
//!
//! The grammar of JMX's `ObjectName` (Java SE, `javax.management.ObjectName`), less quoted values:
//! no name of this endpoint needs one, and a quoted value in a request simply matches nothing.
//! Two names are equal whatever the order of their keys; the order of the one that was given is kept
//! for the echo.

use std::fmt;
use std::str::FromStr;

/// A name or a pattern: `domain:key=value,...`; `*` and `?` in domain and values, `*` as last key.
#[derive(Debug, Clone)]
pub struct ObjectName {
    domain: String,
    keys: Vec<(String, String)>,
    open: bool,
}

/// A text is not the name of an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid object name \"{0}\": write domain:key=value,key=value")]
pub struct NotAName(String);

impl ObjectName {
    /// A plain name of this endpoint's own making.
    pub fn new(domain: &str, keys: &[(&str, &str)]) -> Self {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Self {
            domain: domain.to_owned(),
            keys: keys.iter().map(owned).collect(),
            open: false,
        }
    }

    /// The same, but more keys may follow.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// The part in front of the colon.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.keys.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether this may match more than one name.
    pub fn is_pattern(&self) -> bool {
        let wild = |text: &str| text.contains(['*', '?']);
        self.open || wild(&self.domain) || self.keys.iter().any(|(_, value)| wild(value))
    }

    /// Whether `name`, a plain name, is meant by this.
    pub fn matches(&self, name: &Self) -> bool {
        let fits = |(key, value): &(String, String)| {
            name.get(key).is_some_and(|actual| glob(value, actual))
        };
        glob(&self.domain, &name.domain)
            && (self.open || self.keys.len() == name.keys.len())
            && self.keys.iter().all(fits)
    }

    /// The part behind the colon.
    pub fn properties(&self, canonical: bool) -> String {
        let mut parts: Vec<String> = self
            .keys
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        if canonical {
            parts.sort_unstable();
        }
        if self.open {
            parts.push("*".to_owned());
        }
        parts.join(",")
    }

    /// The whole name; canonical order is by key.
    pub fn text(&self, canonical: bool) -> String {
        format!("{}:{}", self.domain, self.properties(canonical))
    }
}

impl FromStr for ObjectName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let refused = || NotAName(text.chars().take(200).collect());
        let (domain, properties) = text.split_once(':').ok_or_else(refused)?;
        let mut name = Self {
            domain: domain.to_owned(),
            keys: Vec::new(),
            open: false,
        };
        if domain.chars().any(char::is_control) || properties.chars().any(char::is_control) {
            return Err(refused());
        }
        for part in properties.split(',') {
            if part == "*" && !name.open {
                name.open = true;
                continue;
            }
            let (key, value) = part.split_once('=').ok_or_else(refused)?;
            let bad_key = key.is_empty() || key.contains(['*', '?', ':']);
            if bad_key || value.is_empty() || value.contains(['=', ':']) || name.get(key).is_some()
            {
                return Err(refused());
            }
            name.keys.push((key.to_owned(), value.to_owned()));
        }
        Ok(name)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text(false))
    }
}

impl PartialEq for ObjectName {
    fn eq(&self, other: &Self) -> bool {
        self.text(true) == other.text(true)
    }
}

impl Eq for ObjectName {}

/// Whether `text` fits `pattern`, in which `*` is any run of characters and `?` any one.
///
/// Remembers only the last `*`, so the time is at most the product of the two lengths, whatever
/// the pattern.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, seen));
                at += 1;
            }
            Some(&byte) if byte == b'?' || Some(&byte) == text.get(seen) => {
                at += 1;
                seen += 1;
            }
            _ => match retry {
                Some((behind, from)) => {
                    retry = Some((behind, from + 1));
                    at = behind;
                    seen = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ObjectName {
        text.parse().expect(text)
    }

    #[test]
    fn the_order_of_keys_does_not_matter() {
        let given = name("limen:provider=energy,type=VirtualGateway");
        assert_eq!(given, name("limen:type=VirtualGateway,provider=energy"));
        assert_eq!(
            given.to_string(),
            "limen:provider=energy,type=VirtualGateway"
        );
        assert!(!given.is_pattern());
        assert_eq!(name("a:z=1,b=2").text(true), "a:b=2,z=1");
    }

    #[test]
    fn patterns_match_as_in_jmx() {
        let bundle = name("limen:type=Bundle,provider=energy,name=web");
        for pattern in [
            "*:*",
            "limen:*",
            "l?men:type=Bundle,*",
            "limen:name=w*b,type=Bundle,provider=*",
            "limen:type=B*n*e,*",
        ] {
            assert!(name(pattern).matches(&bundle), "{pattern}");
            assert!(name(pattern).is_pattern(), "{pattern}");
        }
        for pattern in [
            "limen:type=Bundle",
            "java.lang:*",
            "limen:type=Bundl,*",
            "limen:x=*,*",
        ] {
            assert!(!name(pattern).matches(&bundle), "{pattern}");
        }
        assert!(!glob(&"*a".repeat(64), &"b".repeat(200)));
    }

    #[test]
    fn malformed_names_are_refused() {
        for bad in [
            "",
            "limen",
            "limen:",
            "limen:type",
            "limen:=a",
            "a:b=",
            "a:b=c,b=d",
            "a:b=c,",
            "a:b=\n",
        ] {
            assert!(bad.parse::<ObjectName>().is_err(), "{bad:?}");
        }
    }
}
