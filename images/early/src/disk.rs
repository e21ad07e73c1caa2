//! Disks: found by name, never by the order in which they appeared
//!
//! A name is the serial that the emulator gives a virtio disk, or the partition name of a GPT disk on
//! a board. The order in which the kernel finds disks is no promise, so `/dev/vda` is never assumed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const BLOCK: &str = "/sys/class/block";
/// 10 s in all: slow flash on a board needs about one.
const ATTEMPTS: u32 = 1000;
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until a disk of that name is there; `None` after ten seconds.
pub(crate) fn wait_for(name: &str) -> Option<PathBuf> {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            std::thread::sleep(PAUSE);
        }
        if let Some(node) = find(Path::new(BLOCK), name) {
            return Some(node);
        }
    }
    None
}

/// All disks there are, for a message.
pub(crate) fn present() -> String {
    let mut names: Vec<_> = devices(Path::new(BLOCK))
        .map(|(device, _)| device)
        .collect();
    names.sort();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn find(block: &Path, name: &str) -> Option<PathBuf> {
    devices(block)
        .find(|(_, folder)| is_named(folder, name))
        .map(|(device, _)| Path::new("/dev").join(device))
        .filter(|node| node.exists() || block != Path::new(BLOCK))
}

fn devices(block: &Path) -> impl Iterator<Item = (String, PathBuf)> {
    fs::read_dir(block)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
}

fn is_named(folder: &Path, name: &str) -> bool {
    let serial = fs::read_to_string(folder.join("serial")).unwrap_or_default();
    let event = fs::read_to_string(folder.join("uevent")).unwrap_or_default();
    serial.trim() == name
        || event
            .lines()
            .any(|line| line.strip_prefix("PARTNAME=") == Some(name))
}

#[cfg(test)]
mod tests {
    use super::find;
    use std::fs;
    use std::path::Path;

    #[test]
    fn finds_by_serial_and_by_partition_name() -> std::io::Result<()> {
        let block = std::env::temp_dir().join(format!("limen-early-disk-{}", std::process::id()));
        for (device, file, text) in [
            ("vda", "serial", "limen-data"),
            ("vdb", "serial", "limen-system\n"),
            ("mmcblk0p3", "uevent", "MAJOR=179\nPARTNAME=limen-spare\n"),
        ] {
            fs::create_dir_all(block.join(device))?;
            fs::write(block.join(device).join(file), text)?;
        }
        assert_eq!(
            find(&block, "limen-system").as_deref(),
            Some(Path::new("/dev/vdb"))
        );
        assert_eq!(
            find(&block, "limen-spare").as_deref(),
            Some(Path::new("/dev/mmcblk0p3"))
        );
        assert_eq!(find(&block, "limen"), None);
        fs::remove_dir_all(block)
    }
}
