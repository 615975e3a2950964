//! `crossbeam-channel`: an array of slots with stamps, as its `ArrayQueue`, and a list of waiting threads under a mutex.

use ::crossbeam_channel as library;
use library::TrySendError;

use crate::About;
use crate::channels::{self, Channel, Threads};

/// The peer.
pub type Crossbeam = Threads<Bounded>;

/// Its bounded channel.
pub struct Bounded;

impl Channel for Bounded {
    const ABOUT: About = About {
        name: "crossbeam-channel",
        version: env!("VERSION_CROSSBEAM_CHANNEL"),
        claims_before_writing: true,
        note: "payloads above 1 KiB are boxed, and the boxes go back by a second channel",
        ..channels::ABOUT
    };
    type Tx<T: Send + 'static> = library::Sender<T>;
    type Rx<T: Send + 'static> = library::Receiver<T>;

    fn bounded<T: Send + 'static>(depth: usize) -> (Self::Tx<T>, Self::Rx<T>) {
        library::bounded(depth)
    }

    #[inline]
    fn is_full<T: Send + 'static>(tx: &Self::Tx<T>) -> bool {
        tx.is_full()
    }

    #[inline]
    fn try_send<T: Send + 'static>(tx: &Self::Tx<T>, item: T) -> Result<(), T> {
        tx.try_send(item).map_err(TrySendError::into_inner)
    }

    #[inline]
    fn send<T: Send + 'static>(tx: &Self::Tx<T>, item: T) {
        assert!(tx.send(item).is_ok(), "the receivers are gone");
    }

    #[inline]
    fn try_receive<T: Send + 'static>(rx: &Self::Rx<T>) -> Option<T> {
        rx.try_recv().ok()
    }

    #[inline]
    fn receive<T: Send + 'static>(rx: &Self::Rx<T>) -> T {
        rx.recv().expect("the senders are there")
    }
}
