//! The header: what a segment says of itself.

use super::{ABI, MAGIC_BUILDING};

/// The header as it lies in the file, from offset 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) magic: u64,
    pub(crate) abi: u32,
    pub(crate) header_bytes: u32,
    pub(crate) file_bytes: u64,
    pub(crate) capacity: u64,
    pub(crate) slots: u64,
    pub(crate) descriptors: u64,
    pub(crate) stride: u64,
    pub(crate) participants: u64,
    pub(crate) chunk: u64,
    pub(crate) chunks: u64,
    pub(crate) max_deliveries: u32,
    pub(crate) mode: u32,
    pub(crate) owner: u32,
    pub(crate) group: u32,
    pub(crate) identity: u64,
    pub(crate) created_ns: u64,
    /// Of all the fields between the magic and this one.
    pub(crate) checksum: u64,
}

/// The header's size, whose fields are all that it holds: no padding.
pub(crate) const HEADER_BYTES: usize = size_of::<Header>();

impl Header {
    /// A header of this version, its sizes still to be filled in.
    pub(crate) fn new(max_deliveries: u32) -> Header {
        let mut header = Header::from_bytes(&[0; HEADER_BYTES]);
        header.magic = MAGIC_BUILDING;
        header.abi = ABI;
        header.header_bytes = HEADER_BYTES as u32;
        header.max_deliveries = max_deliveries;
        header
    }
}

impl Header {
    /// The checksum of its fields: FNV-1a, 64 bits (Fowler, Noll and Vo), over the bytes after the magic. Against damage
    /// that leaves every size possible; it proves nothing against a forger.
    pub(crate) fn checksum(self) -> u64 {
        let bytes = self.to_bytes();
        let fields = &bytes[8..std::mem::offset_of!(Header, checksum)];
        fields.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// The same with its checksum.
    pub(crate) fn sealed(mut self) -> Header {
        self.checksum = self.checksum();
        self
    }
}

/// Reads and writes the header's fields in their order, as their offsets below are checked.
macro_rules! header_codec {
    ($($field:ident: $type:ty),* $(,)?) => {
        impl Header {
            /// The header that these bytes hold; any bytes make one, and `Geometry::from_header` checks it.
            pub(crate) fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Header {
                $(
                    let at = std::mem::offset_of!(Header, $field);
                    let $field = &bytes[at..at + size_of::<$type>()];
                    let $field = <$type>::from_ne_bytes($field.try_into().expect("as long as the type"));
                )*
                Header { $($field),* }
            }

            /// The bytes of this header.
            pub(crate) fn to_bytes(self) -> [u8; HEADER_BYTES] {
                let mut bytes = [0; HEADER_BYTES];
                $(
                    let at = std::mem::offset_of!(Header, $field);
                    bytes[at..at + size_of::<$type>()].copy_from_slice(&self.$field.to_ne_bytes());
                )*
                bytes
            }

            /// Name, offset and size of every field.
            #[cfg(test)]
            #[allow(dead_code, reason = "for tests/layout.rs, which compiles this file as its own")]
            pub(crate) const FIELDS: &'static [(&'static str, usize, usize)] =
                &[$((stringify!($field), std::mem::offset_of!(Header, $field), size_of::<$type>())),*];
        }
    };
}

header_codec! {
    magic: u64, abi: u32, header_bytes: u32, file_bytes: u64, capacity: u64, slots: u64, descriptors: u64, stride: u64,
    participants: u64, chunk: u64, chunks: u64, max_deliveries: u32, mode: u32, owner: u32, group: u32, identity: u64,
    created_ns: u64, checksum: u64,
}
