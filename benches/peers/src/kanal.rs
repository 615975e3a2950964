//! `kanal`: a `VecDeque` under a lock that spins; a receiver that waits is written to directly.

use ::kanal as library;

use crate::About;
use crate::channels::{self, Channel, Threads};

/// The peer.
pub type Kanal = Threads<Bounded>;

/// Its bounded channel.
pub struct Bounded;

impl Channel for Bounded {
    const ABOUT: About = About {
        name: "kanal",
        version: env!("VERSION_KANAL"),
        locks: true,
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
        // Its `try_send` drops what it cannot send.
        let mut item = Some(item);
        tx.try_send_option(&mut item)
            .expect("the receivers are there");
        item.map_or(Ok(()), Err)
    }

    #[inline]
    fn send<T: Send + 'static>(tx: &Self::Tx<T>, item: T) {
        tx.send(item).expect("the receivers are there");
    }

    #[inline]
    fn try_receive<T: Send + 'static>(rx: &Self::Rx<T>) -> Option<T> {
        rx.try_recv().expect("the senders are there")
    }

    #[inline]
    fn receive<T: Send + 'static>(rx: &Self::Rx<T>) -> T {
        rx.recv().expect("the senders are there")
    }
}
