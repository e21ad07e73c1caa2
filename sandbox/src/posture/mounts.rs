//! Mounts as a text: each point with the attributes that protect it, in order of the points

use std::collections::BTreeMap;

/// Attributes that are compared; others (relatime) protect nothing.
const ATTRIBUTES: [&str; 4] = ["ro", "nosuid", "nodev", "noexec"];

/// Mount points and their attributes. Of two mounts on one point the upper one counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Mounts(BTreeMap<String, String>);

impl Mounts {
    /// Adds one, with attributes as `/proc/PID/mountinfo` lists them.
    pub(super) fn add(&mut self, point: &str, attributes: &str) {
        let has = |name: &&&str| attributes.split(',').any(|one| one == **name);
        let kept: Vec<_> = ATTRIBUTES.iter().filter(has).copied().collect();
        self.0.insert(point.to_owned(), kept.join(","));
    }

    /// Reads `/proc/PID/mountinfo`: for each mount its number, and all of them together.
    pub(super) fn parse(text: &str) -> (Vec<u64>, Self) {
        let (mut numbers, mut mounts) = (Vec::new(), Self::default());
        for line in text.lines() {
            // Number, parent, device, root, mount point, attributes (proc(5)).
            let fields: Vec<_> = line.split(' ').collect();
            if let [number, _, _, _, point, attributes, ..] = fields[..] {
                numbers.extend(number.parse::<u64>());
                mounts.add(point, attributes);
            }
        }
        (numbers, mounts)
    }

    /// The text.
    pub(super) fn text(&self) -> String {
        let lines = self.0.iter().map(|(point, kept)| format!("{point} {kept}"));
        lines.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_that_protect_are_kept_in_one_order() {
        let text = "31 30 0:27 / / ro,nosuid,nodev,noexec,relatime - tmpfs none rw\n\
                    33 31 8:1 /x /var/lib/data rw,noexec,nosuid,nodev,noatime shared:1 - ext4 /dev/vda rw\n";
        let (numbers, mounts) = Mounts::parse(text);
        assert_eq!(numbers, [31, 33]);
        assert_eq!(
            mounts.text(),
            "/ ro,nosuid,nodev,noexec; /var/lib/data nosuid,nodev,noexec"
        );
    }
}
