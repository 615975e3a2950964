//! What an item looks like: raw bytes, or an object that says so.
//!
//! An object begins with a magic, so that one queue serves both: `bytes` are put as they are, and what the command line or a
//! Rust program puts arrives as `bytes`.
//!
//! ```text
//! magic 8 │ buffers u32 │ pickle's length u32 │ (offset u64, length u64) each │ pickle │ buffers, each from a LINE or PAGE boundary
//! ```
//!
//! An array that was filled in place (`loan.rs`) has the whole first page before it, whatever its length.

/// The first bytes of every object; the next one says how it is written.
pub(crate) const OBJECT: [u8; 7] = *b"\x93ringpy";
/// The first bytes of an object that is pickled.
pub(crate) const MAGIC: [u8; 8] = *b"\x93ringpy\x01";
/// The first bytes of an object that is written plainly (`plain.rs`).
pub(crate) const PLAIN: [u8; 8] = *b"\x93ringpy\x02";
/// Magic, and the two counts.
pub(crate) const HEAD: usize = 16;
/// An entry of the table of buffers.
const ENTRY: usize = 16;
/// Where buffers begin, and long ones: a cache line, a page.
const LINE: usize = 64;
pub(crate) const PAGE: usize = 4096;

/// Where the parts of an object lie in its payload. Small buffers follow the pickle stream, and are gathered with it; each
/// long one is a part of its own, on pages of its own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Magic, counts and table.
    pub(crate) head: Vec<u8>,
    /// Where each buffer starts.
    pub(crate) starts: Vec<usize>,
    /// What every part must be aligned to.
    pub(crate) align: usize,
}

impl Plan {
    /// `None`: more than the counts can say.
    pub(crate) fn new(pickle: usize, buffers: &[usize]) -> Option<Plan> {
        let table = ENTRY * buffers.len();
        let mut at = HEAD + table + pickle;
        let mut starts = vec![0; buffers.len()];
        let mut place = |long: bool, boundary: usize| {
            for (start, &length) in starts.iter_mut().zip(buffers) {
                if is_long(length) == long {
                    *start = at.next_multiple_of(boundary);
                    at = *start + length;
                }
            }
        };
        place(false, LINE);
        place(true, PAGE);
        let mut head = Vec::with_capacity(HEAD + table);
        head.extend(MAGIC);
        head.extend(u32::try_from(buffers.len()).ok()?.to_le_bytes());
        head.extend(u32::try_from(pickle).ok()?.to_le_bytes());
        for (&start, &length) in starts.iter().zip(buffers) {
            head.extend((start as u64).to_le_bytes());
            head.extend((length as u64).to_le_bytes());
        }
        let align = match buffers {
            [] => 1,
            _ if buffers.iter().any(|&length| is_long(length)) => PAGE,
            _ => LINE,
        };
        Some(Plan {
            head,
            starts,
            align,
        })
    }
}

/// The head and the pickle stream of an object whose only buffer lies in the payload already, from the second page on;
/// `None`: they need more than the first.
pub(crate) fn head_of_loan(pickle: &[&[u8]], buffer: usize) -> Option<Vec<u8>> {
    let length = pickle.iter().map(|chunk| chunk.len()).sum();
    let plan = Plan::new(length, &[buffer])?;
    let mut head = plan.head;
    head[HEAD..HEAD + 8].copy_from_slice(&(PAGE as u64).to_le_bytes());
    head.extend(pickle.concat());
    head.resize(head.len().max(PAGE), 0);
    (head.len() == PAGE).then_some(head)
}

/// Does a buffer of this length get pages of its own?
pub(crate) fn is_long(length: usize) -> bool {
    length >= PAGE
}

/// A payload, told apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parts<'a> {
    Raw,
    /// What comes after its magic.
    Plain(&'a [u8]),
    Object {
        pickle: &'a [u8],
        /// Start and length of each buffer.
        buffers: Vec<(usize, usize)>,
    },
    /// It has the magic and then contradicts itself.
    Broken,
}

/// Tells a payload apart. Another process wrote it: nothing in it is taken for granted.
pub(crate) fn parts(payload: &[u8]) -> Parts<'_> {
    if !begins_as_object(payload) {
        return Parts::Raw;
    }
    match payload.strip_prefix(&PLAIN) {
        Some(value) => Parts::Plain(value),
        None if payload.starts_with(&MAGIC) => object(payload).unwrap_or(Parts::Broken),
        None => Parts::Broken,
    }
}

/// Would these bytes, put as they are, be taken for an object?
pub(crate) fn begins_as_object(bytes: &[u8]) -> bool {
    bytes.starts_with(&OBJECT)
}

fn object(payload: &[u8]) -> Option<Parts<'_>> {
    let u32_at = |at: usize| {
        let bytes = payload.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let (count, length) = (u32_at(8)?, u32_at(12)?);
    let table = payload.get(HEAD..HEAD.checked_add(ENTRY.checked_mul(count)?)?)?;
    let start = HEAD + table.len();
    let pickle = payload.get(start..start.checked_add(length)?)?;
    let mut buffers = Vec::with_capacity(count);
    for entry in table.chunks_exact(ENTRY) {
        let (offset, length) = entry.split_at(8);
        let offset = usize::try_from(u64::from_le_bytes(offset.try_into().ok()?)).ok()?;
        let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
        payload.get(offset..offset.checked_add(length)?)?;
        buffers.push((offset, length));
    }
    Some(Parts::Object { pickle, buffers })
}
