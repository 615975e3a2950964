//! Pickling: one pickler for each thread, kept, since making one costs more than pickling a small object.

use crate::item::{Plan, begins_as_object, head_of_loan, is_long};
use crate::loan::{self, Loan, Loans};
use crate::plain::Plain;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use std::cell::RefCell;
use std::sync::Arc;

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
    Plain(Plain),
    Object {
        plan: Plan,
        chunks: Vec<Bound<'py, PyBytes>>,
        buffers: Vec<PyBuffer<u8>>,
        /// It lies in the queue's memory already.
        lent: Option<Lent<'py>>,
    },
}

/// An array that `empty_array` made.
pub(crate) struct Lent<'py> {
    pub(crate) loan: Bound<'py, Loan>,
    /// What comes before it.
    pub(crate) head: Vec<u8>,
    view: Bound<'py, PyAny>,
}

impl Lent<'_> {
    /// It was put: the sender's array is read-only.
    pub(crate) fn close(&self) -> PyResult<()> {
        loan::close(&self.view)
    }
}

impl<'py> Payload<'py> {
    /// Bytes as they are, small simple objects plainly, anything else pickled.
    pub(crate) fn new(object: &Bound<'py, PyAny>, loans: &Arc<Loans>) -> PyResult<Payload<'py>> {
        if let Ok(bytes) = object.cast_exact::<PyBytes>()
            && !begins_as_object(bytes.as_bytes())
        {
            return Ok(Payload::Raw(bytes.clone()));
        }
        match Plain::new(object) {
            Some(plain) => Ok(Payload::Plain(plain)),
            None => Self::pickled(object, Some(loans)),
        }
    }

    /// Pickled, whatever it is; of these loans, if it holds one of them.
    pub(crate) fn pickled(
        object: &Bound<'py, PyAny>,
        loans: Option<&Arc<Loans>>,
    ) -> PyResult<Payload<'py>> {
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
        let mut views = Vec::new();
        if !buffers.is_empty() {
            for buffer in buffers.iter() {
                let view = buffer.call_method0("raw")?;
                exported.push(PyBuffer::get(&view)?);
                views.push(view);
            }
            buffers.del_slice(0, buffers.len())?;
        }
        KEPT.set(Some(kept));
        let lent = match loans {
            Some(loans) if loans.any() => lent(&taken, &exported, views, loans)?,
            _ => None,
        };
        let pickle = taken.iter().map(|chunk| chunk.as_bytes().len()).sum();
        let lengths: Vec<usize> = exported.iter().map(|buffer| buffer.len_bytes()).collect();
        let plan = Plan::new(pickle, &lengths)
            .ok_or_else(|| PyOverflowError::new_err("a pickle stream of more than 4 GiB"))?;
        Ok(Payload::Object {
            plan,
            chunks: taken,
            buffers: exported,
            lent,
        })
    }

    pub(crate) fn lent(&self) -> Option<&Lent<'py>> {
        match self {
            Payload::Object { lent, .. } => lent.as_ref(),
            Payload::Raw(_) | Payload::Plain(_) => None,
        }
    }

    /// How many bytes long it is, about: what has to be free for it.
    pub(crate) fn length(&self) -> usize {
        if self.lent().is_some() {
            return 0;
        }
        self.with_parts(|parts, align| {
            let end = |sum: usize, part: &&[u8]| sum.next_multiple_of(align) + part.len();
            parts.iter().fold(0, end)
        })
    }

    /// Does something with the parts of the payload, and what its start must be aligned to.
    pub(crate) fn with_parts<R>(&self, then: impl FnOnce(&[&[u8]], usize) -> R) -> R {
        match self {
            Payload::Raw(bytes) => then(&[bytes.as_bytes()], 1),
            Payload::Plain(plain) => then(&[plain.as_bytes()], 1),
            Payload::Object {
                plan,
                chunks,
                buffers,
                ..
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
                ..
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

/// The object as one that lies in a loan: if its only buffer is the whole of one. It fails if any buffer was put already.
fn lent<'py>(
    chunks: &[Bound<'py, PyBytes>],
    buffers: &[PyBuffer<u8>],
    views: Vec<Bound<'py, PyAny>>,
    loans: &Arc<Loans>,
) -> PyResult<Option<Lent<'py>>> {
    let mut found = None;
    for (buffer, view) in buffers.iter().zip(views) {
        let place = (buffer.buf_ptr() as usize, buffer.len_bytes());
        if let Some(loan) = loan::shown_by(&view, place, loans)? {
            found = Some((loan, view));
        }
    }
    let (Some((loan, view)), [buffer]) = (found, buffers) else {
        return Ok(None);
    };
    let chunks: Vec<&[u8]> = chunks.iter().map(|chunk| chunk.as_bytes()).collect();
    let head = head_of_loan(&chunks, buffer.len_bytes());
    Ok(head.map(|head| Lent { loan, head, view }))
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
