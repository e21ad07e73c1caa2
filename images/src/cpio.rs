//! The initramfs archive: `cpio` of the "new ASCII" kind
//!
//! Written here and not by the host's `cpio`, because an archive needs a device node, which only
//! root can make in a folder, and must come out the same byte for byte. Format: the kernel's
//! `Documentation/driver-api/early-userspace/buffer-format.rst`.
//!
//! Not compressed: the emulator loads it into memory as it is, and unpacking costs boot time.

use std::io::{self, Write};

const DIRECTORY: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const CHARACTER: u32 = 0o020_000;
/// Most name bytes plus header that this module pads for.
const HEADER: usize = 110;

/// Writes one archive, entry by entry; folders before what lies in them.
#[derive(Debug)]
pub struct Archive<W> {
    to: W,
    inode: u32,
}

impl<W: Write> Archive<W> {
    /// An empty archive.
    pub fn new(to: W) -> Self {
        Self { to, inode: 0 }
    }

    /// A folder that root owns.
    ///
    /// # Errors
    /// Writing failed.
    pub fn directory(&mut self, path: &str) -> io::Result<()> {
        self.entry(path, DIRECTORY | 0o755, (0, 0), &[])
    }

    /// A file that root owns.
    ///
    /// # Errors
    /// Writing failed, or the content is larger than 4 GiB.
    pub fn file(&mut self, path: &str, permissions: u32, content: &[u8]) -> io::Result<()> {
        self.entry(path, FILE | permissions, (0, 0), content)
    }

    /// A character device that only root may open.
    ///
    /// # Errors
    /// Writing failed.
    pub fn character(&mut self, path: &str, major: u32, minor: u32) -> io::Result<()> {
        self.entry(path, CHARACTER | 0o600, (major, minor), &[])
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// Writing failed.
    pub fn finish(mut self) -> io::Result<W> {
        self.entry("TRAILER!!!", 0, (0, 0), &[])?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn entry(
        &mut self,
        path: &str,
        mode: u32,
        device: (u32, u32),
        content: &[u8],
    ) -> io::Result<()> {
        let size = u32::try_from(content.len()).map_err(io::Error::other)?;
        let name_size = u32::try_from(path.len() + 1).map_err(io::Error::other)?;
        self.inode += 1;
        // inode, mode, uid, gid, links, time, size, device of the file, device it is, name size, checksum
        let fields = [
            self.inode, mode, 0, 0, 1, 0, size, 0, 0, device.0, device.1, name_size, 0,
        ];
        self.to.write_all(b"070701")?;
        for field in fields {
            write!(self.to, "{field:08X}")?;
        }
        self.to.write_all(path.as_bytes())?;
        self.to.write_all(b"\0")?;
        self.pad(HEADER + path.len() + 1)?;
        self.to.write_all(content)?;
        self.pad(content.len())
    }

    fn pad(&mut self, written: usize) -> io::Result<()> {
        let missing = written.next_multiple_of(4) - written;
        self.to.write_all(&[0; 4][..missing])
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn entries_are_aligned_and_end_with_the_trailer() -> std::io::Result<()> {
        let mut archive = Archive::new(Vec::new());
        archive.directory("dev")?;
        archive.character("dev/console", 5, 1)?;
        archive.file("init", 0o755, b"hello")?;
        let bytes = archive.finish()?;
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(text.matches("070701").count(), 4);
        // The third header: mode of an executable file, five bytes long.
        let init = text.find("init").map(|at| at - 110).unwrap_or_default();
        assert_eq!(&text[init + 14..init + 22], "000081ED");
        assert_eq!(&text[init + 54..init + 62], "00000005");
        assert!(text.contains("TRAILER!!!"));
        Ok(())
    }
}
