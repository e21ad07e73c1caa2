//! Where the parts of an image lie: files of a directory, or members of a tar archive

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use tar::{Archive, EntryType};

use super::error::ImageError;
use crate::compression;

/// Most members of an archive that holds an image.
const MEMBERS: usize = 65_536;
/// Largest archive after decompression, bytes.
const ARCHIVE_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// An opened image.
#[derive(Debug)]
pub(super) enum Source {
    Directory(PathBuf),
    Archive {
        file: File,
        members: BTreeMap<String, Member>,
    },
}

/// Where a member's bytes are in the archive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    offset: u64,
    length: u64,
}

/// A part to be read, and its length in bytes.
pub(super) type Part<'a> = (Box<dyn Read + 'a>, u64);

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, ImageError> {
        let failed = |source| ImageError::Read {
            path: path.to_owned(),
            source,
        };
        if fs::metadata(path).map_err(failed)?.is_dir() {
            return Ok(Self::Directory(path.to_owned()));
        }
        let file = plain(File::open(path).map_err(failed)?).map_err(failed)?;
        let members = members(&file).map_err(failed)?;
        Ok(Self::Archive { file, members })
    }

    /// The part `name` and its length in bytes; none if there is no such part.
    ///
    /// `name` is a constant of a specification, or made of a checked digest, or looked up among an archive's members: none of
    /// them leads out of the directory.
    pub(super) fn part(&self, name: &str) -> Result<Option<Part<'_>>, ImageError> {
        let failed = |source| ImageError::Read {
            path: name.into(),
            source,
        };
        match self {
            Self::Directory(directory) => {
                let path = directory.join(name);
                let failed = |source| ImageError::Read {
                    path: path.clone(),
                    source,
                };
                let file = match File::open(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    opened => opened.map_err(failed)?,
                };
                let length = file.metadata().map_err(failed)?.len();
                Ok(Some((Box::new(file), length)))
            }
            Self::Archive { file, members } => {
                let Some(member) = members.get(name) else {
                    return Ok(None);
                };
                let mut from = file;
                from.seek(SeekFrom::Start(member.offset)).map_err(failed)?;
                Ok(Some((Box::new(from.take(member.length)), member.length)))
            }
        }
    }

    /// A part that is a text of at most `limit` bytes.
    pub(super) fn text(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, ImageError> {
        let Some((from, length)) = self.part(name)? else {
            return Ok(None);
        };
        if length > limit {
            return Err(ImageError::Long(name.to_owned()));
        }
        let mut text = Vec::new();
        let read = from.take(limit).read_to_end(&mut text);
        read.map_err(|source| ImageError::Read {
            path: name.into(),
            source,
        })?;
        Ok(Some(text))
    }
}

/// The archive itself, or an unnamed decompressed copy of it.
fn plain(mut file: File) -> io::Result<File> {
    let mut first = [0; 6];
    let read = (&mut file).take(6).read(&mut first)?;
    file.rewind()?;
    if !compression::is_compressed(&first[..read]) {
        return Ok(file);
    }
    let mut copy = tempfile::tempfile()?;
    let decoded = compression::decoded(BufReader::new(file))?;
    if io::copy(&mut decoded.take(ARCHIVE_BYTES), &mut copy)? == ARCHIVE_BYTES {
        return Err(io::Error::other("it unpacks to more than 16 GiB"));
    }
    copy.rewind()?;
    Ok(copy)
}

fn members(file: &File) -> io::Result<BTreeMap<String, Member>> {
    let mut members = BTreeMap::new();
    for entry in Archive::new(file).entries_with_seek()? {
        let entry = entry?;
        if entry.header().entry_type() != EntryType::Regular {
            continue;
        }
        if members.len() == MEMBERS {
            return Err(io::Error::other("it has more than 65536 members"));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        let (offset, length) = (entry.raw_file_position(), entry.size());
        members.insert(name, Member { offset, length });
    }
    Ok(members)
}
