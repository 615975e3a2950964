//! Pickling: one pickler for each thread, kept, since making one costs more than pickling a small object.

use crate::item::{MAGIC, Plan, is_long};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use std::cell::RefCell;

thread_local! {
    /// Taken out while it is at work: a reducer may itself put an object into a queue.
    static KEPT: RefCell<Option<Pickler>> = const { RefCell::new(None) };
}

struct Pickler {
    dump: Py<PyAny>,
    clear_memo: Py<PyAny>,
    chunks: Py<PyList>,
    buffers: Py<PyList>,
}

impl Pickler {
    fn new(py: Python<'_>) -> PyResult<Pickler> {
        let (dump, clear_memo, chunks, buffers) = py
            .import("ringpost._reduce")?
            .call_method0("new_pickler")?
            .extract()?;
        Ok(Pickler {
            dump,
            clear_memo,
            chunks,
            buffers,
        })
    }
}

/// An object on its way into a queue: its bytes, wherever they lie.
pub(crate) enum Payload<'py> {
    Raw(Bound<'py, PyBytes>),
    Object {
        plan: Plan,
        chunks: Vec<Bound<'py, PyBytes>>,
        buffers: Vec<PyBuffer<u8>>,
    },
}

impl<'py> Payload<'py> {
    /// Bytes as they are, anything else pickled.
    pub(crate) fn new(object: &Bound<'py, PyAny>) -> PyResult<Payload<'py>> {
        if let Ok(bytes) = object.cast_exact::<PyBytes>()
            && !bytes.as_bytes().starts_with(&MAGIC)
        {
            return Ok(Payload::Raw(bytes.clone()));
        }
        let py = object.py();
        let kept = match KEPT.take() {
            Some(kept) => kept,
            None => Pickler::new(py)?,
        };
        // If anything fails, this pickler is not used again: nobody knows what is left in it.
        kept.dump.bind(py).call1((object,))?;
        // Now, not before the next: it would keep the object alive.
        kept.clear_memo.bind(py).call0()?;
        let (chunks, buffers) = (kept.chunks.bind(py), kept.buffers.bind(py));
        let taken = chunks
            .iter()
            .map(bytes_from)
            .collect::<PyResult<Vec<_>>>()?;
        chunks.del_slice(0, chunks.len())?;
        let mut exported = Vec::new();
        if !buffers.is_empty() {
            for buffer in buffers.iter() {
                exported.push(PyBuffer::get(&buffer.call_method0("raw")?)?);
            }
            buffers.del_slice(0, buffers.len())?;
        }
        KEPT.set(Some(kept));
        let pickle = taken.iter().map(|chunk| chunk.as_bytes().len()).sum();
        let lengths: Vec<usize> = exported.iter().map(|buffer| buffer.len_bytes()).collect();
        let plan = Plan::new(pickle, &lengths)
            .ok_or_else(|| PyOverflowError::new_err("a pickle stream of more than 4 GiB"))?;
        Ok(Payload::Object {
            plan,
            chunks: taken,
            buffers: exported,
        })
    }

    /// Does something with the parts of the payload, and what its start must be aligned to.
    pub(crate) fn with_parts<R>(&self, then: impl FnOnce(&[&[u8]], usize) -> R) -> R {
        match self {
            Payload::Raw(bytes) => then(&[bytes.as_bytes()], 1),
            Payload::Object {
                plan,
                chunks,
                buffers,
            } if buffers.is_empty() => match &chunks[..] {
                [chunk] => then(&[&plan.head, chunk.as_bytes()], 1),
                _ => {
                    let mut parts = vec![&plan.head[..]];
                    parts.extend(chunks.iter().map(|chunk| chunk.as_bytes()));
                    then(&parts, 1)
                }
            },
            Payload::Object {
                plan,
                chunks,
                buffers,
            } => {
                let mut first = plan.head.clone();
                for chunk in chunks {
                    first.extend(chunk.as_bytes());
                }
                let mut long = Vec::new();
                for (buffer, &start) in buffers.iter().zip(&plan.starts) {
                    let bytes = bytes_of(buffer);
                    if is_long(bytes.len()) {
                        long.push(bytes);
                    } else {
                        first.resize(start, 0);
                        first.extend(bytes);
                    }
                }
                let mut parts = vec![&first[..]];
                parts.extend(long);
                then(&parts, plan.align)
            }
        }
    }
}

/// A chunk of a pickle stream: bytes, or, of a long bytearray, the object itself.
fn bytes_from(chunk: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyBytes>> {
    match chunk.cast_into::<PyBytes>() {
        Ok(bytes) => Ok(bytes),
        Err(error) => {
            let chunk = error.into_inner();
            let bytes = chunk.py().get_type::<PyBytes>().call1((chunk,))?;
            Ok(bytes.cast_into()?)
        }
    }
}

/// The memory that an exporter lends.
fn bytes_of(buffer: &PyBuffer<u8>) -> &[u8] {
    // SAFETY: `PickleBuffer.raw()` gives a contiguous view of bytes, which the exporter keeps in place as long as `buffer`
    // lives. Another thread of the interpreter may write to it, as with every call that lends buffers: it then changes which
    // bytes are put, and nothing else.
    unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast(), buffer.len_bytes()) }
}
