//! A queue of values: serde and postcard, straight into the loan and straight out of the message.

use crate::bytes::{BytesQueue, Lease, Message, WriteLoan};
use crate::error::{GetError, PutError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

/// A [`BytesQueue`] whose payloads are values of `T`, encoded as [postcard](postcard).
///
/// Encoding writes into the segment itself; there is no buffer in between. What a process puts as one type and another
/// gets as a second one is an error of the get at best: postcard does not write down types.
///
/// ```
/// use ringpost::{Options, Queue};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Debug, PartialEq)]
/// struct Job {
///     id: u64,
///     path: String,
/// }
///
/// let queue = Queue::<Job>::from(Options::new().anonymous()?);
/// queue.put(&Job { id: 1, path: "/tmp/a".into() })?;
/// assert_eq!(queue.get()?.id, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Queue<T> {
    bytes: BytesQueue,
    values: PhantomData<fn(T) -> T>,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Queue::from(self.bytes.clone())
    }
}

impl<T> From<BytesQueue> for Queue<T> {
    /// The same queue, its payloads taken for values of `T`.
    fn from(bytes: BytesQueue) -> Self {
        Queue {
            bytes,
            values: PhantomData,
        }
    }
}

impl<T> Queue<T> {
    /// The queue of bytes beneath: for everything that does not depend on the type.
    ///
    /// ```
    /// let queue = ringpost::Queue::<u64>::from(ringpost::Options::new().anonymous()?);
    /// assert!(queue.as_bytes().is_empty());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    #[must_use]
    pub fn as_bytes(&self) -> &BytesQueue {
        &self.bytes
    }

    /// Gets the next item where it lies, to be decoded by [`Message::decode`], which may borrow from it; waits while there
    /// is none.
    ///
    /// # Errors
    ///
    /// As [`BytesQueue::get_ref`].
    ///
    /// ```
    /// let queue = ringpost::Queue::<String>::from(ringpost::Options::new().anonymous()?);
    /// queue.put(&"hello".to_owned())?;
    /// assert_eq!(queue.get_ref()?.decode::<&str>()?, "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_ref(&self) -> Result<Message, GetError> {
        self.bytes.get_ref()
    }

    /// Leases the next item, to be decoded by [`Lease::decode`]; waits while there is none.
    ///
    /// # Errors
    ///
    /// As [`BytesQueue::lease`].
    ///
    /// ```
    /// let queue = ringpost::Queue::<String>::from(ringpost::Options::new().anonymous()?);
    /// queue.put(&"resize".to_owned())?;
    /// let job = queue.lease()?;
    /// assert_eq!(job.decode::<&str>()?, "resize");
    /// job.ack()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lease(&self) -> Result<Lease, GetError> {
        self.bytes.lease()
    }
}

impl<T: Serialize> Queue<T> {
    /// Puts a value; waits while there is no room.
    ///
    /// # Errors
    ///
    /// As [`BytesQueue::put`], and [`PutError::Encode`] if the value cannot be serialized.
    ///
    /// ```
    /// let queue = ringpost::Queue::<u64>::from(ringpost::Options::new().anonymous()?);
    /// queue.put(&7)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put(&self, value: &T) -> Result<(), PutError> {
        self.encode(value, |len| self.bytes.loan(len))?.commit()
    }

    /// [`put`](Self::put) without waiting.
    ///
    /// # Errors
    ///
    /// As `put`, and [`PutError::Full`] if there is no room now.
    ///
    /// ```
    /// let queue = ringpost::Queue::<u64>::from(ringpost::Options::new().capacity(1).anonymous()?);
    /// queue.try_put(&7)?;
    /// assert!(queue.try_put(&8).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_put(&self, value: &T) -> Result<(), PutError> {
        let loan = self.encode(value, |len| self.bytes.try_loan(len))?;
        loan.try_commit().map_err(|(_, error)| error)
    }

    /// [`put`](Self::put), waiting for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As `put`, and [`PutError::TimedOut`].
    ///
    /// ```
    /// let queue = ringpost::Queue::<u64>::from(ringpost::Options::new().anonymous()?);
    /// queue.put_timeout(&7, std::time::Duration::from_secs(1))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_timeout(&self, value: &T, timeout: Duration) -> Result<(), PutError> {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.put_deadline(value, deadline),
            None => self.put(value),
        }
    }

    /// [`put`](Self::put), waiting until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As `put`, and [`PutError::TimedOut`].
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// let queue = ringpost::Queue::<u64>::from(ringpost::Options::new().anonymous()?);
    /// queue.put_deadline(&7, Instant::now() + Duration::from_secs(1))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_deadline(&self, value: &T, deadline: Instant) -> Result<(), PutError> {
        self.encode(value, |len| self.bytes.loan_deadline(len, deadline))?
            .commit_deadline(deadline)
    }

    /// Serializes into a loan: into one of the inline room's size, and if that is too small, into one of just the size.
    fn encode(
        &self,
        value: &T,
        mut loan: impl FnMut(usize) -> Result<WriteLoan, PutError>,
    ) -> Result<WriteLoan, PutError> {
        let mut inline = loan(self.bytes.inline_room())?;
        match postcard::to_slice(value, &mut inline) {
            Ok(encoded) => {
                let len = encoded.len();
                inline.truncate(len);
                return Ok(inline);
            }
            Err(postcard::Error::SerializeBufferFull) => drop(inline),
            Err(error) => return Err(PutError::Encode(error)),
        }
        let len = postcard::experimental::serialized_size(value).map_err(PutError::Encode)?;
        let mut exact = loan(len)?;
        let encoded = postcard::to_slice(value, &mut exact)
            .map_err(PutError::Encode)?
            .len();
        exact.truncate(encoded);
        Ok(exact)
    }
}

impl<T: DeserializeOwned> Queue<T> {
    /// Gets the oldest value; waits while there is none.
    ///
    /// # Errors
    ///
    /// As [`BytesQueue::get`], and [`GetError::Decode`], with the payload, if it is no `T`.
    ///
    /// ```
    /// use ringpost::{GetError, Options, Queue};
    /// let queue = Queue::<String>::from(Options::new().anonymous()?);
    /// queue.as_bytes().put(&[200])?;
    /// assert!(matches!(queue.get(), Err(GetError::Decode { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(&self) -> Result<T, GetError> {
        Self::decode(&self.bytes.get_ref()?)
    }

    /// [`get`](Self::get) without waiting.
    ///
    /// # Errors
    ///
    /// As `get`, and [`GetError::Empty`] if there is nothing now.
    ///
    /// ```
    /// let queue = ringpost::Queue::<u64>::from(ringpost::Options::new().anonymous()?);
    /// assert!(queue.try_get().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_get(&self) -> Result<T, GetError> {
        Self::decode(&self.bytes.try_get_ref()?)
    }

    /// [`get`](Self::get), waiting for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As `get`, and [`GetError::TimedOut`].
    ///
    /// ```
    /// let queue = ringpost::Queue::<u64>::from(ringpost::Options::new().anonymous()?);
    /// assert!(queue.get_timeout(std::time::Duration::ZERO).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, GetError> {
        Self::decode(&self.bytes.get_ref_timeout(timeout)?)
    }

    /// [`get`](Self::get), waiting until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As `get`, and [`GetError::TimedOut`].
    ///
    /// ```
    /// let queue = ringpost::Queue::<u64>::from(ringpost::Options::new().anonymous()?);
    /// assert!(queue.get_deadline(std::time::Instant::now()).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_deadline(&self, deadline: Instant) -> Result<T, GetError> {
        Self::decode(&self.bytes.get_ref_deadline(deadline)?)
    }

    fn decode(message: &Message) -> Result<T, GetError> {
        postcard::from_bytes(message).map_err(|source| GetError::Decode {
            expected: std::any::type_name::<T>(),
            payload: message.to_vec(),
            source,
        })
    }
}
