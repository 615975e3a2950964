//! How a pipe's messages lie in its ring: one item each, as they are, unless they are long.
//!
//! A message is a pickle stream, or what `send_bytes` was given; an object with out-of-band buffers is laid out as in a
//! queue (item.rs). What is too long for one item goes as several chunks, each of which says where it belongs, so that those
//! of several writers may be mixed. Bytes that begin like one of the other two also go as a chunk.

use crate::item::{MAGIC, OBJECT, begins_as_object};
use pyo3::ffi;
use pyo3::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// The eighth byte of a chunk: of plain bytes, of an object with buffers.
const OF_BYTES: u8 = 3;
const OF_OBJECT: u8 = 4;
/// Magic, and three numbers.
const HEAD: usize = 32;
/// The bytes of a message in each chunk: the writer fills one while the reader empties another.
const CHUNK: usize = 1 << 20;
/// What lies between parts that must be aligned.
static ZEROS: [u8; 4096] = [0; 4096];

/// An item of a pipe.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    Plain,
    Object,
    Chunk(Chunk<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk<'a> {
    of_object: bool,
    id: u64,
    pub(crate) total: usize,
    offset: usize,
    data: &'a [u8],
}

/// Tells an item apart. `None`: it contradicts itself.
pub(crate) fn item(payload: &[u8]) -> Option<Item<'_>> {
    if !begins_as_object(payload) {
        return Some(Item::Plain);
    }
    if payload.starts_with(&MAGIC) {
        return Some(Item::Object);
    }
    let (head, data) = payload.split_at_checked(HEAD)?;
    let of_object = match head[7] {
        OF_BYTES => false,
        OF_OBJECT => true,
        _ => return None,
    };
    let number = |at: usize| head[at..at + 8].try_into().ok().map(u64::from_le_bytes);
    let chunk = Chunk {
        of_object,
        id: number(8)?,
        total: usize::try_from(number(16)?).ok()?,
        offset: usize::try_from(number(24)?).ok()?,
        data,
    };
    let end = chunk.offset.checked_add(data.len())?;
    (end <= chunk.total && chunk.total <= isize::MAX as usize).then_some(Item::Chunk(chunk))
}

/// Cuts a message into chunks, and gives the parts of each to `put`.
pub(crate) fn cut<E>(
    parts: &[&[u8]],
    align: usize,
    of_object: bool,
    mut put: impl FnMut(&[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let id = u64::from(std::process::id()) << 32 | u64::from(NEXT.fetch_add(1, Relaxed));
    let mut flat = Vec::new();
    let mut total = 0_usize;
    for &part in parts {
        let start = total.next_multiple_of(align);
        flat.push(&ZEROS[..start - total]);
        flat.push(part);
        total = start + part.len();
    }
    let mut rest = flat.into_iter();
    let mut part: &[u8] = &[];
    let mut offset = 0;
    while offset < total {
        let mut head = [0; HEAD];
        head[..7].copy_from_slice(&OBJECT);
        head[7] = if of_object { OF_OBJECT } else { OF_BYTES };
        for (place, number) in head[8..]
            .chunks_exact_mut(8)
            .zip([id, total as u64, offset as u64])
        {
            place.copy_from_slice(&number.to_le_bytes());
        }
        let mut chunk = vec![&head[..]];
        let mut room = CHUNK;
        while room > 0 {
            if part.is_empty() {
                match rest.next() {
                    Some(next) => part = next,
                    None => break,
                }
            }
            let (now, later) = part.split_at(part.len().min(room));
            chunk.push(now);
            room -= now.len();
            part = later;
        }
        put(&chunk)?;
        offset += CHUNK - room;
    }
    Ok(())
}

/// A long message that has arrived.
pub(crate) enum Long {
    /// `bytes`.
    Bytes(Py<PyAny>),
    /// `bytearray`: its buffers can be written to.
    Object(Py<PyAny>),
}

/// The bytes of a new Python object, which nobody else knows yet.
pub(crate) struct Fresh {
    object: Py<PyAny>,
    start: *mut u8,
    length: usize,
}

// SAFETY: the bytes are reachable through this one owner alone, until it is given away as an object.
unsafe impl Send for Fresh {}

impl Fresh {
    fn new(py: Python<'_>, length: usize, array: bool) -> PyResult<Fresh> {
        let size = length as ffi::Py_ssize_t;
        // Not by pyo3's `new_with`, which fills it with zeros first: with 2 GB that is as long as the message itself.
        let object = match array {
            // SAFETY: no source to copy from, so that the bytes are as they were; they are written before anybody reads them.
            true => unsafe { ffi::PyByteArray_FromStringAndSize(std::ptr::null(), size) },
            // SAFETY: as above.
            false => unsafe { ffi::PyBytes_FromStringAndSize(std::ptr::null(), size) },
        };
        // SAFETY: a new reference, or null with an exception set.
        let object = unsafe { Bound::from_owned_ptr_or_err(py, object) }?;
        let start = match array {
            // SAFETY: it is a bytearray.
            true => unsafe { ffi::PyByteArray_AsString(object.as_ptr()) },
            // SAFETY: it is bytes.
            false => unsafe { ffi::PyBytes_AsString(object.as_ptr()) },
        };
        Ok(Fresh {
            object: object.unbind(),
            start: start.cast(),
            length,
        })
    }

    /// Where so many bytes from `offset` on lie.
    fn place(&self, offset: usize, length: usize) -> Option<*mut u8> {
        let end = offset.checked_add(length)?;
        // SAFETY: within the object's bytes.
        (end <= self.length).then(|| unsafe { self.start.add(offset) })
    }
}

struct Partial {
    memory: Fresh,
    of_object: bool,
    arrived: usize,
}

/// The long messages of which this process has some chunks.
#[derive(Default)]
pub(crate) struct Partials {
    // Its lock is only taken with the interpreter's, and not kept, so no fork meets it locked.
    under_way: Mutex<HashMap<u64, Partial>>,
}

impl Partials {
    fn with<R>(&self, then: impl FnOnce(&mut HashMap<u64, Partial>) -> R) -> R {
        then(
            &mut self
                .under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Adds a chunk. Is the message complete with it?
    pub(crate) fn add(&self, py: Python<'_>, chunk: Chunk<'_>) -> PyResult<Option<Long>> {
        let length = chunk.data.len();
        let place = self.with(|under_way| -> PyResult<_> {
            let partial = match under_way.entry(chunk.id) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => entry.insert(Partial {
                    memory: Fresh::new(py, chunk.total, chunk.of_object)?,
                    of_object: chunk.of_object,
                    arrived: 0,
                }),
            };
            let place = partial.memory.place(chunk.offset, length);
            Ok(place.map(|place| (place as usize, partial.memory.object.clone_ref(py))))
        })?;
        let Some((to, _kept)) = place else {
            return Err(crate::wire::broken());
        };
        let from = chunk.data;
        // SAFETY: the place has room, and is kept. The message is not complete, and known to nobody else, before this chunk is
        // counted below, and no other chunk of it has the same place.
        py.detach(|| unsafe {
            std::ptr::copy_nonoverlapping(from.as_ptr(), to as *mut u8, length)
        });
        let complete = self.with(|under_way| {
            let partial = under_way.get_mut(&chunk.id)?;
            partial.arrived += length;
            match partial.arrived >= partial.memory.length {
                true => under_way.remove(&chunk.id),
                false => None,
            }
        });
        Ok(complete.map(|partial| match partial.of_object {
            true => Long::Object(partial.memory.object),
            false => Long::Bytes(partial.memory.object),
        }))
    }

    /// The other side is gone: what is incomplete stays so. Was there anything?
    pub(crate) fn give_up(&self) -> bool {
        self.with(|under_way| {
            let any = !under_way.is_empty();
            under_way.clear();
            any
        })
    }
}
