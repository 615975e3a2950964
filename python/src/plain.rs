//! Numbers, texts, bytes, and small tuples of these, without the pickler: most of what is put, and quicker so than the call
//! of a pickler alone.
//!
//! Only what cannot change is written like this, and only objects of just these types: so nobody can tell the difference.
//!
//! ```text
//! magic 8 │ value:  N · T · F │ b i8 │ i i64 │ f f64 │ s length u8, UTF-8 │ y length u8, bytes │ t count u8, values
//! ```

use crate::item::PLAIN;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString, PyTuple};

/// What is longer is pickled.
const ROOM: usize = 256;
/// So deep may tuples lie in tuples.
const DEEPEST: u8 = 8;

/// A payload that was written so.
pub(crate) struct Plain {
    bytes: [u8; ROOM],
    length: usize,
}

impl Plain {
    /// `None`: it has to be pickled.
    #[inline]
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> Option<Plain> {
        let mut plain = Plain {
            bytes: [0; ROOM],
            length: 0,
        };
        plain.push(&PLAIN)?;
        plain.write(object, 0)?;
        Some(plain)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.length + bytes.len();
        self.bytes.get_mut(self.length..end)?.copy_from_slice(bytes);
        self.length = end;
        Some(())
    }

    fn push_counted(&mut self, tag: u8, bytes: &[u8]) -> Option<()> {
        self.push(&[tag, u8::try_from(bytes.len()).ok()?])?;
        self.push(bytes)
    }

    fn write(&mut self, object: &Bound<'_, PyAny>, depth: u8) -> Option<()> {
        if let Ok(int) = object.cast_exact::<PyInt>() {
            let value: i64 = int.extract().ok()?;
            return match i8::try_from(value) {
                Ok(value) => self.push(&[b'b', value as u8]),
                Err(_) => {
                    self.push(b"i")?;
                    self.push(&value.to_le_bytes())
                }
            };
        }
        if let Ok(text) = object.cast_exact::<PyString>() {
            // Not so with lone surrogates.
            return self.push_counted(b's', text.to_str().ok()?.as_bytes());
        }
        if let Ok(float) = object.cast_exact::<PyFloat>() {
            self.push(b"f")?;
            return self.push(&float.value().to_le_bytes());
        }
        if let Ok(tuple) = object.cast_exact::<PyTuple>() {
            if depth == DEEPEST {
                return None;
            }
            self.push(&[b't', u8::try_from(tuple.len()).ok()?])?;
            return tuple
                .iter_borrowed()
                .try_for_each(|value| self.write(&value, depth + 1).ok_or(()))
                .ok();
        }
        if let Ok(bytes) = object.cast_exact::<PyBytes>() {
            return self.push_counted(b'y', bytes.as_bytes());
        }
        if object.is_none() {
            return self.push(b"N");
        }
        let truth = object.cast_exact::<PyBool>().ok()?;
        self.push(if truth.is_true() { b"T" } else { b"F" })
    }
}

/// The object that was written so. `None`: another program has put it, and it is none.
pub(crate) fn read<'py>(py: Python<'py>, mut bytes: &[u8]) -> Option<PyResult<Bound<'py, PyAny>>> {
    let mut reader = Reader {
        py,
        rest: &mut bytes,
        depth: 0,
    };
    let value = reader.value();
    match reader.rest.is_empty() {
        true => value,
        false => None,
    }
}

struct Reader<'a, 'b, 'py> {
    py: Python<'py>,
    rest: &'a mut &'b [u8],
    depth: u8,
}

impl<'b, 'py> Reader<'_, 'b, 'py> {
    #[inline]
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        *self.rest = rest;
        Some(*taken)
    }

    fn counted(&mut self) -> Option<&'b [u8]> {
        let [length] = self.take()?;
        let (taken, rest) = self.rest.split_at_checked(length.into())?;
        *self.rest = rest;
        Some(taken)
    }

    /// `None`: it is broken.
    fn value(&mut self) -> Option<PyResult<Bound<'py, PyAny>>> {
        let py = self.py;
        let [tag] = self.take()?;
        Some(Ok(match tag {
            b'N' => py.None().into_bound(py),
            b'T' => PyBool::new(py, true).to_owned().into_any(),
            b'F' => PyBool::new(py, false).to_owned().into_any(),
            b'b' => PyInt::new(py, i8::from_le_bytes(self.take()?)).into_any(),
            b'i' => PyInt::new(py, i64::from_le_bytes(self.take()?)).into_any(),
            b'f' => PyFloat::new(py, f64::from_le_bytes(self.take()?)).into_any(),
            b's' => PyString::new(py, str::from_utf8(self.counted()?).ok()?).into_any(),
            b'y' => PyBytes::new(py, self.counted()?).into_any(),
            b't' if self.depth < DEEPEST => {
                let [count] = self.take()?;
                self.depth += 1;
                let mut values = Values {
                    reader: self,
                    left: count.into(),
                    failed: None,
                };
                let tuple = PyTuple::new(py, &mut values);
                let failed = values.failed;
                self.depth -= 1;
                match failed {
                    Some(failed) => return failed,
                    None => return Some(tuple.map(Bound::into_any)),
                }
            }
            _ => return None,
        }))
    }
}

/// The values of a tuple. After a failure it goes on with anything, since it has promised how many there are.
struct Values<'a, 'r, 'b, 'py> {
    reader: &'a mut Reader<'r, 'b, 'py>,
    left: usize,
    failed: Option<Option<PyResult<Bound<'py, PyAny>>>>,
}

impl<'py> Iterator for Values<'_, '_, '_, 'py> {
    type Item = Bound<'py, PyAny>;

    fn next(&mut self) -> Option<Bound<'py, PyAny>> {
        self.left = self.left.checked_sub(1)?;
        if self.failed.is_none() {
            match self.reader.value() {
                Some(Ok(value)) => return Some(value),
                failed => self.failed = Some(failed),
            }
        }
        Some(self.reader.py.None().into_bound(self.reader.py))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Values<'_, '_, '_, '_> {}
