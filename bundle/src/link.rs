//! Symbolic links: each must end inside the bundle, or nowhere.
//!
//! Inside the running sandbox the bundle's root is `/`, so an absolute target is meant from there and no
//! target can leave. It is checked all the same: a link that climbs above the root, or runs in circles,
//! is a mistake or an attempt. On the box nothing of ours ever follows one.

use crate::limits;
use crate::quote::quoted;

/// Steps spent on one index, all links together: a hostile index must not buy minutes of work.
const STEPS: u32 = 4_000_000;

/// Why a link was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Empty, too long, or with control characters.
    #[error(
        "link \"{0}\" has a target that is empty, not UTF-8, longer than 1024 bytes, or has control characters"
    )]
    Target(String),
    /// Climbs above the root.
    #[error("link \"{0}\" leads out of the bundle; point it at something inside")]
    Escape(String),
    /// Runs in circles.
    #[error("link \"{0}\" leads in a circle; point it at something that exists")]
    Loop(String),
    /// Too much work to tell.
    #[error(
        "link \"{0}\" and those before it are too tangled to follow; use fewer and shorter links"
    )]
    Tangled(String),
}

/// Checks the text of a target.
///
/// # Errors
/// [`LinkError::Target`], naming `link`.
pub fn target<'a>(link: &str, bytes: &'a [u8]) -> Result<&'a str, LinkError> {
    std::str::from_utf8(bytes)
        .ok()
        .filter(|target| !target.is_empty() && target.len() <= limits::PATH_BYTES)
        .filter(|target| !target.chars().any(char::is_control))
        .ok_or_else(|| LinkError::Target(quoted(link)))
}

/// Follows links through a tree that is described by what `target_of` knows of it.
pub struct Walker<F> {
    target_of: F,
    steps: u32,
}

impl<'a, F: Fn(&str) -> Option<&'a str>> Walker<F> {
    /// `target_of` gives the target of the link at a path; none if there is something else or nothing.
    pub fn new(target_of: F) -> Self {
        Self {
            target_of,
            steps: STEPS,
        }
    }

    /// Walks `path` from the root, follows every link on the way, and gives where it ends.
    ///
    /// # Errors
    /// See [`LinkError`]; `path` is named in it.
    pub fn resolve(&mut self, path: &'a str) -> Result<String, LinkError> {
        let mut here = String::new();
        let mut pending: Vec<&str> = path.rsplit('/').collect();
        let mut hops = 0;
        loop {
            let Some(component) = pending.pop() else {
                return Ok(here);
            };
            self.steps = self
                .steps
                .checked_sub(1)
                .ok_or_else(|| LinkError::Tangled(quoted(path)))?;
            match component {
                "" | "." => {}
                ".." if here.is_empty() => return Err(LinkError::Escape(quoted(path))),
                ".." => here.truncate(here.rfind('/').unwrap_or(0)),
                name => {
                    let parent = here.len();
                    if parent > 0 {
                        here.push('/');
                    }
                    here.push_str(name);
                    let Some(target) = (self.target_of)(&here) else {
                        continue;
                    };
                    hops += 1;
                    if hops > limits::LINK_HOPS {
                        return Err(LinkError::Loop(quoted(path)));
                    }
                    here.truncate(if target.starts_with('/') { 0 } else { parent });
                    pending.extend(target.rsplit('/'));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn follow(links: &[(&'static str, &'static str)]) -> Result<(), LinkError> {
        let map: BTreeMap<&str, &str> = links.iter().copied().collect();
        let mut walker = Walker::new(|path: &str| map.get(path).copied());
        links
            .iter()
            .try_for_each(|(link, _)| walker.resolve(link).map(drop))
    }

    #[test]
    fn links_inside_or_to_nowhere_pass() {
        assert_eq!(
            follow(&[
                ("bin", "usr/bin"),
                ("usr/bin/sh", "dash"),
                ("etc/mtab", "../proc/mounts")
            ]),
            Ok(())
        );
        assert_eq!(follow(&[("a/b/c", "/x/y"), ("x", "a")]), Ok(()));
        assert_eq!(follow(&[("var/run", "/run")]), Ok(()));
    }

    #[test]
    fn links_out_are_refused_also_through_others() {
        assert!(matches!(
            follow(&[("a", "../x")]),
            Err(LinkError::Escape(_))
        ));
        assert!(matches!(
            follow(&[("a/b", "../../x")]),
            Err(LinkError::Escape(_))
        ));
        assert!(matches!(
            follow(&[("a", "/../x")]),
            Err(LinkError::Escape(_))
        ));
        assert!(matches!(
            follow(&[("d/e/up", "/d"), ("d/out", "e/up/../../x")]),
            Err(LinkError::Escape(_))
        ));
    }

    #[test]
    fn circles_are_refused() {
        assert!(matches!(follow(&[("a", "a")]), Err(LinkError::Loop(_))));
        assert!(matches!(
            follow(&[("a", "b"), ("b", "c/x"), ("c", "a")]),
            Err(LinkError::Loop(_))
        ));
    }

    #[test]
    fn work_is_bounded() {
        let target: &'static str = Box::leak("./".repeat(500).into_boxed_str());
        let mut plain = Walker::new(|path: &str| (path == "l").then_some(target));
        let refused = (0..9000).find_map(|_| plain.resolve("l").err());
        assert!(matches!(refused, Some(LinkError::Tangled(_))));
    }

    #[test]
    fn targets_are_plain_text() {
        for bad in [&b""[..], b"a\nb", b"\xff", &[b'x'; 1025]] {
            assert!(target("l", bad).is_err());
        }
    }
}
