//! `shaq`: items of one type in a shared file, reserved and then published in the order of the reservations.

use std::fs::File;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ::shaq::mpmc::{Consumer, Producer, RawReadBatch, minimum_file_size};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::waiting::until;
use crate::{About, Peer, Place, Receiver, Sender, Spec, Unfit};

const ONE: NonZeroUsize = NonZeroUsize::MIN;

/// The peer.
pub struct Shaq;

/// The file, which each worker maps for itself.
pub struct Setup {
    file: Arc<File>,
    payload: usize,
}

/// The type of the items is that of the payloads of a run.
macro_rules! types {
    ($d:tt $($name:ident $length:literal),*) => {
        /// The end that sends.
        pub enum Tx { $(#[doc = "This many bytes."] $name(Producer<[u8; $length]>)),* }
        /// The end that receives.
        pub enum Rx { $(#[doc = "This many bytes."] $name(Consumer<[u8; $length]>)),* }

        fn create(file: &File, spec: &Spec) -> Result<(), Unfit> {
            match spec.payload {
                $($length => {
                    let bytes = minimum_file_size::<[u8; $length]>(spec.depth);
                    // SAFETY: the file is new and nobody else has it; bytes mean the same everywhere.
                    let made = unsafe { Producer::<[u8; $length]>::create(file, bytes) };
                    made.map(drop).map_err(unfit)
                })*
                other => Err(Unfit(format!("its items have one type, and none of {other} bytes was built"))),
            }
        }

        fn join_sender(setup: &Setup) -> Result<Tx, Unfit> {
            match setup.payload {
                $($length => {
                    // SAFETY: the payload's length is what the file was made with; bytes mean the same everywhere.
                    let joined = unsafe { Producer::join(&setup.file) };
                    joined.map(Tx::$name).map_err(unfit)
                })*
                _ => unreachable!("refused when it was set up"),
            }
        }

        fn join_receiver(setup: &Setup) -> Result<Rx, Unfit> {
            match setup.payload {
                $($length => {
                    // SAFETY: as for the senders.
                    let joined = unsafe { Consumer::join(&setup.file) };
                    joined.map(Rx::$name).map_err(unfit)
                })*
                _ => unreachable!("refused when it was set up"),
            }
        }

        /// Does the same at an end of whichever type.
        macro_rules! with {
            ($d kind:ident, $d end:expr, $d item:ident => $d body:expr) => {
                match $d end { $($d kind::$name($d item) => $d body),* }
            };
        }
    };
}

types!($ Word 8, Cache 64, Kilo 1024, Page 4096, Long 65_536, Mega 1_048_576);

fn unfit(error: ::shaq::error::Error) -> Unfit {
    Unfit(format!("shaq: {error}"))
}

impl Peer for Shaq {
    const ABOUT: About = About {
        name: "shaq",
        version: env!("VERSION_SHAQ"),
        place: Place::Processes,
        many_to_many: true,
        polls: true,
        blocks: true,
        in_place: true,
        batches: true,
        claims_before_writing: true,
        locks: false,
        longest: None,
        note: "its senders cannot sleep: one that finds the queue full tries again and yields",
    };
    type Setup = Setup;
    type Sender = Tx;
    type Receiver = Rx;

    fn set_up(spec: &Spec) -> Result<Setup, Unfit> {
        let file = memfd_create("ringpost-shaq", MemfdFlags::CLOEXEC)
            .map_err(|error| Unfit(format!("memfd_create: {error}")))?;
        let file = File::from(file);
        create(&file, spec)?;
        Ok(Setup {
            file: Arc::new(file),
            payload: spec.payload,
        })
    }

    fn sender(setup: &Setup, _index: usize) -> Result<Tx, Unfit> {
        join_sender(setup)
    }

    fn receiver(setup: &Setup, _index: usize) -> Result<Rx, Unfit> {
        join_receiver(setup)
    }
}

/// Reserves a slot and fills it where it is.
#[inline(always)]
fn put<const N: usize>(
    producer: &Producer<[u8; N]>,
    length: usize,
    mut fill: impl FnMut(&mut [u8]),
) -> bool {
    assert_eq!(length, N, "the items of this peer have one length");
    // SAFETY: the slot holds bytes, of which any are valid, before the guard is dropped.
    let Some(mut slot) = (unsafe { producer.try_reserve_write() }) else {
        return false;
    };
    // SAFETY: any bytes are a valid array, and the memory of a memfd was zeroed at first.
    fill(unsafe { slot.as_mut().assume_init_mut() });
    true
}

/// Reads the items where they are. They are released together.
#[inline(always)]
fn each<const N: usize>(batch: RawReadBatch<'_, [u8; N]>, mut read: impl FnMut(&[u8])) -> usize {
    for index in 0..batch.len() {
        // SAFETY: below the length.
        read(unsafe { batch.get_unchecked(index) });
    }
    batch.len()
}

/// Reserves some items to be read, waiting for the first.
#[inline(always)]
fn take<const N: usize>(
    consumer: &Consumer<[u8; N]>,
    most: NonZeroUsize,
) -> RawReadBatch<'_, [u8; N]> {
    // SAFETY: bytes need neither be moved out nor dropped.
    let batch = unsafe { consumer.reserve_read_batch_raw_timeout(most, Duration::MAX) };
    batch.expect("a wait without an end")
}

impl Sender for Tx {
    #[inline]
    fn try_send(&mut self, payload: &[u8]) -> bool {
        self.send_in_place(payload.len(), |slot| slot.copy_from_slice(payload))
    }

    #[inline]
    fn send(&mut self, payload: &[u8]) {
        until(|| self.try_send(payload));
    }

    #[inline]
    fn send_in_place(&mut self, length: usize, fill: impl FnMut(&mut [u8])) -> bool {
        with!(Tx, self, producer => put(producer, length, fill))
    }

    #[inline]
    fn send_many(&mut self, payloads: &[&[u8]]) {
        let Some(count) = NonZeroUsize::new(payloads.len()) else {
            return;
        };
        with!(Tx, self, producer => until(|| {
            // SAFETY: all slots hold bytes, of which any are valid, before the batch is dropped.
            let Some(mut batch) = (unsafe { producer.try_reserve_write_batch(count) }) else {
                return false;
            };
            for (index, payload) in payloads.iter().enumerate() {
                // SAFETY: the batch is as long as the payloads are many.
                let slot = unsafe { batch.as_mut(index) };
                // SAFETY: any bytes are a valid array.
                unsafe { slot.assume_init_mut() }.copy_from_slice(payload);
            }
            true
        }));
    }
}

impl Receiver for Rx {
    #[inline]
    fn try_receive(&mut self, read: impl FnMut(&[u8])) -> bool {
        with!(Rx, self, consumer => {
            // SAFETY: bytes need neither be moved out nor dropped.
            match unsafe { consumer.try_reserve_read_batch_raw(ONE) } {
                Some(item) => {
                    each(item, read);
                    true
                }
                None => false,
            }
        })
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        let mut length = 0;
        with!(Rx, self, consumer => each(take(consumer, ONE), |payload| {
            length = payload.len();
            buffer[..length].copy_from_slice(payload);
        }));
        length
    }

    #[inline]
    fn receive_many(&mut self, most: usize, _buffer: &mut [u8], read: impl FnMut(&[u8])) -> usize {
        let most = NonZeroUsize::new(most).unwrap_or(ONE);
        with!(Rx, self, consumer => each(take(consumer, most), read))
    }
}
