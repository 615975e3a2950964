//! ZeroMQ over `ipc://`: sockets of the kinds PUSH and PULL, each process with a thread of its own for the transport.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::process;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::area::Area;
use crate::{About, Peer, Place, Receiver, Sender, Spec, Unfit};

// `zmq.h`: the C interface, which has kept these since version 3.
const PULL: c_int = 7;
const PUSH: c_int = 8;
const LINGER: c_int = 17;
const RECONNECT_IVL: c_int = 18;
const SNDHWM: c_int = 23;
const RCVHWM: c_int = 24;
const DONTWAIT: c_int = 1;

unsafe extern "C" {
    fn zmq_errno() -> c_int;
    fn zmq_strerror(error: c_int) -> *const c_char;
    fn zmq_ctx_new() -> *mut c_void;
    fn zmq_ctx_term(context: *mut c_void) -> c_int;
    fn zmq_socket(context: *mut c_void, kind: c_int) -> *mut c_void;
    fn zmq_close(socket: *mut c_void) -> c_int;
    fn zmq_setsockopt(
        socket: *mut c_void,
        option: c_int,
        value: *const c_void,
        length: usize,
    ) -> c_int;
    fn zmq_bind(socket: *mut c_void, address: *const c_char) -> c_int;
    fn zmq_connect(socket: *mut c_void, address: *const c_char) -> c_int;
    fn zmq_send(socket: *mut c_void, payload: *const c_void, length: usize, flags: c_int) -> c_int;
    fn zmq_recv(socket: *mut c_void, buffer: *mut c_void, room: usize, flags: c_int) -> c_int;
}

/// How long a sender that is dropped stays for its receivers, at most. A receiver that lags when its sender disconnects
/// loses what the kernel still holds (libzmq gives a connection up at its first error, unread bytes or not), so senders leave
/// last.
const FAREWELL: Duration = Duration::from_millis(500);

/// The peer.
pub struct ZeroMq;

/// The names of the receivers' sockets, in the kernel's own space: there is no file. A context has threads, which do not
/// survive a fork, so the workers make all else.
pub struct Setup {
    prefix: String,
    spec: Spec,
    /// How many receivers have been dropped.
    gone: Arc<Area>,
}

/// Either end.
pub struct End {
    context: NonNull<c_void>,
    socket: NonNull<c_void>,
    buffer: Vec<u8>,
    gone: Arc<Area>,
    /// A sender: for how many receivers it stays.
    stays_for: u32,
}

impl Peer for ZeroMq {
    const ABOUT: About = About {
        name: "ZeroMQ ipc",
        version: env!("VERSION_ZEROMQ"),
        place: Place::Processes,
        many_to_many: true,
        polls: true,
        blocks: true,
        in_place: false,
        batches: false,
        claims_before_writing: false,
        locks: false,
        longest: None,
        note: "its senders deal items out to the receivers in turn, and each process has a thread for the transport; a sender that leaves early would lose items, so it stays",
    };
    type Setup = Setup;
    type Sender = End;
    type Receiver = End;

    fn set_up(spec: &Spec) -> Result<Setup, Unfit> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let made = MADE.fetch_add(1, Relaxed);
        let prefix = format!("ipc://@ringpost-peers-{}-{made}", process::id());
        Ok(Setup {
            prefix,
            spec: *spec,
            gone: Arc::new(Area::new(4)),
        })
    }

    fn sender(setup: &Setup, _index: usize) -> Result<End, Unfit> {
        let end = End::new(setup, PUSH)?;
        for index in 0..setup.spec.receivers {
            let address = setup.address(index);
            // SAFETY: a socket of ours, and a text that lives during the call.
            let outcome = unsafe { zmq_connect(end.socket.as_ptr(), address.as_ptr()) };
            check(outcome, "zmq_connect")?;
        }
        Ok(end)
    }

    fn receiver(setup: &Setup, index: usize) -> Result<End, Unfit> {
        let end = End::new(setup, PULL)?;
        let address = setup.address(index);
        // SAFETY: as above.
        let outcome = unsafe { zmq_bind(end.socket.as_ptr(), address.as_ptr()) };
        check(outcome, "zmq_bind")?;
        Ok(end)
    }
}

impl Setup {
    fn address(&self, receiver: usize) -> CString {
        CString::new(format!("{}-{receiver}", self.prefix)).expect("no zero in it")
    }
}

fn check(outcome: c_int, what: &str) -> Result<(), Unfit> {
    if outcome == 0 {
        return Ok(());
    }
    // SAFETY: takes the number of this thread's last error.
    let error = unsafe { zmq_errno() };
    // SAFETY: returns a text that lives for ever, for any number.
    let text = unsafe { zmq_strerror(error) };
    // SAFETY: as said above.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    Err(Unfit(format!("{what}: {text}")))
}

impl End {
    fn new(setup: &Setup, kind: c_int) -> Result<End, Unfit> {
        // SAFETY: no conditions.
        let context = NonNull::new(unsafe { zmq_ctx_new() });
        let context = context.ok_or_else(|| Unfit("no ZeroMQ context".into()))?;
        // SAFETY: a context of ours.
        let socket = NonNull::new(unsafe { zmq_socket(context.as_ptr(), kind) });
        let socket = socket.ok_or_else(|| Unfit("no ZeroMQ socket".into()))?;
        let end = End {
            context,
            socket,
            buffer: vec![0; setup.spec.payload],
            gone: Arc::clone(&setup.gone),
            stays_for: match kind {
                PUSH => setup.spec.receivers as u32,
                _ => 0,
            },
        };
        // Both ends have a queue: each has half of the depth.
        let depth = (setup.spec.depth / 2).max(1) as c_int;
        end.set(SNDHWM, depth)?;
        end.set(RCVHWM, depth)?;
        end.set(LINGER, 0)?;
        // The receiver may bind after the sender connects.
        end.set(RECONNECT_IVL, 1)?;
        Ok(end)
    }

    fn set(&self, option: c_int, value: c_int) -> Result<(), Unfit> {
        let start = (&raw const value).cast();
        let length = size_of::<c_int>();
        // SAFETY: a socket of ours, and a number that lives during the call.
        let outcome = unsafe { zmq_setsockopt(self.socket.as_ptr(), option, start, length) };
        check(outcome, "zmq_setsockopt")
    }

    #[inline]
    fn put(&self, payload: &[u8], flags: c_int) -> bool {
        let socket = self.socket.as_ptr();
        let start = payload.as_ptr().cast();
        // SAFETY: a socket of ours, which copies so many bytes.
        done(|| unsafe { zmq_send(socket, start, payload.len(), flags) }).is_some()
    }

    #[inline]
    fn take(&self, buffer: &mut [u8], flags: c_int) -> Option<usize> {
        let socket = self.socket.as_ptr();
        let start: *mut c_void = buffer.as_mut_ptr().cast();
        // SAFETY: a socket of ours, which writes no more than there is room.
        let length = done(|| unsafe { zmq_recv(socket, start, buffer.len(), flags) })?;
        assert!(length <= buffer.len(), "a message is longer than agreed");
        Some(length)
    }
}

/// `None` if it would have to wait.
#[inline]
fn done(mut call: impl FnMut() -> c_int) -> Option<usize> {
    loop {
        if let Ok(length) = usize::try_from(call()) {
            return Some(length);
        }
        // SAFETY: takes the number of this thread's last error.
        match io::Error::from_raw_os_error(unsafe { zmq_errno() }) {
            error if error.kind() == io::ErrorKind::WouldBlock => return None,
            error if error.kind() == io::ErrorKind::Interrupted => {}
            error => panic!("the socket is broken: {error}"),
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let gone = self.gone.u32_at(0);
        let deadline = Instant::now() + FAREWELL;
        while gone.load(Relaxed) < self.stays_for && Instant::now() < deadline {
            thread::sleep(Duration::from_micros(200));
        }
        // SAFETY: a socket of ours, which nobody uses any more.
        unsafe { zmq_close(self.socket.as_ptr()) };
        // SAFETY: a context of ours without sockets.
        unsafe { zmq_ctx_term(self.context.as_ptr()) };
        if self.stays_for == 0 {
            gone.fetch_add(1, Relaxed);
        }
    }
}

impl Sender for End {
    #[inline]
    fn try_send(&mut self, payload: &[u8]) -> bool {
        self.put(payload, DONTWAIT)
    }

    #[inline]
    fn send(&mut self, payload: &[u8]) {
        self.put(payload, 0);
    }

    #[inline]
    fn send_in_place(&mut self, length: usize, mut fill: impl FnMut(&mut [u8])) -> bool {
        fill(&mut self.buffer[..length]);
        self.put(&self.buffer[..length], DONTWAIT)
    }
}

impl Receiver for End {
    #[inline]
    fn try_receive(&mut self, mut read: impl FnMut(&[u8])) -> bool {
        let mut buffer = std::mem::take(&mut self.buffer);
        let received = self.take(&mut buffer, DONTWAIT);
        if let Some(length) = received {
            read(&buffer[..length]);
        }
        self.buffer = buffer;
        received.is_some()
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        self.take(buffer, 0).expect("it waits")
    }

    #[inline]
    fn try_receive_copy(&mut self, buffer: &mut [u8]) -> Option<usize> {
        self.take(buffer, DONTWAIT)
    }
}
