//! The inner user: a name for the number that a bundle runs under
//!
//! A bundle's number is the gateway's choice, one for each bundle, because what belongs to a number is
//! protected from every other. Programs ask for theirs by name: to say who they are, or to become, as
//! root would, somebody who is less. So the declared name means the bundle's own number, in its
//! `/etc/passwd` and `/etc/group`; becoming who one is already succeeds.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::{BENEATH, Root, STEP, Source, Use};
use crate::fault::{At, Fault};

/// Where the files are made, in the root's own memory.
const FOLDER: &str = "/run/limen";
/// What a user has behind its two numbers when the bundle does not say.
const PASSWD_REST: &str = ":/:/bin/false";
/// Longest file of the bundle's that is taken over, bytes.
const LONGEST: u64 = 65536;

/// The files, and where else they are to be looked for.
pub(crate) const FILES: [&str; 2] = ["/etc/passwd", "/etc/group"];

impl Root {
    /// Lets `name` mean `id` (an inner number) to the bundle's programs.
    pub(crate) fn user(&self, name: &str, id: u32) -> Result<(), Fault> {
        for path in FILES {
            let before = self.read(path)?;
            let text = match path {
                "/etc/passwd" => passwd(&before, name, id),
                _ => group(&before, name, id),
            };
            let folder = self.directory(FOLDER)?;
            let file = path.rsplit('/').next().unwrap_or(path);
            let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mode = Mode::from_raw_mode(0o644);
            let made =
                rustix::fs::openat2(&folder, file, flags, mode, BENEATH).at(STEP, "make", path)?;
            File::from(made)
                .write_all(text.as_bytes())
                .at(STEP, "write", path)?;
            let source = Source::beneath(folder.as_fd(), file)?;
            self.bind(&source, path, Use::Read)?;
        }
        Ok(())
    }

    /// A file of the bundle's; empty when it has none.
    fn read(&self, path: &str) -> Result<String, Fault> {
        let inside = path.trim_start_matches('/');
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat2(&self.mount, inside, flags, Mode::empty(), BENEATH) {
            Err(Errno::NOENT) => return Ok(String::new()),
            other => File::from(other.at(STEP, "open", path)?),
        };
        let mut text = String::new();
        file.take(LONGEST)
            .read_to_string(&mut text)
            .at(STEP, "read", path)?;
        Ok(text)
    }
}

/// `/etc/passwd` (passwd(5)) in which `name` is `id`, found first by either.
fn passwd(before: &str, name: &str, id: u32) -> String {
    let rest = line_of(before, name)
        .and_then(|line| line.splitn(5, ':').nth(4))
        .map_or_else(|| PASSWD_REST.to_owned(), |rest| rest.to_owned());
    format!("{name}:x:{id}:{id}:{rest}\n{}", without(before, name))
}

/// `/etc/group` (group(5)) in which `name` is `id`.
fn group(before: &str, name: &str, id: u32) -> String {
    format!("{name}:x:{id}:\n{}", without(before, name))
}

fn line_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    lines.find(|line| line.split(':').next() == Some(name))
}

fn without(text: &str, name: &str) -> String {
    let others = text
        .lines()
        .filter(|line| line.split(':').next() != Some(name));
    others.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_means_the_number_and_the_rest_stays() {
        let before = "root:x:0:0:root:/root:/bin/sh\nmosquitto:x:101:102:broker:/var/lib:/bin/no\n";
        assert_eq!(
            passwd(before, "mosquitto", 1003),
            "mosquitto:x:1003:1003:broker:/var/lib:/bin/no\nroot:x:0:0:root:/root:/bin/sh\n"
        );
        assert_eq!(passwd("", "web", 1000), "web:x:1000:1000::/:/bin/false\n");
        assert_eq!(
            group("root:x:0:\nmosquitto:x:102:a,b\n", "mosquitto", 1003),
            "mosquitto:x:1003:\nroot:x:0:\n"
        );
    }
}
