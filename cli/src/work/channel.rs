//! What a worker and its guards, and a guard and its launchers, say to each other: messages of a socket that keeps them apart.

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv, recvmsg, send, sendmsg,
    socketpair,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

/// One end. It ends with the process at the other end, whatever that dies of.
#[derive(Debug)]
pub(super) struct Channel(OwnedFd);

/// One run of the command for one item.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) position: u64,
    pub(super) deliveries: u32,
    /// The item's lock: it lasts until every process that has this is gone.
    pub(super) lock: OwnedFd,
    /// A file with the payload.
    pub(super) payload: OwnedFd,
}

/// What one process wants of the next.
#[derive(Debug)]
pub(super) enum Order {
    Run(Job),
    /// There is no more work: end, and leave alone what the commands have left in the background.
    Leave,
    /// The other end is gone.
    Gone,
}

/// How a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Exited(i32),
    Killed(i32),
    /// The command could not be started, for this reason.
    NotRun(Errno),
}

const JOB_BYTES: usize = 12;
const LEAVE: &[u8] = b"leave";
const END_BYTES: usize = 5;

impl Channel {
    pub(super) fn pair() -> io::Result<(Channel, Channel)> {
        let (flags, kind) = (SocketFlags::CLOEXEC, SocketType::SEQPACKET);
        let (one, other) = socketpair(AddressFamily::UNIX, kind, flags, None)?;
        Ok((Channel(one), Channel(other)))
    }

    /// The end that this process was started with.
    pub(super) fn inherited() -> io::Result<Channel> {
        Ok(Channel(io::stdin().as_fd().try_clone_to_owned()?))
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.0
    }

    /// For the process that is started with this end.
    pub(super) fn into_fd(self) -> OwnedFd {
        self.0
    }

    pub(super) fn run(&self, job: &Job) -> io::Result<()> {
        let mut bytes = [0; JOB_BYTES];
        bytes[..8].copy_from_slice(&job.position.to_le_bytes());
        bytes[8..].copy_from_slice(&job.deliveries.to_le_bytes());
        let descriptors = [job.lock.as_fd(), job.payload.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        beside.push(SendAncillaryMessage::ScmRights(&descriptors));
        sendmsg(
            &self.0,
            &[IoSlice::new(&bytes)],
            &mut beside,
            SendFlags::NOSIGNAL,
        )?;
        Ok(())
    }

    pub(super) fn leave(&self) -> io::Result<()> {
        send(&self.0, LEAVE, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Waits for an order.
    pub(super) fn order(&self) -> io::Result<Order> {
        let mut bytes = [0; JOB_BYTES];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let mut into = [IoSliceMut::new(&mut bytes)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let length = match again(|| recvmsg(&self.0, &mut into, &mut beside, flags)) {
            Ok(received) => received.bytes,
            Err(Errno::CONNRESET) => 0,
            Err(errno) => return Err(errno.into()),
        };
        let mut descriptors = beside.drain().flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(rights) => rights.collect::<Vec<_>>(),
            _ => Vec::new(),
        });
        match (length, descriptors.next(), descriptors.next()) {
            (0, ..) => Ok(Order::Gone),
            (JOB_BYTES, Some(lock), Some(payload)) => {
                let (position, deliveries) = bytes.split_at(8);
                Ok(Order::Run(Job {
                    position: u64::from_le_bytes(position.try_into().expect("eight bytes")),
                    deliveries: u32::from_le_bytes(deliveries.try_into().expect("four bytes")),
                    lock,
                    payload,
                }))
            }
            (length, ..) if bytes[..length] == *LEAVE => Ok(Order::Leave),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    pub(super) fn report(&self, end: End) -> io::Result<()> {
        let (kind, value) = match end {
            End::Exited(code) => (0, code),
            End::Killed(signal) => (1, signal),
            End::NotRun(errno) => (2, errno.raw_os_error()),
        };
        let mut bytes = [kind; END_BYTES];
        bytes[1..].copy_from_slice(&value.to_le_bytes());
        send(&self.0, &bytes, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// How the run has ended; `None` when the other end is gone. Waits for it, or not: then `None` says that nothing was
    /// reported as well.
    pub(super) fn end(&self, waits: bool) -> io::Result<Option<End>> {
        let flags = match waits {
            true => RecvFlags::empty(),
            false => RecvFlags::DONTWAIT,
        };
        let mut bytes = [0; END_BYTES];
        let length = match again(|| recv(&self.0, &mut bytes, flags)) {
            Ok((length, _)) => length,
            Err(Errno::CONNRESET | Errno::AGAIN) => 0,
            Err(errno) => return Err(errno.into()),
        };
        let value = i32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
        match (length, bytes[0]) {
            (0, _) => Ok(None),
            (END_BYTES, 0) => Ok(Some(End::Exited(value))),
            (END_BYTES, 1) => Ok(Some(End::Killed(value))),
            (END_BYTES, 2) => Ok(Some(End::NotRun(Errno::from_raw_os_error(value)))),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Calls again when a signal handler has run.
fn again<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}
