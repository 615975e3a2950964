//! A POSIX message queue.

use std::fs;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use nix::errno::Errno;
use nix::mqueue::{MQ_OFlag, MqAttr, MqdT, mq_close, mq_open, mq_receive, mq_send, mq_unlink};
use nix::sys::stat::Mode;

use crate::{About, Peer, Place, Receiver, Sender, Spec, Unfit};

/// How many queues this process has made.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// The peer.
pub struct PosixMq;

/// The queue, open twice: whether a call waits is a property of the open queue. Its name is gone at once.
pub struct Queue {
    waiting: Open,
    polling: Open,
    length: usize,
}

/// An open queue.
struct Open(Option<MqdT>);

impl Open {
    #[inline]
    fn queue(&self) -> &MqdT {
        self.0.as_ref().expect("open until it is dropped")
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            let _ = mq_close(queue);
        }
    }
}

/// Either end.
pub struct End {
    queue: Arc<Queue>,
    buffer: Vec<u8>,
}

impl Peer for PosixMq {
    const ABOUT: About = About {
        name: "POSIX message queue",
        version: "the kernel's",
        place: Place::Processes,
        many_to_many: true,
        polls: true,
        blocks: true,
        in_place: false,
        batches: false,
        claims_before_writing: false,
        locks: true,
        longest: Some(8192),
        note: "never deeper than /proc/sys/fs/mqueue/msg_max, which is 10 unless the administrator says otherwise",
    };
    type Setup = Arc<Queue>;
    type Sender = End;
    type Receiver = End;

    fn set_up(spec: &Spec) -> Result<Arc<Queue>, Unfit> {
        let depth = spec.depth.min(limit("msg_max")?);
        let longest = limit("msgsize_max")?;
        if spec.payload > longest {
            return Err(Unfit(format!("a message has {longest} bytes at most")));
        }
        let name = name(MADE.fetch_add(1, Relaxed));
        let attributes = MqAttr::new(0, depth as _, spec.payload.max(1) as _, 0);
        let flags = MQ_OFlag::O_RDWR | MQ_OFlag::O_CLOEXEC;
        let made = MQ_OFlag::O_CREAT | MQ_OFlag::O_EXCL;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let open = |flags, attributes| {
            let queue = mq_open(name.as_str(), flags, mode, attributes);
            queue.map(|queue| Open(Some(queue))).map_err(unfit)
        };
        let waiting = open(flags | made, Some(&attributes))?;
        let polling = open(flags | MQ_OFlag::O_NONBLOCK, None);
        mq_unlink(name.as_str()).map_err(unfit)?;
        Ok(Arc::new(Queue {
            waiting,
            polling: polling?,
            length: spec.payload,
        }))
    }

    fn sender(setup: &Arc<Queue>, _index: usize) -> Result<End, Unfit> {
        Ok(End::of(setup))
    }

    fn receiver(setup: &Arc<Queue>, _index: usize) -> Result<End, Unfit> {
        Ok(End::of(setup))
    }
}

fn unfit(error: Errno) -> Unfit {
    Unfit(format!("no message queue: {error}"))
}

/// The name of the `number`-th queue of this process.
fn name(number: usize) -> String {
    format!("/ringpost-peers-{}-{number}", process::id())
}

/// A limit that the administrator sets.
fn limit(name: &str) -> Result<usize, Unfit> {
    let path = format!("/proc/sys/fs/mqueue/{name}");
    let text = fs::read_to_string(&path).map_err(|error| Unfit(format!("{path}: {error}")))?;
    let value = text.trim().parse();
    value.map_err(|_| Unfit(format!("{path} holds no number")))
}

/// `None` if it would have to wait.
#[inline]
fn done<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Option<T> {
    loop {
        match call() {
            Ok(value) => return Some(value),
            Err(Errno::EAGAIN) => return None,
            Err(Errno::EINTR) => {}
            Err(error) => panic!("the message queue is broken: {error}"),
        }
    }
}

impl End {
    fn of(setup: &Arc<Queue>) -> End {
        End {
            queue: Arc::clone(setup),
            // The kernel wants room for the longest message at each call.
            buffer: vec![0; setup.length],
        }
    }
}

impl Sender for End {
    #[inline]
    fn try_send(&mut self, payload: &[u8]) -> bool {
        done(|| mq_send(self.queue.polling.queue(), payload, 0)).is_some()
    }

    #[inline]
    fn send(&mut self, payload: &[u8]) {
        done(|| mq_send(self.queue.waiting.queue(), payload, 0)).expect("it waits");
    }

    #[inline]
    fn send_in_place(&mut self, length: usize, mut fill: impl FnMut(&mut [u8])) -> bool {
        fill(&mut self.buffer[..length]);
        done(|| mq_send(self.queue.polling.queue(), &self.buffer[..length], 0)).is_some()
    }
}

impl Receiver for End {
    #[inline]
    fn try_receive(&mut self, mut read: impl FnMut(&[u8])) -> bool {
        let queue = self.queue.polling.queue();
        match done(|| mq_receive(queue, &mut self.buffer, &mut 0)) {
            Some(length) => {
                read(&self.buffer[..length]);
                true
            }
            None => false,
        }
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        let queue = self.queue.waiting.queue();
        done(|| mq_receive(queue, buffer, &mut 0)).expect("it waits")
    }

    #[inline]
    fn try_receive_copy(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let queue = self.queue.polling.queue();
        done(|| mq_receive(queue, buffer, &mut 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Waiting;

    /// The file system that lists message queues is mounted on few machines: the conformance test cannot look there.
    #[test]
    fn the_name_is_gone_as_soon_as_the_queue_is_there() {
        let spec = Spec {
            payload: 64,
            depth: 2,
            senders: 1,
            receivers: 1,
            waiting: Waiting::Blocking,
        };
        let queue = PosixMq::set_up(&spec).expect("a queue");
        assert_eq!(MADE.load(Relaxed), 1);
        let again = mq_open(name(0).as_str(), MQ_OFlag::O_RDWR, Mode::empty(), None);
        assert_eq!(again.expect_err("there is no such name"), Errno::ENOENT);
        drop(queue);
    }
}
