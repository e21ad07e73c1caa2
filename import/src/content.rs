//! The bytes of files, in one unnamed temporary file until they are wanted

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

/// Where a file's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    offset: u64,
    /// How many, in bytes.
    pub(crate) length: u64,
}

/// All contents.
#[derive(Debug)]
pub(crate) struct Contents {
    file: File,
    end: u64,
}

impl Contents {
    /// None yet.
    ///
    /// # Errors
    /// The temporary directory does not take a file.
    pub(crate) fn new() -> io::Result<Self> {
        let file = tempfile::tempfile()?;
        Ok(Self { file, end: 0 })
    }

    /// How many bytes are held.
    pub(crate) fn held(&self) -> u64 {
        self.end
    }

    /// Takes all of `from`, which must be `length` bytes.
    ///
    /// # Errors
    /// Reading, writing, or another length ([`io::ErrorKind::UnexpectedEof`]).
    pub(crate) fn add(&mut self, from: &mut impl Read, length: u64) -> io::Result<Content> {
        let offset = self.end;
        self.file.seek(SeekFrom::Start(offset))?;
        let copied = io::copy(&mut from.take(length), &mut self.file)?;
        if copied != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.end += length;
        Ok(Content { offset, length })
    }

    /// Reads one again.
    ///
    /// # Errors
    /// The temporary file.
    pub(crate) fn open(&self, content: Content) -> io::Result<impl Read + use<>> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(content.offset))?;
        Ok(BufReader::new(file).take(content.length))
    }

    /// Reads one as text, if it is one of at most `limit` bytes.
    pub(crate) fn text(&self, content: Content, limit: u64) -> Option<String> {
        let mut text = String::new();
        let fits = content.length <= limit;
        let read = self
            .open(content)
            .and_then(|mut from| from.read_to_string(&mut text));
        (fits && read.is_ok()).then_some(text)
    }

    /// Writes one to `to`.
    ///
    /// # Errors
    /// Reading or writing.
    pub(crate) fn copy(&self, content: Content, to: &mut impl Write) -> io::Result<()> {
        io::copy(&mut self.open(content)?, to).map(drop)
    }
}
