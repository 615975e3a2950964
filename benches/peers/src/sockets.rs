//! A connected pair of Unix sockets, which both kinds of socket use.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::sockopt::{set_socket_send_buffer_size, socket_send_buffer_size};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use crate::records::{Input, Output, Wait};
use crate::{Spec, Unfit};

/// What the kernel counts for a message besides its bytes.
const OVERHEAD: usize = 768;

/// One end.
pub struct End(OwnedFd);

/// Both ends.
pub struct Pair {
    pub(crate) input: End,
    pub(crate) output: End,
    pub(crate) record: usize,
    pub(crate) receivers: usize,
}

impl Pair {
    pub(crate) fn new(kind: SocketType, spec: &Spec) -> Result<Pair, Unfit> {
        let flags = SocketFlags::CLOEXEC;
        let (input, output) =
            rustix::net::socketpair(AddressFamily::UNIX, kind, flags, None).map_err(unfit)?;
        // As much as a user may have; the kernel doubles it and cuts it to net.core.wmem_max.
        let wanted = spec.depth * (spec.payload + OVERHEAD) / 2;
        if wanted > socket_send_buffer_size(&output).map_err(unfit)? {
            set_socket_send_buffer_size(&output, wanted.min(64 << 20)).map_err(unfit)?;
        }
        Ok(Pair {
            input: End(input),
            output: End(output),
            record: spec.payload,
            receivers: spec.receivers,
        })
    }

    /// What the socket holds, in bytes as the kernel counts them.
    pub(crate) fn room(&self) -> Result<usize, Unfit> {
        socket_send_buffer_size(&self.output.0).map_err(unfit)
    }
}

fn unfit(error: Errno) -> Unfit {
    Unfit(format!("no socket: {error}"))
}

impl End {
    pub(crate) fn share(&self) -> Result<End, Unfit> {
        let copy = rustix::io::fcntl_dupfd_cloexec(&self.0, 0);
        copy.map(End).map_err(unfit)
    }
}

impl Output for End {
    #[inline]
    fn write(&self, bytes: &[u8], wait: Wait) -> Result<usize, Errno> {
        let flags = match wait {
            Wait::Yes => SendFlags::NOSIGNAL,
            Wait::No => SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
        };
        rustix::net::send(&self.0, bytes, flags)
    }
}

impl Input for End {
    #[inline]
    fn read(&self, buffer: &mut [u8], wait: Wait) -> Result<usize, Errno> {
        let flags = match wait {
            Wait::Yes => RecvFlags::empty(),
            Wait::No => RecvFlags::DONTWAIT,
        };
        rustix::net::recv(&self.0, buffer, flags).map(|(read, _)| read)
    }
}
