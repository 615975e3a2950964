//! Where `put` reads from: stdin or a file, in pieces, with an eye on signals.

use crate::exit::Stop;
use crate::signals::Signals;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

const PIECE: usize = 64 << 10;

/// A stream of bytes that Ctrl-C can interrupt.
#[derive(Debug)]
pub(crate) struct Input {
    file: File,
    piece: Vec<u8>,
    length: Option<u64>,
}

impl Input {
    /// Opens `path`; `-` is stdin.
    pub(crate) fn open(path: &Path) -> Result<Self, Stop> {
        let file = match path == Path::new("-") {
            // Past std's buffer, which would retry an interrupted read.
            true => io::stdin().as_fd().try_clone_to_owned().map(File::from),
            false => File::open(path),
        };
        let file = file.map_err(|error| Stop::failed(format!("{}: {error}", path.display())))?;
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(Stop::failed(format!("{}: is a directory", path.display())));
        }
        let length = about.is_file().then_some(about.len());
        Ok(Input {
            file,
            piece: vec![0; PIECE],
            length,
        })
    }

    /// How many bytes there are, if that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Waits for more; `None` at the end, an error when a signal has arrived.
    pub(crate) fn read(&mut self, signals: &Signals) -> Result<Option<&[u8]>, Stop> {
        loop {
            signals.wait_readable(self.file.as_fd())?;
            match self.file.read(&mut self.piece) {
                Ok(0) => return Ok(None),
                Ok(length) => return Ok(Some(&self.piece[..length])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A terminal or socket that others set to non-blocking: poll again.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(Stop::failed(error).context("reading the input")),
            }
        }
    }
}
