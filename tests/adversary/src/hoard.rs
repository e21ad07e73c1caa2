//! A volume that is filled, left full and measured from inside
//!
//! ```text
//! hoard files 121 EDQUOT        empty files until one was refused
//! hoard bytes 1597440 EDQUOT    bytes in one file until a write was refused
//! hoard du 2097152 124          what du(1) would say: bytes and inodes, the volume's own folder included
//! hoard more EDQUOT             whether one file and block more would be let in; nothing of it stays
//! ```
//!
//! Files first: their names take blocks of the folder, which must be there to take.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::sys::errno_name;

/// The kernel counts in these: a smaller write may go where another one already was.
const BLOCK: usize = 4096;
/// `st_blocks` counts in these (stat(2)).
const SECTOR: u64 = 512;

/// The volume: also when it is full, and no folder that can be written.
const VOLUME: &str = "/var/lib/adversary";

/// Fills the volume, and says what it took.
pub(crate) fn run() -> bool {
    told(|folder| fill(folder).and_then(|()| measure(folder)))
}

/// Says what is in it, and whether there is room.
pub(crate) fn measured() -> bool {
    told(|folder| measure(folder).and_then(|()| ask(folder)))
}

fn told(work: impl FnOnce(&Path) -> io::Result<()>) -> bool {
    let done = work(Path::new(VOLUME));
    if let Err(error) = &done {
        println!("hoard failed: {error}");
    }
    done.is_ok()
}

fn refusal(error: &io::Error) -> String {
    errno_name(error.raw_os_error().unwrap_or(0))
}

fn fill(folder: &Path) -> io::Result<()> {
    let names = folder.join("names");
    fs::create_dir_all(&names)?;
    let mut files = 0;
    let refused = loop {
        match File::create_new(names.join(files.to_string())) {
            Ok(_) => files += 1,
            Err(error) => break error,
        }
    };
    println!("hoard files {files} {}", refusal(&refused));
    // Of these one makes way for the file that takes all bytes.
    fs::remove_file(names.join("0"))?;
    let mut file = File::create(folder.join("bytes"))?;
    let mut bytes = 0;
    let refused = loop {
        match file.write_all(&[0xA5; BLOCK]) {
            Ok(()) => bytes += BLOCK,
            Err(error) => break error,
        }
    };
    println!("hoard bytes {bytes} {}", refusal(&refused));
    file.sync_all()
}

fn ask(folder: &Path) -> io::Result<()> {
    let path = folder.join("more");
    let written = File::create_new(&path).and_then(|mut file| {
        // What the kernel puts off could be refused later.
        let written = file
            .write_all(&[0xA5; BLOCK])
            .and_then(|()| file.sync_all());
        fs::remove_file(&path).and(written)
    });
    let word = written.map_or_else(|error| refusal(&error), |()| "ok".to_owned());
    println!("hoard more {word}");
    Ok(())
}

fn measure(folder: &Path) -> io::Result<()> {
    let (mut bytes, mut inodes) = (0, 0);
    let mut pending = vec![folder.to_path_buf()];
    while let Some(path) = pending.pop() {
        let data = fs::symlink_metadata(&path)?;
        bytes += data.blocks() * SECTOR;
        inodes += 1;
        if data.is_dir() {
            for entry in fs::read_dir(&path)? {
                pending.push(entry?.path());
            }
        }
    }
    println!("hoard du {bytes} {inodes}");
    Ok(())
}
