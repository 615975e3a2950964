//! Channels between threads, behind one shell: what differs is a handful of calls of each library.
//!
//! Payloads of 8, 64 and 1024 bytes are items by value, as a user would declare them. Longer ones are boxed, so that what
//! moves is a pointer; the boxes go back to the senders through a second channel of the same library, so that the allocator
//! is not measured.

use std::marker::PhantomData;

use crate::{About, Peer, Receiver, Sender, Spec, Unfit};

/// A library's bounded channel.
pub trait Channel: 'static {
    /// What it is.
    const ABOUT: About;
    /// Its sending end.
    type Tx<T: Send + 'static>: Clone + Send + Sync;
    /// Its receiving end.
    type Rx<T: Send + 'static>: Clone + Send + Sync;

    /// A channel for so many items.
    fn bounded<T: Send + 'static>(depth: usize) -> (Self::Tx<T>, Self::Rx<T>);
    /// Whether it is full at the moment.
    fn is_full<T: Send + 'static>(tx: &Self::Tx<T>) -> bool;
    /// Sends, or gives the item back if the channel is full.
    fn try_send<T: Send + 'static>(tx: &Self::Tx<T>, item: T) -> Result<(), T>;
    /// Sends, and waits for room.
    fn send<T: Send + 'static>(tx: &Self::Tx<T>, item: T);
    /// The next item, if there is one.
    fn try_receive<T: Send + 'static>(rx: &Self::Rx<T>) -> Option<T>;
    /// Waits for the next item.
    fn receive<T: Send + 'static>(rx: &Self::Rx<T>) -> T;
}

/// What is sent.
trait Item: Send + AsRef<[u8]> + AsMut<[u8]> + 'static {
    /// It is an allocation, and goes back to the senders.
    const BOXED: bool;
    fn blank(length: usize) -> Self;
}

impl<const N: usize> Item for [u8; N] {
    const BOXED: bool = false;
    fn blank(length: usize) -> Self {
        debug_assert_eq!(length, N);
        [0; N]
    }
}

impl Item for Box<[u8]> {
    const BOXED: bool = true;
    fn blank(length: usize) -> Self {
        vec![0; length].into_boxed_slice()
    }
}

/// Both ends of a channel for one kind of item, and of the channel by which boxes go back.
struct Line<C: Channel, T: Item> {
    tx: C::Tx<T>,
    rx: C::Rx<T>,
    used: Option<(C::Tx<T>, C::Rx<T>)>,
    length: usize,
    /// A box that was refused and will be used again; one at most.
    blank: Vec<T>,
}

impl<C: Channel, T: Item> Line<C, T> {
    fn new(spec: &Spec) -> Self {
        let (tx, rx) = C::bounded(spec.depth);
        let boxes = spec.depth + spec.senders + spec.receivers;
        Line {
            tx,
            rx,
            used: T::BOXED.then(|| C::bounded(boxes)),
            length: spec.payload,
            blank: Vec::new(),
        }
    }

    fn share(&self) -> Self {
        Line {
            tx: self.tx.clone(),
            rx: self.rx.clone(),
            used: self.used.clone(),
            length: self.length,
            blank: Vec::new(),
        }
    }

    #[inline(always)]
    fn blank(&mut self) -> T {
        if let Some((_, used)) = &self.used
            && let Some(item) = self.blank.pop().or_else(|| C::try_receive(used))
        {
            return item;
        }
        T::blank(self.length)
    }

    #[inline(always)]
    fn try_fill(&mut self, mut fill: impl FnMut(&mut [u8])) -> bool {
        // A long payload is not written for nothing.
        if T::BOXED && C::is_full(&self.tx) {
            return false;
        }
        let mut item = self.blank();
        fill(item.as_mut());
        match C::try_send(&self.tx, item) {
            Ok(()) => true,
            Err(item) => {
                if T::BOXED {
                    self.blank.push(item);
                }
                false
            }
        }
    }

    #[inline(always)]
    fn send(&mut self, payload: &[u8]) {
        let mut item = self.blank();
        item.as_mut().copy_from_slice(payload);
        C::send(&self.tx, item);
    }

    #[inline(always)]
    fn read(&self, item: T, mut read: impl FnMut(&[u8])) {
        read(item.as_ref());
        if let Some((used, _)) = &self.used {
            // If there is no room, it is one box too many.
            let _ = C::try_send(used, item);
        }
    }

    #[inline(always)]
    fn try_receive(&self, read: impl FnMut(&[u8])) -> bool {
        match C::try_receive(&self.rx) {
            Some(item) => {
                self.read(item, read);
                true
            }
            None => false,
        }
    }

    #[inline(always)]
    fn receive(&self, buffer: &mut [u8]) -> usize {
        let item = C::receive(&self.rx);
        self.read(item, |payload| {
            buffer[..payload.len()].copy_from_slice(payload);
        });
        self.length
    }
}

/// A line for the length of the payloads.
enum Lines<C: Channel> {
    Word(Line<C, [u8; 8]>),
    Cache(Line<C, [u8; 64]>),
    Kilo(Line<C, [u8; 1024]>),
    Long(Line<C, Box<[u8]>>),
}

/// Does the same with whichever line it is.
macro_rules! with {
    ($lines:expr, $line:ident => $body:expr) => {
        match $lines {
            Lines::Word($line) => $body,
            Lines::Cache($line) => $body,
            Lines::Kilo($line) => $body,
            Lines::Long($line) => $body,
        }
    };
}

impl<C: Channel> Lines<C> {
    fn share(&self) -> Self {
        match self {
            Lines::Word(line) => Lines::Word(line.share()),
            Lines::Cache(line) => Lines::Cache(line.share()),
            Lines::Kilo(line) => Lines::Kilo(line.share()),
            Lines::Long(line) => Lines::Long(line.share()),
        }
    }
}

/// The peer that a channel makes.
pub struct Threads<C>(PhantomData<C>);

/// What the threads share, and each end: all are clones of the library's handles.
pub struct Shared<C: Channel>(Lines<C>);

impl<C: Channel> Peer for Threads<C>
where
    Shared<C>: Sync,
{
    const ABOUT: About = C::ABOUT;
    type Setup = Shared<C>;
    type Sender = Shared<C>;
    type Receiver = Shared<C>;

    fn set_up(spec: &Spec) -> Result<Shared<C>, Unfit> {
        Ok(Shared(match spec.payload {
            8 => Lines::Word(Line::new(spec)),
            64 => Lines::Cache(Line::new(spec)),
            1024 => Lines::Kilo(Line::new(spec)),
            _ => Lines::Long(Line::new(spec)),
        }))
    }

    fn sender(setup: &Shared<C>, _index: usize) -> Result<Shared<C>, Unfit> {
        Ok(Shared(setup.0.share()))
    }

    fn receiver(setup: &Shared<C>, _index: usize) -> Result<Shared<C>, Unfit> {
        Ok(Shared(setup.0.share()))
    }
}

impl<C: Channel> Sender for Shared<C> {
    #[inline]
    fn try_send(&mut self, payload: &[u8]) -> bool {
        with!(&mut self.0, line => line.try_fill(|item| item.copy_from_slice(payload)))
    }

    #[inline]
    fn send(&mut self, payload: &[u8]) {
        with!(&mut self.0, line => line.send(payload));
    }

    #[inline]
    fn send_in_place(&mut self, length: usize, fill: impl FnMut(&mut [u8])) -> bool {
        with!(&mut self.0, line => {
            assert_eq!(length, line.length, "the items of this peer have one length");
            line.try_fill(fill)
        })
    }
}

impl<C: Channel> Receiver for Shared<C> {
    #[inline]
    fn try_receive(&mut self, read: impl FnMut(&[u8])) -> bool {
        with!(&self.0, line => line.try_receive(read))
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        with!(&self.0, line => line.receive(buffer))
    }
}

/// What all channels between threads have in common; each names what is its own.
pub(crate) const ABOUT: About = About {
    name: "",
    version: "",
    place: crate::Place::Threads,
    many_to_many: true,
    polls: true,
    blocks: true,
    in_place: true,
    batches: false,
    claims_before_writing: false,
    locks: false,
    longest: None,
    note: "",
};
