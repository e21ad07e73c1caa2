//! Which disk holds the data: the numbers that `io.max` wants
//!
//! The kernel takes whole disks only, so a partition is followed to the disk that it is part of.

use std::fs;

use limen_proto::jail::Step;
use rustix::fs::{major, minor, stat};
use rustix::io::Errno;

use crate::fault::{At, Fault};

/// The file system with the providers' trees.
const DATA: &str = "/data";

/// `MAJOR:MINOR` of the disk below the data.
pub(super) fn numbers() -> Result<String, Fault> {
    let device = stat(DATA).at(Step::Cgroup, "look at", DATA)?.st_dev;
    // File systems without a disk have major number 0.
    if major(device) == 0 {
        let object = "a disk below /data, for the contract's read and write rates";
        return Err(Fault::new(Step::Cgroup, "find", object, Errno::NODEV));
    }
    let known = format!("/sys/dev/block/{}:{}", major(device), minor(device));
    let place = match fs::exists(format!("{known}/partition")) {
        // The link leads into the disk's own directory, so above is the disk.
        Ok(true) => format!("{known}/../dev"),
        _ => format!("{known}/dev"),
    };
    let text = fs::read_to_string(&place).at(Step::Cgroup, "read", &place)?;
    Ok(text.trim().to_owned())
}
