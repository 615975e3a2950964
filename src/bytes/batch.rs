//! Several items at once.

use super::BytesQueue;
use crate::blocking::Patience;
use crate::error::{GetError, PutError, PutManyError};
use crate::ring::Claim;
use std::time::Instant;

impl BytesQueue {
    /// Puts all items in their order, each as one item of the queue; waits while there is no room. Faster than one by one.
    ///
    /// Items of other producers may come in between.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put), with the number of items that were put before.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put_many(&["one", "two", "three"])?;
    /// assert_eq!(queue.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_many<T: AsRef<[u8]>>(&self, items: &[T]) -> Result<(), PutManyError> {
        self.put_many_patiently(items, Patience::FOREVER)
    }

    /// [`put_many`](Self::put_many) without waiting: puts as many as there is room for now, and says how many that were.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put), if not even the first could be put; [`PutError::Full`] if there is no room at all.
    ///
    /// ```
    /// let queue = ringpost::Options::new().capacity(2).anonymous()?;
    /// assert_eq!(queue.try_put_many(&["one", "two", "three"])?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_put_many<T: AsRef<[u8]>>(&self, items: &[T]) -> Result<usize, PutError> {
        let mut done = 0;
        while done < items.len() {
            done += self.put_run(&items[done..]);
            if let Some(item) = items.get(done) {
                match self.put_once(item.as_ref()) {
                    Ok(()) => done += 1,
                    Err(stop) if done == 0 => return self.at_once(Err(stop)),
                    Err(_) => return Ok(done),
                }
            }
        }
        Ok(done)
    }

    /// [`put_many`](Self::put_many), waiting until `deadline` or until `interrupted` says so.
    ///
    /// # Errors
    ///
    /// As `put_many`, and [`PutError::TimedOut`] or [`PutError::Interrupted`], with the number of items that were put.
    ///
    /// ```
    /// let queue = ringpost::Options::new().capacity(1).anonymous()?;
    /// let error = queue.put_many_interruptible(&["one", "two"], None, || true).unwrap_err();
    /// assert_eq!(error.done, 1);
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn put_many_interruptible<T: AsRef<[u8]>>(
        &self,
        items: &[T],
        deadline: Option<Instant>,
        mut interrupted: impl FnMut() -> bool,
    ) -> Result<(), PutManyError> {
        let patience = Patience {
            deadline,
            interrupted: Some(&mut interrupted),
        };
        self.put_many_patiently(items, patience)
    }

    fn put_many_patiently<T: AsRef<[u8]>>(
        &self,
        items: &[T],
        mut patience: Patience<'_>,
    ) -> Result<(), PutManyError> {
        let mut done = 0;
        while done < items.len() {
            done += self.put_run(&items[done..]);
            if let Some(item) = items.get(done) {
                self.patiently(patience.again(), || self.put_once(item.as_ref()))
                    .map_err(|error| PutManyError { done, error })?;
                done += 1;
            }
        }
        Ok(())
    }

    /// Puts the first of these, as many as go the straight way.
    #[inline(always)]
    fn put_run<T: AsRef<[u8]>>(&self, items: &[T]) -> usize {
        match self.shared.me() {
            Ok(me) => self.shared.put_run(me, items.iter().map(T::as_ref)),
            Err(_) => 0,
        }
    }

    /// Gets up to `max` items in their order: waits for the first, then takes what is there, but never more than may be in
    /// flight. With `max` 0 it returns at once.
    ///
    /// If this process dies before all have been copied out, all of them are delivered to other consumers.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), if there is not even a first.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put_many(&["one", "two"])?;
    /// assert_eq!(queue.get_many(10)?, [b"one", b"two"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_many(&self, max: usize) -> Result<Vec<Vec<u8>>, GetError> {
        self.many(max, Some(Patience::FOREVER))
    }

    /// [`get_many`](Self::get_many) without waiting.
    ///
    /// # Errors
    ///
    /// As `get_many`, and [`GetError::Empty`] if there is nothing now.
    ///
    /// ```
    /// assert!(ringpost::Options::new().anonymous()?.try_get_many(10).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn try_get_many(&self, max: usize) -> Result<Vec<Vec<u8>>, GetError> {
        self.many(max, None)
    }

    /// [`get_many`](Self::get_many), waiting for the first until `deadline` or until `interrupted` says so.
    ///
    /// # Errors
    ///
    /// As `get_many`, and [`GetError::TimedOut`] or [`GetError::Interrupted`].
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// assert!(queue.get_many_interruptible(10, None, || true).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn get_many_interruptible(
        &self,
        max: usize,
        deadline: Option<Instant>,
        mut interrupted: impl FnMut() -> bool,
    ) -> Result<Vec<Vec<u8>>, GetError> {
        let patience = Patience {
            deadline,
            interrupted: Some(&mut interrupted),
        };
        self.many(max, Some(patience))
    }

    /// [`get_many`](Self::get_many) into buffers that are used again: the first elements of `out` are replaced by the items,
    /// and it says how many. `out` grows as needed and never shrinks.
    ///
    /// # Errors
    ///
    /// As `get_many`; `out` is unchanged then.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put_many(&["one", "two"])?;
    /// let mut buffers = Vec::new();
    /// let got = queue.get_many_into(&mut buffers, 10)?;
    /// assert_eq!(buffers[..got], [b"one", b"two"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_many_into(&self, out: &mut Vec<Vec<u8>>, max: usize) -> Result<usize, GetError> {
        self.many_into(out, max, Some(Patience::FOREVER))
    }

    /// [`get_many_into`](Self::get_many_into) without waiting.
    ///
    /// # Errors
    ///
    /// As `get_many_into`, and [`GetError::Empty`] if there is nothing now.
    ///
    /// ```
    /// assert!(ringpost::Options::new().anonymous()?.try_get_many_into(&mut Vec::new(), 10).is_err());
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn try_get_many_into(&self, out: &mut Vec<Vec<u8>>, max: usize) -> Result<usize, GetError> {
        self.many_into(out, max, None)
    }

    fn many(&self, max: usize, patience: Option<Patience<'_>>) -> Result<Vec<Vec<u8>>, GetError> {
        let mut items = Vec::new();
        self.many_into(&mut items, max, patience)?;
        Ok(items)
    }

    /// Gets a first item, waiting as `patience` has it (`None`: not at all), then what is there.
    ///
    /// All are released at the end: if this process dies before, all are delivered again.
    fn many_into(
        &self,
        out: &mut Vec<Vec<u8>>,
        max: usize,
        patience: Option<Patience<'_>>,
    ) -> Result<usize, GetError> {
        if max == 0 {
            return Ok(0);
        }
        // More would leave the producers without descriptors.
        let geometry = &self.shared.segment.geometry;
        let max = max.min((geometry.descriptors - geometry.slots) as usize);
        let mut batch = Batch {
            queue: self,
            claims: Vec::new(),
            out,
        };
        batch.take(match patience {
            Some(patience) => {
                let claim = || self.claim_once();
                let shared = &self.shared;
                shared.block(patience, claim, |claimed| claimed.map_err(GetError::from))?
            }
            None => self.looking(self.claim_once())?,
        });
        // Whatever ends the batch, what was got is delivered. An item that is damaged was set aside.
        while let more @ 1.. = max - batch.claims.len()
            && let Ok(me) = self.shared.me()
        {
            if self.shared.claim_run(me, more, |claim| batch.take(claim)) < more {
                // Perhaps there is something to be delivered again, or a position to be passed over.
                match self.shared.claim(me) {
                    Ok(claim) => batch.take(claim),
                    Err(_) => break,
                }
            }
        }
        Ok(batch.claims.len())
    }
}

/// Items that are copied out one by one and released together.
struct Batch<'a> {
    queue: &'a BytesQueue,
    claims: Vec<Claim>,
    out: &'a mut Vec<Vec<u8>>,
}

impl Batch<'_> {
    #[inline(always)]
    fn take(&mut self, claim: Claim) {
        let at = self.claims.len();
        self.claims.push(claim);
        if at == self.out.len() {
            self.out.push(Vec::new());
        }
        self.queue.shared.copy_out(claim, &mut self.out[at]);
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.queue.shared.ring.release_all(&self.claims);
        self.queue.shared.got();
    }
}
