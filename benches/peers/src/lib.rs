//! Adapters: every queue that the suite measures, behind one trait, so that each does exactly the same work.
//!
//! A run goes like this. The controller calls [`Peer::set_up`] once. Then it starts the workers: threads of its own process
//! for [`Place::Threads`], forked processes for [`Place::Processes`]. Each worker opens its end by [`Peer::sender`] or
//! [`Peer::receiver`] out of what was set up, which it shares (a thread) or has inherited (a process), and from then on only
//! sends or receives. A peer whose library does not survive a fork keeps no more than a name in its `Setup`, and opens
//! everything in the worker.
//!
//! The calls are generic, never dynamic: what is measured is the queue, not a table of functions.

pub mod area;
mod array_queue;
#[cfg(peer_boost)]
mod boost;
#[cfg(any(peer_crossbeam_channel, peer_flume, peer_kanal))]
mod channels;
#[cfg(peer_crossbeam_channel)]
mod crossbeam_channel;
#[cfg(peer_flume)]
mod flume;
#[cfg(peer_iceoryx2)]
mod iceoryx2;
#[cfg(peer_ipc_channel)]
mod ipc_channel;
#[cfg(peer_kanal)]
mod kanal;
mod pipe;
mod posix_mq;
mod records;
mod ringpost;
mod robust_mutex;
#[cfg(peer_shaq)]
mod shaq;
mod sockets;
mod spsc;
mod unix_seqpacket;
mod unix_stream;
pub mod vyukov;
pub mod waiting;
#[cfg(peer_zeromq)]
mod zeromq;

/// Where the two ends of a peer may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Threads of one process: an upper bound for what processes can do.
    Threads,
    /// Processes of one machine.
    Processes,
}

/// What a peer is. The report prints it, and the suite asks it only for what it can do.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// As the figures name it: `crossbeam ArrayQueue`.
    pub name: &'static str,
    /// The version of the library that was built, or the kernel's for what the kernel offers.
    pub version: &'static str,
    /// Threads or processes.
    pub place: Place,
    /// Several senders and several receivers may share a queue.
    pub many_to_many: bool,
    /// It can be polled: [`Sender::try_send`] and [`Receiver::try_receive`] return at once.
    pub polls: bool,
    /// It can sleep until there is something to do: [`Sender::send`] and [`Receiver::receive`].
    pub blocks: bool,
    /// [`Sender::send_in_place`] and [`Receiver::try_receive`] lend the queue's own memory: nothing is copied.
    pub in_place: bool,
    /// [`Sender::send_many`] and [`Receiver::receive_many`] are calls of the library, not loops.
    pub batches: bool,
    /// An operation claims its position before it writes or reads the payload: whoever stops in between stops the others.
    pub claims_before_writing: bool,
    /// A lock is held during an operation: whoever stops or dies with it stops the others.
    pub locks: bool,
    /// The longest payload in bytes, if there is a limit below 1 MiB.
    pub longest: Option<usize>,
    /// What a reader of the report should know, in one sentence; or nothing.
    pub note: &'static str,
}

/// How a worker waits when the queue is full or empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waiting {
    /// Tries again and again (the suite does, by the `try_` calls).
    Spinning,
    /// Calls what blocks, as a user of the library would.
    Blocking,
}

/// What a measurement needs of a queue.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The length of the payloads in bytes. A peer whose items have one type, or that sends them over a stream of bytes,
    /// takes no others.
    pub payload: usize,
    /// How many items fit, where the peer can be told.
    pub depth: usize,
    /// How many workers send.
    pub senders: usize,
    /// How many workers receive.
    pub receivers: usize,
    /// How they wait.
    pub waiting: Waiting,
}

/// Why a peer does not take part in a measurement: a sentence for the report.
#[derive(Debug)]
pub struct Unfit(pub String);

/// A queue of one direction.
pub trait Peer: 'static {
    /// What it is.
    const ABOUT: About;
    /// What the controller makes and the workers share or inherit. Its drop removes everything.
    type Setup: Sync;
    /// The end that sends.
    type Sender: Sender;
    /// The end that receives.
    type Receiver: Receiver;

    /// Makes a queue.
    fn set_up(spec: &Spec) -> Result<Self::Setup, Unfit>;
    /// Opens the end of the `index`-th sender, in its worker.
    fn sender(setup: &Self::Setup, index: usize) -> Result<Self::Sender, Unfit>;
    /// Opens the end of the `index`-th receiver, in its worker.
    fn receiver(setup: &Self::Setup, index: usize) -> Result<Self::Receiver, Unfit>;
}

/// The end of a queue that sends.
pub trait Sender {
    /// Copies the payload into the queue, unless that is full. Never waits. Who was refused and tries again does so with the
    /// same payload: a stream may already have its beginning.
    fn try_send(&mut self, payload: &[u8]) -> bool;

    /// Copies the payload into the queue and waits for room as the library does.
    fn send(&mut self, payload: &[u8]);

    /// `fill` writes the payload of `length` bytes where it stays (or, in a peer that copies, into a buffer of the adapter's).
    /// Never waits: `false` if the queue is full, and then `fill` may have been called or not.
    fn send_in_place(&mut self, length: usize, fill: impl FnMut(&mut [u8])) -> bool;

    /// Sends them all in one call of the library, and waits for room. Without such a call: a loop.
    fn send_many(&mut self, payloads: &[&[u8]]) {
        for payload in payloads {
            self.send(payload);
        }
    }
}

/// The end of a queue that receives.
pub trait Receiver {
    /// `read` gets the payload of the next item, where it lies if the peer lends it. Never waits: `false` if there is none.
    fn try_receive(&mut self, read: impl FnMut(&[u8])) -> bool;

    /// Copies the next item out into `buffer` (which has the length of the longest payload) and returns its length; waits as
    /// the library does.
    fn receive(&mut self, buffer: &mut [u8]) -> usize;

    /// As [`Receiver::receive`], and never waits.
    fn try_receive_copy(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let mut length = None;
        self.try_receive(|payload| {
            buffer[..payload.len()].copy_from_slice(payload);
            length = Some(payload.len());
        });
        length
    }

    /// Receives between one and `most` items in one call of the library; `read` gets each. Waits for the first. Without such
    /// a call: one item.
    fn receive_many(
        &mut self,
        most: usize,
        buffer: &mut [u8],
        mut read: impl FnMut(&[u8]),
    ) -> usize {
        let _ = most;
        let length = self.receive(buffer);
        read(&buffer[..length]);
        1
    }
}

/// Something that is done with each peer: the suite's measurements, and its tests.
pub trait Visitor {
    /// Called once for each peer.
    fn visit<P: Peer>(&mut self);
}

/// Visits every adapter that was built.
pub fn each(visitor: &mut impl Visitor) {
    visitor.visit::<ringpost::Ringpost>();
    visitor.visit::<vyukov::Vyukov>();
    visitor.visit::<spsc::Spsc>();
    visitor.visit::<array_queue::ArrayQueue>();
    #[cfg(peer_crossbeam_channel)]
    visitor.visit::<crossbeam_channel::Crossbeam>();
    #[cfg(peer_kanal)]
    visitor.visit::<kanal::Kanal>();
    #[cfg(peer_flume)]
    visitor.visit::<flume::Flume>();
    #[cfg(peer_iceoryx2)]
    visitor.visit::<iceoryx2::Iceoryx2>();
    #[cfg(peer_shaq)]
    visitor.visit::<shaq::Shaq>();
    #[cfg(peer_boost)]
    visitor.visit::<boost::Boost>();
    visitor.visit::<robust_mutex::RobustMutex>();
    visitor.visit::<posix_mq::PosixMq>();
    visitor.visit::<pipe::Pipe>();
    visitor.visit::<unix_stream::UnixStream>();
    visitor.visit::<unix_seqpacket::Seqpacket>();
    #[cfg(peer_ipc_channel)]
    visitor.visit::<ipc_channel::IpcChannel>();
    #[cfg(peer_zeromq)]
    visitor.visit::<zeromq::ZeroMq>();
}

/// The adapters that were not built, by name, and why.
pub const LEFT_OUT: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/left_out.rs"));
