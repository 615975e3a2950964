//! A queue in a file of its own directory, to be damaged: where the header's fields are, and that nothing else happens.

use crate::common::{directory, payload, small};
use ringpost::{BytesQueue, OpenError, Options};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// A field of the header: name, offset, size in bytes. `src/layout.rs` says what they are, and the test `layout` that they
/// stay there.
pub(crate) type Field = (&'static str, u64, usize);

pub(crate) const MAGIC: Field = ("magic", 0, 8);
pub(crate) const ABI: Field = ("abi", 8, 4);
pub(crate) const HEADER_BYTES: Field = ("header size", 12, 4);
pub(crate) const FILE_BYTES: Field = ("file size", 16, 8);
pub(crate) const CAPACITY: Field = ("capacity", 24, 8);
pub(crate) const SLOTS: Field = ("slots", 32, 8);
pub(crate) const DESCRIPTORS: Field = ("descriptors", 40, 8);
pub(crate) const STRIDE: Field = ("stride", 48, 8);
pub(crate) const PARTICIPANTS: Field = ("participants", 56, 8);
pub(crate) const CHUNK: Field = ("chunk", 64, 8);
pub(crate) const CHUNKS: Field = ("chunks", 72, 8);
pub(crate) const MAX_DELIVERIES: Field = ("deliveries", 80, 4);
pub(crate) const MODE: Field = ("mode", 84, 4);
pub(crate) const OWNER: Field = ("owner", 88, 4);
pub(crate) const GROUP: Field = ("group", 92, 4);

/// Of all the fields after the magic.
pub(crate) const CHECKSUM: Field = ("checksum", 112, 8);

/// The header ends here; the control lines start at 256.
pub(crate) const HEADER_END: u64 = 120;

/// Makes the checksum right, as that of a creator who means what it writes.
pub(crate) fn seal(file: &File) {
    let mut fields = [0; 104];
    file.read_exact_at(&mut fields, 8).unwrap();
    let checksum = fields
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    file.write_all_at(&checksum.to_ne_bytes(), CHECKSUM.1)
        .unwrap();
}

/// A queue with two items, closed, as a file.
pub(crate) struct SegmentFile {
    directory: tempfile::TempDir,
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    original: Vec<u8>,
}

impl SegmentFile {
    pub(crate) fn new() -> SegmentFile {
        Self::with(&small(), &items())
    }

    pub(crate) fn with(options: &Options, items: &[Vec<u8>]) -> SegmentFile {
        let directory = directory();
        let path = directory.path().join("queue");
        let queue = options.create_path(&path).unwrap();
        queue.put_many(items).unwrap();
        drop(queue);
        let original = std::fs::read(&path).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        SegmentFile {
            directory,
            path,
            file,
            original,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.original.len() as u64
    }

    /// A field as it was.
    pub(crate) fn value(&self, (_, at, size): Field) -> u64 {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(&self.original[at as usize..][..size]);
        u64::from_ne_bytes(bytes)
    }

    /// A field as it is in the file.
    pub(crate) fn file_value(&self, (_, at, size): Field) -> u64 {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes[..size], at).unwrap();
        u64::from_ne_bytes(bytes)
    }

    /// Where the descriptor `index` is; the first ones begin with their slot's word.
    pub(crate) fn descriptor_at(&self, index: u64) -> u64 {
        let first = (1024 + 64 * self.value(PARTICIPANTS)).next_multiple_of(4096);
        first + index * self.value(STRIDE)
    }

    /// A word of the descriptor `index`, this far from its start.
    pub(crate) fn word(&self, index: u64, offset: u64) -> u64 {
        self.file_value(("", self.descriptor_at(index) + offset, 8))
    }

    pub(crate) fn set_word(&self, index: u64, offset: u64, value: u64) {
        self.damage(("", self.descriptor_at(index) + offset, 8), value);
    }

    /// Changes a field, and no other: damage.
    pub(crate) fn damage(&self, (_, at, size): Field, value: u64) {
        let bytes = &value.to_ne_bytes()[..size];
        self.file.write_all_at(bytes, at).unwrap();
    }

    /// Changes a field, and the checksum with it: another creator, or a forger.
    pub(crate) fn set(&self, field: Field, value: u64) {
        self.damage(field, value);
        seal(&self.file);
    }

    /// Undoes every change.
    pub(crate) fn mend(&self) {
        self.file.set_len(self.len()).unwrap();
        self.file.write_all_at(&self.original, 0).unwrap();
    }

    pub(crate) fn open(&self) -> Result<BytesQueue, OpenError> {
        ringpost::open_path(&self.path)
    }

    /// Opens it in every way there is, all of which must fail, with one message that has all these parts, and change
    /// nothing. Returns the error.
    #[track_caller]
    pub(crate) fn refused(&self, parts: &[&str]) -> OpenError {
        let before = std::fs::read(&self.path).unwrap();
        let error = self.open().unwrap_err();
        let fd = self.file.try_clone().unwrap();
        let by_fd = ringpost::from_fd(fd.into()).unwrap_err();
        assert_eq!(error.to_string(), by_fd.to_string());
        says(&error, parts);
        let exists = small().create_path(&self.path).unwrap_err();
        assert!(matches!(exists, OpenError::Exists { .. }), "{exists}");
        assert!(
            std::fs::read(&self.path).unwrap() == before,
            "it was changed"
        );
        self.is_alone();
        error
    }

    /// There is no other file beside it.
    #[track_caller]
    pub(crate) fn is_alone(&self) {
        let files = std::fs::read_dir(self.directory.path()).unwrap();
        assert_eq!(files.count(), 1);
    }

    /// Mended, it still has its items.
    #[track_caller]
    pub(crate) fn is_intact(&self) {
        let queue = self.open().unwrap();
        assert_eq!(queue.recover().unwrap(), 0);
        assert!(queue.try_get_many(9).unwrap() == items());
        queue.put_many(&items()).unwrap();
        assert_eq!(queue.stats().participants.len(), 1);
    }
}

/// What is in it: one beside its slot, one in the arena.
pub(crate) fn items() -> [Vec<u8>; 2] {
    [payload(1, 50), payload(2, 5000)]
}

/// The message has all these parts.
#[track_caller]
pub(crate) fn says(error: &OpenError, parts: &[&str]) {
    let said = error.to_string();
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
}
